"""The tables of the slides: activations, softmax, the toy example of backpropagation."""

import numpy as np
import pytest

import minigrad as mg
from examples import activations, softmax_table, toy_backprop

ROWS = {row.name: row for row in activations.TABLE}


@pytest.mark.parametrize("name", ROWS)
def test_the_table_is_what_the_engine_computes(name):
    assert activations.largest_difference(ROWS[name]) < 1e-14


@pytest.mark.parametrize("name, table, engine", [
    ("Identity", 1, 1), ("Binary step", np.nan, 0), ("Logistic (sigmoid)", 0.25, 0.25),
    ("TanH", 1, 1), ("ReLU", 1, 0), ("Leaky ReLU", 1, 0.01)])
def test_derivatives_at_0(name, table, engine):
    zero = np.zeros(1)
    np.testing.assert_equal(ROWS[name].table(zero)[1][0], table)
    assert ROWS[name].computed(zero)[1][0] == engine


@pytest.mark.parametrize("name", ROWS)
def test_derivatives_of_the_table_are_slopes(name):
    """The document's own formulae, by differences of its own f."""
    x = np.array([-3.1, -1.2, -0.3, 0.4, 1.7])
    differences = (ROWS[name].f(x + 1e-6) - ROWS[name].f(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(ROWS[name].table(x)[1], differences, atol=1e-9)


def test_what_differs_is_marked(capsys):
    activations.program([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines if "← differs" in line] \
        == ["Binary step", "ReLU", "Leaky ReLU"]


def test_the_columns_and_the_loss():
    result = softmax_table.compute()
    for name, column in softmax_table.SLIDES.items():
        np.testing.assert_allclose(result.columns[name], column, atol=1e-5)
    np.testing.assert_allclose(result.columns["÷ sum"], [0.00335, 0.13447, 0.36553, 0.49665],
                               atol=5e-6)
    assert result.loss == pytest.approx(0.020626, abs=5e-7)
    y = result.columns["softmax"] - np.array([0, 0, 0, 1])
    np.testing.assert_allclose(result.gradient, y, atol=1e-15)


def test_wrong_digits_of_the_slides_are_marked(capsys):
    softmax_table.program([])
    out = capsys.readouterr().out
    assert out.count("*") == 3 and "0.00334*" in out and "0.49666*" in out      # and the legend
    assert "0.020626; the slide's 0.020621 is −log 0.97959 = 0.020621" in out


def test_the_toy_example(capsys):
    toy_backprop.program([])
    out = capsys.readouterr().out
    for text in ("g = w·x = -2·5 = -10", "f = g + b = -7", "∂f/∂w = x = 5, ∂f/∂b = 1",
                 "w = -2 + 0.1·5 = -1.5", "b = 3 + 0.1·1 = 3.1", "f = -4.4"):
        assert text in out


@pytest.mark.parametrize("rule, eta, factor", [("E", 0.02, 0.48), ("E", 0.1, -1.6)])
def test_descent_on_e_multiplies_the_distance(rule, eta, factor):
    distance = np.array(toy_backprop.trajectory(rule, eta)) - toy_backprop.GOAL
    np.testing.assert_allclose(distance[1:] / distance[:-1], factor, rtol=1e-9)


def test_the_slides_ascent_never_stops():
    np.testing.assert_allclose(np.diff(toy_backprop.trajectory("f", 0.1)), 2.6, rtol=1e-12)


def test_the_page_of_the_toy_example(tmp_path, capsys):
    page = tmp_path / "toy.html"
    toy_backprop.program(["--page", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "f = w·x + b" in text and "multiply" in text and "<svg" in text
    for name, message in (("toy.txt", "must be .html"), ("none/toy.html", "there is no folder")):
        with pytest.raises(mg.MinigradError, match=message):
            toy_backprop.program(["--page", str(tmp_path / name)])
