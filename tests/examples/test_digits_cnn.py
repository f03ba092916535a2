"""The convolutional network: sizes by the formulae, the pictures it is shown, what it learns."""

import os

import numpy as np
import pytest

import minigrad as mg
from examples import common, digits, digits_cnn, layer_sizes


@pytest.mark.parametrize("case", layer_sizes.CASES, ids=lambda case: case.where)
def test_sizes_by_formula_and_engine(case):
    assert layer_sizes.map_size(*case[1:]) == layer_sizes.engine_size(case)


def test_sizes_that_the_documents_work_out():
    sizes = {case[1:]: layer_sizes.engine_size(case) for case in layer_sizes.CASES}
    assert sizes[7, 3, 1, 0] == 5 and sizes[7, 3, 2, 0] == 3 and sizes[7, 3, 1, 1] == 7
    assert sizes[8, 2, 2, 0] == 4 and 1 - 4 ** 2 / 8 ** 2 == 0.75
    assert [row[2:] for row in layer_sizes.slide_weights()] == [(4, 28), (4, 4), (4, 3)]


def test_sizes_of_the_network():
    rows = list(layer_sizes.network_sizes(digits_cnn.Network()))
    assert [row[1] for row in rows] == [row[2] for row in rows] == [8, 8, 4, 2]


def test_jitter_of_nothing_changes_nothing(rng):
    images = rng.random((5, 1, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(digits.jittered(images, rng, 0, 0, 0, 0), images, atol=1e-6)


def test_jitter_moves_and_turns(rng):
    """Only the pictures between: brightness stays, the middle of a dot stays under turns."""
    images = np.zeros((40, 1, 8, 8), np.float32)
    images[:, 0, 3:5, 3:5] = 1
    turned = digits.jittered(images, rng, 90, 0, 0, 0)
    np.testing.assert_allclose(turned.sum((1, 2, 3)), 4, rtol=0.25)
    moved = digits.jittered(images, rng, 0, 0, 1.0, 0)
    np.testing.assert_allclose(moved.sum((1, 2, 3)), 4, rtol=1e-5)
    centre = (moved[:, 0] * np.arange(8)).sum((1, 2)) / 4
    assert centre.min() < 3 and centre.max() > 4 and np.abs(centre - 3.5).max() <= 1


def test_the_notebooks_numbers():
    """(1797, 64), the first labelled 0 and the last 8, as the workshop's notebook prints them."""
    pytest.importorskip("sklearn")
    images, labels = digits.load()
    assert images.shape == (1797, 1, 8, 8) and (labels[0], labels[1796]) == (0, 8)
    counts = images[0].ravel()[:8] * digits.MAX_PIXEL
    assert counts.tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    places, shares = digits.principal_components(images)
    assert places.shape == (1797, 2) and shares == pytest.approx([0.149, 0.136], abs=1e-3)


def test_folds_are_a_division():
    labels = np.repeat(np.arange(10), 20)
    pytest.importorskip("sklearn")
    parts = digits.folds(labels, 5, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in parts])),
                                  np.arange(200))
    for training, test in parts:
        assert not set(training) & set(test) and len(training) == 160
        np.testing.assert_array_equal(np.bincount(labels[test]), 4)


def test_a_few_epochs_of_one_fold():
    pytest.importorskip("sklearn")
    data = digits.load()
    rows = digits.folds(data[1], 5, 0)[0]
    rows = rows[0][::2], rows[1]
    run = digits_cnn.train_fold(data, rows, 4, 0, "cpu")
    assert run.accuracy > 0.85 and run.losses[-1] < 0.5 * run.losses[0]
    again = digits_cnn.train_fold(data, (rows[0][:64], rows[1]), 1, 0, "cpu")
    same = digits_cnn.train_fold(data, (rows[0][:64], rows[1]), 1, 0, "cpu")
    assert again.losses == same.losses


def test_dropout_is_off_when_it_answers():
    network = digits_cnn.Network().eval()
    x = mg.rand(3, 1, 8, 8)
    np.testing.assert_array_equal(network(x).numpy(), network(x).numpy())


def test_the_misread_digits_of_all_folds_are_drawn():
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    _, labels = digits.load()
    tests = [test for _, test in digits.folds(labels, 5, 0)[:2]]
    answers = [labels[test].copy() for test in tests]
    answers[0][3] = (answers[0][3] + 1) % 10
    answers[1][:14] = (answers[1][:14] + 1) % 10
    figure = common.blank(5, 4)
    digits.draw_misread(figure, tests, answers)
    assert figure.get_suptitle() == "15 of 720 test pictures are misread, 12 of them:"
    right = [labels[tests[0][3]], *labels[tests[1][:11]]]
    assert [ax.get_title() for ax in figure.axes] == [
        f"{digit}, read as {(digit + 1) % 10}" for digit in right]


@pytest.mark.slow
def test_985_per_cent_as_a_five_fold_mean(capsys):
    pytest.importorskip("sklearn")
    digits_cnn.program(["--folds", "1"] if os.environ.get("SLOW_TESTS") == "reduced" else [])
    assert float(capsys.readouterr().out.split("mean: ")[1].split("%")[0]) >= 98.5
