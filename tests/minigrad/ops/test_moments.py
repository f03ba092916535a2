"""Moment matrices, on the device of the fixture: values, derivatives, errors."""

import numpy as np
import pytest
from beside_torch import assert_same

import minigrad as mg
import minigrad.functional as F
from minigrad.check import gradcheck, gradgradcheck
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels import moments

WINDOWS = {"whole": None, "inside": (1, 5, 2, 6), "whole rows": (2, 6, 0, 7),
           "all rows": (0, 6, 3, 7), "one pixel": (4, 5, 6, 7), "no rows": (3, 3, 1, 5),
           "no columns": (1, 5, 7, 7)}
ORDERS = {"channels first": (0, 1, 2, 3), "channels last": (0, 2, 3, 1),
          "columns outermost": (3, 0, 1, 2)}


def in_order(x, order):
    """The same numbers, with these dimensions in memory from the outermost to the innermost."""
    return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))


def expected(x, window):
    top, bottom, left, right = window or (0, x.shape[2], 0, x.shape[3])
    f = np.concatenate([x, np.ones_like(x[:, :1])], axis=1)[:, :, top:bottom, left:right]
    return np.einsum("nchw,ndhw->ncd", f, f)


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request):
    before = mg.get_num_threads()
    mg.set_num_threads(request.param)
    yield request.param
    mg.set_num_threads(before)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("images, channels", [(1, 1), (2, 3), (0, 2)])
def test_value_and_gradient(rng, constant, threads, images, channels, window, order, monkeypatch):
    monkeypatch.setattr(moments, "BAND", 1)         # several bands
    x = rng.standard_normal((images, channels, 6, 7))
    weights = rng.standard_normal((images, channels + 1, channels + 1))
    features = constant(in_order(x, order)).requires_grad_()
    matrix = F.moment_matrix(features, window)
    np.testing.assert_allclose(matrix.numpy(), expected(x, window), atol=1e-12)
    matrix.backward(constant(weights))
    twice = (weights + weights.swapaxes(1, 2))[:, :-1]
    top, bottom, left, right = window or (0, 6, 0, 7)
    gradient = np.zeros_like(x)
    gradient[:, :, top:bottom, left:right] = (
        np.einsum("nkc,nchw->nkhw", twice[:, :, :-1], x) + twice[:, :, -1, None, None]
    )[:, :, top:bottom, left:right]
    np.testing.assert_allclose(features.grad.numpy(), gradient, atol=1e-12)


def test_parts_add_up(rng, constant):
    x = constant(rng.standard_normal((1, 4, 9, 8)))
    parts = sum(F.moment_matrix(x, F.Window(top, bottom, left, right)).numpy()
                for top, bottom in ((0, 4), (4, 9)) for left, right in ((0, 3), (3, 8)))
    np.testing.assert_allclose(parts, F.moment_matrix(x).numpy(), atol=1e-12)


def test_results_are_the_same_with_any_number_of_runs(rng, threads):
    x = mg.tensor(rng.standard_normal((1, 16, 40, 50)).astype("f"))
    first, again = (F.moment_matrix(x, (3, 38, 5, 50)).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("window", [None, (8, 248, 8, 248)], ids=["whole", "inside"])
def test_float32_is_as_accurate_as_the_gram_matrix(rng, constant, window):
    """Features as ReLU leaves them, with a mean: 60,000 pixels of 16 channels."""
    x = np.maximum(rng.standard_normal((1, 256, 256, 16)) + 0.5, 0).astype("f")
    x = x.transpose(0, 3, 1, 2)         # as kernels leave it
    exact = expected(x.astype("d"), window)
    features = constant(x)
    matrix = F.moment_matrix(features, window).numpy()
    assert matrix.dtype == np.float32 and matrix[0, -1, -1] == exact[0, -1, -1]
    np.testing.assert_allclose(matrix, exact, rtol=2e-6)
    np.testing.assert_allclose(F.gram_matrix(features).numpy(), expected(
        x.astype("d"), None)[:, :-1, :-1], rtol=2e-6)


@pytest.mark.parametrize("window, order", [(None, (0, 1, 2, 3)), ((0, 2, 1, 2), (0, 2, 3, 1)),
                                           ((2, 2, 0, 2), (0, 1, 2, 3))], ids=str)
def test_derivatives_to_second_order(rng, leaf, window, order):
    x = leaf(in_order(rng.standard_normal((2, 2, 3, 2)), order))
    assert gradcheck(lambda x: F.moment_matrix(x, window), x)
    assert gradgradcheck(lambda x: F.moment_matrix(x, window), x)


def test_mean_and_covariance_as_numpy_has_them(rng, constant):
    x = rng.standard_normal((1, 5, 6, 7)) + 2
    matrix = F.moment_matrix(constant(x)).numpy()[0]
    second, mean = matrix[:-1, :-1] / matrix[-1, -1], matrix[-1, :-1] / matrix[-1, -1]
    pixels = x[0].reshape(5, -1)
    np.testing.assert_allclose(mean, pixels.mean(axis=1))
    np.testing.assert_allclose(second - np.outer(mean, mean), np.cov(pixels, ddof=0))


@pytest.mark.oracle
@pytest.mark.parametrize("window", [None, (1, 3, 0, 4)], ids=str)
def test_beside_torch(rng, window):
    torch = pytest.importorskip("torch")

    def theirs(x):
        top, bottom, left, right = window or (0, 4, 0, 5)
        f = torch.cat([x, torch.ones_like(x[:, :1])], 1)[:, :, top:bottom, left:right].flatten(2)
        return f @ f.transpose(1, 2)

    assert_same(lambda x: F.moment_matrix(x, window), theirs, rng.standard_normal((2, 3, 4, 5)))


@pytest.mark.parametrize("window, message", [
    ((0, 5, 0, 5), "image of 4×5 pixels, with .* not rows 0 to 5 and columns 0 to 5"),
    ((-1, 2, 0, 5), "rows -1 to 2"), ((3, 2, 0, 5), "rows 3 to 2"),
    ((0, 4, 0, 6), "columns 0 to 6"),
    ((0, 4, 0), "four whole numbers"), ((0, 4, 0, 5.0), "four whole numbers"),
    (4, "four whole numbers .* not 4")])
def test_windows_that_are_refused(window, message):
    with pytest.raises(ArgumentError, match=f"moment_matrix.*{message}"):
        F.moment_matrix(mg.zeros(1, 2, 4, 5), window)


def test_features_that_are_refused():
    with pytest.raises(ShapeError, match=r"features N×C×H×W, not shape \(2, 4, 5\)"):
        F.moment_matrix(mg.zeros(2, 4, 5))
