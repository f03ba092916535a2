"""The complex step, the message of a failure, the helper for tests, and the page about them."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import elementwise, primitive
from minigrad.check import GradcheckError, KinkError, assert_gradients, gradcheck, gradgradcheck

pytestmark = pytest.mark.usefixtures("leave_no_primitives")
BOTH = "finite differences and complex step"
PAGE = (Path(__file__).parents[3] / "docs" / "gradient-checking.md").read_text(encoding="utf-8")


@pytest.fixture
def device():
    """The planted mistakes are written for NumPy."""
    return "cpu"


def sine(factor):
    @elementwise
    def nearly_sine(x):
        return np.sin(x)

    return nearly_sine.derivative(x=lambda g, x: factor * g * mg.cos(x))


# ------------------------------------------------------------------------- complex step


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("shape", [(2, 3), (60, 50)])
def test_the_complex_step_is_used_for_analytic_functions(leaf, rng, check, shape):
    x, w = leaf(rng.standard_normal(shape)), leaf(rng.standard_normal((shape[1], 2)))
    report = check(lambda x, w: mg.functional.softmax(mg.tanh(x) @ w, 1), (x, w))
    assert report.compared_with == BOTH


@pytest.mark.parametrize("function", [
    mg.abs, lambda x: x.float().double(), lambda x: x * float(x.numpy()[0]),
    lambda x: mg.tensor(np.real(x.numpy())) + x, lambda x: x * mg.sign(x),
], ids=["abs", "cast", "value read", "real part", "sign"])
def test_the_complex_step_is_left_out_for_others(leaf, function):
    report = gradcheck(function, leaf([0.7, -0.4]), rtol=1e-3, atol=1e-3, raise_exception=False)
    assert report.compared_with == "finite differences"


def test_an_error_too_small_for_differences_is_seen(leaf, rng):
    x = leaf(rng.standard_normal((3, 4)))
    assert gradcheck(sine(1 + 1e-13), x)
    with pytest.raises(GradcheckError, match="measured by complex step") as caught:
        gradcheck(sine(1 + 1e-7), x)
    assert "too small for finite differences" in str(caught.value)


def test_the_complex_step_gives_no_false_alarm_for_large_values(leaf):
    assert gradcheck(lambda x: (x + 1e8) - 1e8, leaf([0.3, -0.7]))
    assert gradcheck(lambda x: x + 1e4, leaf([0.3, -0.7])).compared_with == BOTH
    assert gradcheck(lambda x: x * 1e9, leaf([0.3, -0.7])).compared_with == BOTH


# ---------------------------------------------------------------- inputs of every layout


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0, 3)])
def test_inputs_without_an_element(leaf, rng, shape):
    row = leaf(rng.standard_normal(shape[-1]))
    assert_gradients(lambda x, row: (x * row).exp().sum(0), leaf(np.zeros(shape)), row)
    with pytest.raises(GradcheckError):         # what has elements is still checked
        gradcheck(lambda x, y: mg.cat([sine(2.0)(y), x.flatten()]), (leaf(np.zeros(shape)), row
                                                                     if shape[-1] else leaf([1.0])))


def test_inputs_that_are_views_or_broadcast_in_memory(leaf, rng):
    base = rng.standard_normal((4, 6))
    for array in (base[::2, ::-1], base.T, np.broadcast_to(base[0], (3, 6)), base[:, None, ::3]):
        x = mg.from_numpy(array).requires_grad_()
        assert_gradients(lambda x: (mg.tanh(x) * x).sum(-1), x)
        with pytest.raises(GradcheckError, match=r"factor 1\.001"):
            gradcheck(sine(1.001), x)


# ------------------------------------------------------------------- what a failure tells


def wrong(forward, rule):
    @primitive
    def planted(x):
        return forward(x)

    return planted.derivative(x=rule)


@pytest.mark.parametrize("forward, rule, hint", [
    (np.tanh, lambda g, out: g, "a term is missing: -1·g·out²"),
    (lambda x: x * x + 3 * x, lambda g, x: 2 * g * x, "a term is missing: +3·g"),
    (lambda x: x ** 3 + x * x, lambda g, x: 2 * g * x, "a term is missing: +3·g·x²"),
    (lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True), lambda g, out: g * out,
     "a term is missing: out times something that is the same along dimension 1"),
    (lambda x: x - x.mean(0), lambda g: g,
     "a term is missing: 1 times something that is the same along dimension 0"),
])
def test_a_missing_term_is_named(leaf, rng, forward, rule, hint):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(wrong(forward, rule), leaf(rng.standard_normal((3, 4))))
    assert hint in str(caught.value), str(caught.value)


def test_the_error_is_given_against_the_step(leaf):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(sine(2.0), leaf([0.5]))
    steps, errors = (
        [float(word) for word in line.split()[-4:]] for line in str(caught.value).splitlines()
        if line.strip().startswith(("step of", "claimed −")))
    assert steps == sorted(steps, reverse=True)
    assert np.allclose(errors, np.cos(0.5), rtol=1e-3)     # it stands still: a mistake


# ------------------------------------------------------------------------ assert_gradients


def test_assert_gradients_makes_leaves_of_float_arrays(rng):
    first, second = assert_gradients(
        lambda x, index, factor: x[index] * factor, rng.standard_normal((3, 2)).astype(np.float32),
        np.array([2, 0]), 3.0)
    assert (first.order, second.order) == (1, 2)
    assert first.labels == ["input 0 (x)"]


def test_assert_gradients_raises_assertions():
    with pytest.raises(AssertionError, match="sign is flipped"):
        assert_gradients(sine(-1.0), np.array([0.5, 1.0]))
    with pytest.raises(KinkError):
        assert_gradients(mg.relu, np.array([0.0, 1.0]))
    detached = wrong(np.sin, lambda g, x: (g * mg.cos(x)).detach()
                     if isinstance(g, mg.Tensor) else g * np.cos(x))
    assert assert_gradients(detached, np.array([0.5]), orders=[1])
    with pytest.raises(AssertionError, match="gradgradcheck"):
        assert_gradients(detached, np.array([0.5]))


# ------------------------------------------------------------------------------- the page


def test_code_on_the_page_runs(monkeypatch):
    """Blocks that need PyTorch or JAX are run by `tests/test_docs.py`."""
    base = sys.modules["minigrad.check.samples.base"]
    monkeypatch.setattr(base, "_sources", dict(base._sources))
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        if not re.search(r"^\s*(import|from) (torch|jax)", block, re.MULTILINE):
            exec(compile(block, "gradient-checking.md", "exec"), names)
    expected = re.search(r"```\n(gradcheck of my_tanh.*?)\n```", PAGE, re.DOTALL).group(1)
    # The last digits of a difference are rounding, and not the same on every machine.
    shorter = [re.sub(r"(\.\d{8})\d+", r"\1", text) for text in (
        expected, names["report"].message())]
    assert shorter[0] in shorter[1]
