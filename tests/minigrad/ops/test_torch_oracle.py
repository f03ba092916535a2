"""Forward and all gradients against PyTorch, in float64, over parameters and memory orders."""

import itertools

import numpy as np
import pytest
from beside_torch import assert_same

import minigrad as mg
import minigrad.functional as F

torch = pytest.importorskip("torch")
import torch.nn.functional as TF  # noqa: E402

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("stride, padding, dilation, groups, size, kernel", list(itertools.product(
    [1, 2, (2, 1)], [0, 1, (2, 1)], [1, (2, 1)], [1, 2], [(7, 8), (9, 6)],
    [(3, 3), (2, 3), (1, 1)])))
def test_conv2d(rng, stride, padding, dilation, groups, size, kernel):
    x = rng.standard_normal((2, 4, *size))
    w = rng.standard_normal((6, 4 // groups, *kernel))
    assert_same(lambda x, w, b: F.conv2d(x, w, b, stride, padding, dilation, groups),
                lambda x, w, b: TF.conv2d(x, w, b, stride, padding, dilation, groups),
                x, w, rng.standard_normal(6))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_conv2d_named_padding(rng, kernel, padding):
    assert_same(lambda x, w: F.conv2d(x, w, padding=padding),
                lambda x, w: TF.conv2d(x, w, padding=padding),
                rng.standard_normal((2, 3, 7, 6)), rng.standard_normal((4, 3, kernel, kernel)))


def test_conv2d_of_a_non_contiguous_image(rng):
    assert_same(lambda x, w: F.conv2d(x.transpose(2, 3)[:, :, ::2], w, padding=1),
                lambda x, w: TF.conv2d(x.transpose(2, 3)[:, :, ::2], w, padding=1),
                rng.standard_normal((2, 3, 7, 9)), rng.standard_normal((4, 3, 3, 3)))


@pytest.mark.parametrize("kernel, stride, padding, ceil_mode, size", list(itertools.product(
    [2, 3, (3, 2)], [None, 1, 2, 3], [0, 1], [False, True], [(7, 8), (6, 9), (5, 5)])))
def test_pooling(rng, kernel, stride, padding, ceil_mode, size):
    x = rng.standard_normal((2, 3, *size))
    assert_same(lambda x: F.max_pool2d(x, kernel, stride, padding, 1, ceil_mode),
                lambda x: TF.max_pool2d(x, kernel, stride, padding, 1, ceil_mode), x)
    for include in (True, False):
        assert_same(lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil_mode, include),
                    lambda x: TF.avg_pool2d(x, kernel, stride, padding, ceil_mode, include), x)


@pytest.mark.parametrize("ours, theirs", [("zeros", "constant"), ("reflect", "reflect"),
                                          ("replicate", "replicate")])
@pytest.mark.parametrize("widths", [(1, 1, 1, 1), (1, 2, 3, 4), (0, 3, 0, 0), (0, 0, 0, 0)])
def test_pad(rng, ours, theirs, widths):
    assert_same(lambda x: F.pad(x, widths, ours), lambda x: TF.pad(x, widths, theirs),
                rng.standard_normal((2, 3, 5, 6)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", [1, 300])
def test_losses(rng, reduction, scale):
    x, other = rng.standard_normal((5, 7)) * scale, rng.random((5, 7))
    classes = rng.integers(0, 7, 5)
    for name in ("mse_loss", "l1_loss"):
        assert_same(lambda x, t: getattr(F, name)(x, t, reduction=reduction),
                    lambda x, t: getattr(TF, name)(x, t, reduction=reduction), x, other)
    for name in ("cross_entropy", "nll_loss"):
        assert_same(lambda x, t: getattr(F, name)(x, t, reduction=reduction),
                    lambda x, t: getattr(TF, name)(x, t, reduction=reduction), x, classes)
    assert_same(lambda x, t: F.cross_entropy(x, t, reduction=reduction),
                lambda x, t: TF.cross_entropy(x, t, reduction=reduction), x, other)
    target = rng.random((5, 7))
    assert_same(lambda x: F.binary_cross_entropy_with_logits(x, mg.tensor(target),
                                                             reduction=reduction),
                lambda x: TF.binary_cross_entropy_with_logits(x, torch.tensor(target),
                                                              reduction=reduction), x)
    assert_same(lambda x: F.binary_cross_entropy(x, mg.tensor(target), reduction=reduction),
                lambda x: TF.binary_cross_entropy(x, torch.tensor(target), reduction=reduction),
                other)


def test_binary_cross_entropy_of_certain_probabilities():
    p, t = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    ours = F.binary_cross_entropy(mg.tensor(p), mg.tensor(t), reduction="none").numpy()
    theirs = TF.binary_cross_entropy(torch.tensor(p), torch.tensor(t), reduction="none").numpy()
    np.testing.assert_allclose(ours, theirs)


def test_cross_entropy_of_images_and_of_extreme_scores(rng):
    assert_same(F.cross_entropy, TF.cross_entropy, rng.standard_normal((2, 3, 4, 5)),
                rng.integers(0, 3, (2, 4, 5)))
    x = np.array([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, 1000.0]])
    assert_same(F.cross_entropy, TF.cross_entropy, x, np.array([1, 2]))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax(rng, dim):
    x = rng.standard_normal((3, 4, 5)) * 50
    assert_same(lambda x: F.softmax(x, dim), lambda x: TF.softmax(x, dim), x)
    assert_same(lambda x: F.log_softmax(x, dim), lambda x: TF.log_softmax(x, dim), x)


def test_gram_matrix(rng):
    assert_same(F.gram_matrix, lambda x: torch.einsum("nchw,ndhw->ncd", x, x),
                rng.standard_normal((2, 3, 4, 5)))


@pytest.mark.parametrize("x, y", [((3,), (3,)), ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)),
                                  ((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((2, 2, 3), (3,)),
                                  ((3,), (5, 3, 2))])
def test_matmul(rng, x, y):
    assert_same(lambda x, y: x @ y, lambda x, y: x @ y, rng.standard_normal(x),
                rng.standard_normal(y))


INDICES = [1, -1, slice(1, None, 2), (slice(None), None, 0), (..., slice(None, None, 2)),
           ([0, 2, 0],), ([0, 1], slice(1, 3)), (slice(None), [3, 0, 3, 1])]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing(rng, index):
    assert_same(lambda x: x[index], lambda x: x[index], rng.standard_normal((3, 4, 2)))


def test_indexing_by_a_mask(rng):
    x = rng.standard_normal((3, 4))
    assert_same(lambda x: x[x > 0], lambda x: x[x > 0], x)


@pytest.mark.parametrize("name, keywords", [
    ("sum", {}), ("sum", {"dim": 1}), ("sum", {"dim": (0, -1), "keepdim": True}), ("mean", {}),
    ("mean", {"dim": (0, 2)}), ("amax", {"dim": 1}), ("amin", {"dim": (0, 1), "keepdim": True}),
    ("var", {}), ("var", {"dim": 1, "correction": 0}), ("std", {"dim": -1, "keepdim": True})])
def test_reductions(rng, name, keywords):
    x = rng.integers(-2, 3, (3, 4, 5)).astype(float) if name.startswith("am") \
        else rng.standard_normal((3, 4, 5))       # small integers: plenty of ties
    if name.startswith("am") and not keywords:
        keywords = {"dim": (0, 1, 2)}
    assert_same(lambda x: getattr(x, name)(**keywords), lambda x: getattr(x, name)(**keywords), x)


@pytest.mark.parametrize("name", ["max", "min"])
def test_max_with_indices(rng, name):
    x = rng.standard_normal((3, 4, 5))
    for keepdim in (False, True):
        assert_same(lambda x: getattr(x, name)(1, keepdim)[0],
                    lambda x: getattr(x, name)(1, keepdim)[0], x)
        np.testing.assert_array_equal(getattr(mg.tensor(x), name)(1, keepdim)[1].numpy(),
                                      getattr(torch.tensor(x), name)(1, keepdim)[1].numpy())


@pytest.mark.parametrize("function", ["exp", "log", "sqrt", "tanh", "sigmoid", "relu", "abs",
                                      "square", "sin", "cos", "sign"])
def test_elementwise(rng, function):
    x = rng.random((3, 4)) + 0.1 if function in ("log", "sqrt") else \
        np.append(rng.standard_normal(8), 0.0)
    assert_same(lambda x: getattr(x, function)() + 0 * x,
                lambda x: getattr(x, function)() + 0 * x, x)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, 2.5])
def test_powers_with_numbers(rng, exponent):
    assert_same(lambda x: x ** exponent, lambda x: x ** exponent, rng.random(6) + 0.1)
    assert_same(lambda x: 1.7 ** x, lambda x: 1.7 ** x, rng.standard_normal(6))


@pytest.mark.parametrize("name", ["maximum", "minimum", "where", "power", "divide"])
def test_two_inputs_with_broadcasting_and_ties(rng, name):
    x, y = rng.integers(1, 4, (3, 4)).astype(float), rng.integers(1, 4, (4,)).astype(float)
    ours = {"where": lambda x, y: mg.where(x > 2, x * x, y), "power": lambda x, y: x ** y,
            "divide": lambda x, y: x / y}.get(name) or getattr(mg, name)
    theirs = {"where": lambda x, y: torch.where(x > 2, x * x, y), "power": lambda x, y: x ** y,
              "divide": lambda x, y: x / y}.get(name) or getattr(torch, name)
    assert_same(ours, theirs, x, y)
