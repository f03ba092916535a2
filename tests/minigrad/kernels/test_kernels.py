"""Fast kernels against their plain twins, over sizes, strides, paddings, dilations and groups."""

import itertools

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels import im2col, loops, pool
from minigrad.kernels.geometry import Convolution, Pooling
from minigrad.kernels.im2col import im2col_conv2d, im2col_input_gradient, im2col_weight_gradient
from minigrad.kernels.loops import loops_conv2d

CONVOLUTIONS = [
    (size, kernel, stride, padding, dilation, groups)
    for size, kernel in [((5, 6), (3, 3)), ((7, 4), (2, 3)), ((3, 3), (1, 1)), ((4, 5), (4, 2))]
    for stride, padding, dilation, groups in [
        (1, 0, 1, 1), (1, 1, 1, 2), (2, 1, 1, 1), ((1, 2), (2, 0), 1, 2), (1, "same", 1, 1),
        (1, 2, 2, 1), ((2, 1), (1, 3), (1, 2), 2), (1, "valid", 1, 1)]
]


def memory_orders(array):
    """The same numbers with channels outermost, channels innermost, and every second one."""
    yield array
    yield np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    yield np.repeat(array, 2, axis=3)[:, :, :, ::2]


@pytest.mark.parametrize("size, kernel, stride, padding, dilation, groups", CONVOLUTIONS)
def test_im2col_equals_loops(rng, size, kernel, stride, padding, dilation, groups):
    geometry = Convolution.of(stride, padding, dilation, groups, kernel)
    x = rng.standard_normal((2, 4, *size))
    w = rng.standard_normal((6, 4 // groups, *kernel))
    b = rng.standard_normal(6)
    try:
        expected = loops_conv2d(x, w, b, geometry)
    except ShapeError:
        with pytest.raises(ShapeError, match="does not fit"):
            im2col_conv2d(x, w, b, geometry)
        return
    for image in memory_orders(x):
        np.testing.assert_allclose(im2col_conv2d(image, w, b, geometry)[0], expected, atol=1e-12)


@pytest.mark.parametrize("size, kernel, stride, padding, dilation, groups", CONVOLUTIONS)
def test_gradient_kernels_are_adjoint(rng, size, kernel, stride, padding, dilation, groups):
    """⟨y, x⋆w⟩ = ⟨input gradient, x⟩ = ⟨weight gradient, w⟩ says all there is to say."""
    geometry = Convolution.of(stride, padding, dilation, groups, kernel)
    x = rng.standard_normal((2, 4, *size))
    w = rng.standard_normal((6, 4 // groups, *kernel))
    try:
        result, _ = im2col_conv2d(x, w, None, geometry)
    except ShapeError:
        pytest.skip("the kernel does not fit into the image")
    y = rng.standard_normal(result.shape)
    expected = np.vdot(y, result)
    assert np.vdot(im2col_input_gradient(y, w, x.shape, geometry), x) == pytest.approx(expected)
    assert np.vdot(im2col_weight_gradient(y, x, w.shape, geometry), w) == pytest.approx(expected)


def test_bands_do_not_change_the_result(rng, monkeypatch):
    geometry = Convolution.of(2, 1, 1, 1, (3, 3))
    x, w = rng.standard_normal((2, 3, 17, 13)), rng.standard_normal((4, 3, 3, 3))
    y, _ = im2col_conv2d(x, w, None, geometry)
    results = (y, im2col_input_gradient(y, w, x.shape, geometry),
               im2col_weight_gradient(y, x, w.shape, geometry))
    monkeypatch.setattr(im2col, "BAND_ELEMENTS", 100)
    banded = (im2col_conv2d(x, w, None, geometry)[0],
              im2col_input_gradient(y, w, x.shape, geometry),
              im2col_weight_gradient(y, x, w.shape, geometry))
    for whole, parts in zip(results, banded):
        np.testing.assert_allclose(parts, whole, atol=1e-12)


POOLINGS = list(itertools.product([2, 3, (3, 2)], [None, 1, (2, 3)], [0, 1], [False, True],
                                  [(7, 8), (6, 5), (4, 9)]))


@pytest.mark.parametrize("kernel, stride, padding, ceil_mode, size", POOLINGS)
def test_pooling_equals_loops(rng, kernel, stride, padding, ceil_mode, size):
    x = rng.standard_normal((2, 3, *size)) - 3          # negative: padding must not win
    for include in (True, False):
        geometry = Pooling.of(kernel, stride, padding, ceil_mode, include)
        for image in memory_orders(x):
            np.testing.assert_array_equal(pool.max_pool2d(image, geometry)[0],
                                          loops.max_pool2d(x, geometry))
            np.testing.assert_allclose(pool.avg_pool2d(image, geometry),
                                       loops.avg_pool2d(x, geometry), atol=1e-12)


@pytest.mark.parametrize("kernel, stride, padding, ceil_mode, size", POOLINGS)
def test_pooling_gradients_are_adjoint(rng, kernel, stride, padding, ceil_mode, size):
    geometry = Pooling.of(kernel, stride, padding, ceil_mode)
    x = rng.standard_normal((2, 3, *size))
    largest, winner = pool.max_pool2d(x, geometry)
    y = rng.standard_normal(largest.shape)
    back = pool.max_unpool2d(y, winner, x.shape, geometry)
    assert np.vdot(back, x) == pytest.approx(np.vdot(y, largest))
    np.testing.assert_array_equal(pool.max_pool2d_at(x, winner, geometry), largest)
    average = pool.avg_pool2d(x, geometry)
    back = pool.avg_unpool2d(y, x.shape, geometry)
    assert np.vdot(back, x) == pytest.approx(np.vdot(y, average))


def test_max_pool_tie_goes_to_the_first_position(device):
    x = mg.ones(1, 1, 4, 4, requires_grad=True, device=device)
    F.max_pool2d(x, 2).sum().backward()
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    np.testing.assert_array_equal(x.grad.numpy()[0, 0], expected)


@pytest.mark.parametrize("call, error, words", [
    (lambda x, w: F.conv2d(x[0, 0], w), ShapeError, "N×C×H×W"),
    (lambda x, w: F.conv2d(x, w, groups=2), ShapeError, "2 group"),
    (lambda x, w: F.conv2d(x[:, :2], w), ShapeError, "2 channels"),
    (lambda x, w: F.conv2d(x, w, mg.zeros(3)), ShapeError, "bias"),
    (lambda x, w: F.conv2d(x, w.double()), DTypeError, "float64"),
    (lambda x, w: F.conv2d(x, w, padding="full"), ArgumentError, "'full'"),
    (lambda x, w: F.conv2d(x, w, padding="same", stride=2), ArgumentError, "stride 1"),
    (lambda x, w: F.conv2d(x, w, stride=0), ArgumentError, "stride"),
    (lambda x, w: F.conv2d(x, w, padding=-1), ArgumentError, "padding"),
    (lambda x, w: F.conv2d(x[:, :, :2], w), ShapeError, "does not fit"),
    (lambda x, w: F.max_pool2d(x, 9), ShapeError, "does not fit"),
    (lambda x, w: F.max_pool2d(x, 2, padding=2), ArgumentError, "half"),
    (lambda x, w: F.avg_pool2d(x[0, 0], 2), ShapeError, "2 dimension"),
    (lambda x, w: F.pad(x, 5, "reflect"), ShapeError, "reflect"),
    (lambda x, w: F.pad(x, 5, "mirror"), ArgumentError, "mirror"),
    (lambda x, w: F.pad(x, (1, 2, 3)), ArgumentError, "before, after"),
])
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call(mg.ones(1, 3, 5, 6), mg.ones(4, 3, 3, 3))


def test_results_stay_channels_innermost(rng):
    """So that a network runs from convolution to convolution without copies."""
    x = mg.tensor(rng.standard_normal((1, 3, 8, 8)).astype("f"))
    y = F.max_pool2d(F.relu(F.conv2d(x, mg.ones(5, 3, 3, 3), padding=1)), 2)
    assert y.data.transpose(0, 2, 3, 1).flags.c_contiguous
