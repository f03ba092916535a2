"""Pooling. The position of the largest pixel is saved as one small integer per window."""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.kernels import pool as kernels
from minigrad.kernels.geometry import Pooling, pair
from minigrad.ops.half import HALF, in_float32
from minigrad.ops.windows import avg_pool_nd, max_pool_nd


@primitive(saves={"winner": int})
def max_pool(x, geometry, *, saving=True):
    """The largest pixel of each window of x N×C×H×W; the first of equal ones gets the gradient."""
    return kernels.max_pool2d(x, geometry, saving)


@primitive
def max_unpool(y, winner, size, geometry):
    """Each value at the pixel that it came from, in an image of shape `size`."""
    return kernels.max_unpool2d(y, winner, size, geometry)


@primitive
def max_pool_at(x, winner, geometry):
    """The pixel at `winner` of each window."""
    return kernels.max_pool2d_at(x, winner, geometry)


max_pool.derivative(
    x=lambda g, winner, x_shape, geometry: max_unpool(g, winner, x_shape, geometry))
max_unpool.derivative(
    y=lambda g, winner, geometry: max_pool_at(g, winner, geometry))
max_pool_at.derivative(
    x=lambda g, winner, x_shape, geometry: max_unpool(g, winner, x_shape, geometry))


@primitive
def avg_pool(x, geometry):
    """The mean of each window of x N×C×H×W."""
    return kernels.avg_pool2d(x, geometry)


@primitive
def avg_unpool(y, size, geometry):
    """Each value spread evenly over its window, in an image of shape `size`."""
    return kernels.avg_unpool2d(y, size, geometry)


avg_pool.derivative(x=lambda g, x_shape, geometry: avg_unpool(g, x_shape, geometry))
avg_unpool.derivative(y=lambda g, geometry: avg_pool(g, geometry))


def _fits_kernel(x: Any) -> bool:
    """Whether the fast kernels take x: a batch of float images."""
    return len(x.shape) == 4 and x.dtype.kind == "f"


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               dilation: Any = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest pixel of each window; of equal ones the first in the window gets the gradient.

    Parameters
    ----------
    input : Tensor, N×C×H×W or C×H×W
    kernel_size, stride, padding, dilation : int or pair of int
        In pixels. The stride is the window's size by default; padding counts as −∞ and is at most
        half a window.
    ceil_mode : bool
        Keep a last window that extends beyond the edge (as Caffe does).
    return_indices : bool
        Also return where each of the pixels is, counted along the rows of its image.
    """
    if return_indices or pair(dilation, "dilation", 1) != (1, 1) or not _fits_kernel(input):
        return max_pool_nd(input, 2, kernel_size, stride, padding, dilation, ceil_mode,
                           return_indices)
    geometry = Pooling.of(kernel_size, stride, padding, ceil_mode)
    geometry.output_size((input.shape[2], input.shape[3]))      # raises if a window does not fit
    return max_pool(input, geometry)


def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               ceil_mode: bool = False, count_include_pad: bool = True,
               divisor_override: int | None = None) -> Tensor:
    """The mean of each window; parameters as for :func:`max_pool2d`.

    Parameters
    ----------
    count_include_pad : bool
        Whether the zeros of the padding count in the mean.
    divisor_override : int, optional
        Divide sums by this number instead.
    """
    if divisor_override is not None or not _fits_kernel(input):
        return avg_pool_nd(input, 2, kernel_size, stride, padding, ceil_mode, count_include_pad,
                           divisor_override)
    geometry = Pooling.of(kernel_size, stride, padding, ceil_mode, count_include_pad)
    geometry.output_size((input.shape[2], input.shape[3]))
    if input.dtype == HALF:
        return in_float32(lambda x: avg_pool(x, geometry), input)
    return avg_pool(input, geometry)
