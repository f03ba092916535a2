"""Moment matrices, on the device of the fixture: values, derivatives, errors."""

import numpy as np
import pytest
from beside_torch import assert_same

import minigrad as mg
import minigrad.functional as F
from minigrad.check import gradcheck, gradgradcheck
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels import moments, parallel

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


def test_the_number_of_threads_changes_no_bit(rng):
    x = mg.tensor(rng.standard_normal((1, 41, 37, 32)).astype(np.float32)).permute(0, 3, 1, 2)
    before = parallel.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            parallel.set_num_threads(threads)
            leaf = x.detach().requires_grad_()
            matrix = F.moment_matrix(leaf, (2, 39, 1, 36))
            (matrix * matrix).sum().backward()
            found.append((matrix.numpy(), leaf.grad.numpy()))
    finally:
        parallel.set_num_threads(before)
    for matrix, gradient in found[1:]:
        np.testing.assert_array_equal(matrix, found[0][0])
        np.testing.assert_array_equal(gradient, found[0][1])


# ----------------------------------------------------------------------------- weights


def weighted(x, weights, window):
    top, bottom, left, right = window or (0, x.shape[2], 0, x.shape[3])
    f = np.concatenate([x, np.ones_like(x[:, :1])], axis=1)[:, :, top:bottom, left:right]
    return np.einsum("khw,nchw,ndhw->nkcd", weights, f, f)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("images, channels, regions", [(1, 1, 1), (2, 3, 2), (0, 2, 1), (1, 2, 0)])
def test_weighted_value_and_gradient(rng, constant, threads, images, channels, regions, window,
                                     order, monkeypatch):
    monkeypatch.setattr(moments, "BAND", 1)         # several bands
    x = rng.standard_normal((images, channels, 6, 7))
    top, bottom, left, right = window or (0, 6, 0, 7)
    weights = rng.integers(0, 4, (regions, bottom - top, right - left)) / 2
    upstream = rng.standard_normal((images, regions, channels + 1, channels + 1))
    features = constant(in_order(x, order)).requires_grad_()
    matrices = F.weighted_moment_matrices(features, constant(weights), window)
    np.testing.assert_allclose(matrices.numpy(), weighted(x, weights, window), atol=1e-12)
    matrices.backward(constant(upstream))
    twice = (upstream + upstream.swapaxes(2, 3))[:, :, :-1]
    inside = x[:, :, top:bottom, left:right]
    gradient = np.zeros_like(x)
    gradient[:, :, top:bottom, left:right] = np.einsum(
        "khw,nkchw->nchw", weights,
        np.einsum("nkcd,ndhw->nkchw", twice[..., :-1], inside) + twice[..., -1, None, None])
    np.testing.assert_allclose(features.grad.numpy(), gradient, atol=1e-12)


def test_weights_of_one_make_the_matrix_of_the_whole(rng, constant):
    x = constant(rng.standard_normal((1, 3, 5, 4)))
    matrices = F.weighted_moment_matrices(x, constant(np.ones((2, 5, 4)))).numpy()
    for matrix in matrices[0]:
        np.testing.assert_allclose(matrix, F.moment_matrix(x).numpy()[0], atol=1e-12)


def test_weighted_derivatives_to_second_order(rng, leaf, constant):
    weights = constant(rng.integers(0, 3, (2, 2, 1)) / 2)
    x = leaf(rng.standard_normal((2, 2, 3, 2)))
    assert gradcheck(lambda x: F.weighted_moment_matrices(x, weights, (0, 2, 1, 2)), x)
    assert gradgradcheck(lambda x: F.weighted_moment_matrices(x, weights, (0, 2, 1, 2)), x)


@pytest.mark.parametrize("weights, error, message", [
    (lambda: mg.ones(4, 5), ShapeError, r"weights K×4×5 for this window, not shape \(4, 5\)"),
    (lambda: mg.ones(1, 4, 4), ShapeError, r"not shape \(1, 4, 4\)"),
    (lambda: mg.ones(1, 4, 5, dtype="float64"), ArgumentError, "type float32, not float64"),
    (lambda: mg.ones(1, 4, 5, requires_grad=True), ArgumentError, "that require a gradient")],
    ids=["two dimensions", "another size", "another type", "not constant"])
def test_weights_that_are_refused(weights, error, message):
    with pytest.raises(error, match=message):
        F.weighted_moment_matrices(mg.zeros(1, 2, 4, 5), weights())
