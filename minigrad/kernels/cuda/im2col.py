"""Launch im2col.cu: convolution of any geometry in float32 and float64, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda import blas, relu_mask
from minigrad.kernels.cuda.compiler import contiguous, launch
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import weight_matrix
from minigrad.kernels.layout import channels_first

COLUMNS = 16 << 20      # elements in the column matrix of one portion


def im2col_conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
                  wants_mask: bool = False) -> tuple[Any, Any]:
    """As `minigrad.kernels.im2col.im2col_conv2d`."""
    xp = array_module(x)
    image = contiguous(xp, x)
    size = geometry.output_size(x.shape[2:], weight.shape[2:])
    y = xp.empty((len(image), *size, weight.shape[0]), dtype=x.dtype)
    flat = y.reshape(1, -1, weight.shape[0])
    groups = _Groups(xp, weight, geometry)
    for first, count in _portions(flat.shape[1], groups.length):
        for k, matrix in enumerate(groups.matrices):
            columns = _windows(xp, image, geometry, weight.shape, size, first, count, k)
            blas.multiply(xp, columns, matrix[None],
                          flat[:, first:first + count, groups.filters(k)])
    bits = relu_mask.finish(xp, y, bias, relu, wants_mask)
    return channels_first(y), bits


def im2col_input_gradient(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                          gate: Any = None) -> Any:
    """As `minigrad.kernels.im2col.im2col_input_gradient`.

    Bands of image rows are computed one after the other, each from all output rows whose windows
    touch it.
    """
    xp = array_module(y)
    gradient = contiguous(xp, y if gate is None else relu_mask.apply(y, gate))
    images, channels, height, width = shape
    groups = _Groups(xp, weight, geometry)
    rows, across = y.shape[2:]
    image = xp.empty((images, height, width, channels), dtype=y.dtype)
    for first, last in _row_bands(height, across * groups.length, geometry):
        lowest, highest = _rows_touching(first, last, rows, weight.shape[2], geometry)
        for n in range(images):
            values = gradient[n, lowest:highest + 1].reshape(1, -1, weight.shape[0])
            for k, matrix in enumerate(groups.matrices):
                columns = xp.empty((1, values.shape[1], groups.length), dtype=y.dtype)
                blas.multiply(xp, values[..., groups.filters(k)], matrix[None], columns,
                              transpose_b=True)
                _collect(xp, columns, image, n, (first, last, lowest, highest), across,
                         weight.shape, geometry, k)
    return channels_first(image)


def im2col_weight_gradient(y: Any, x: Any, shape: tuple, geometry: Convolution) -> Any:
    """As `minigrad.kernels.im2col.im2col_weight_gradient`."""
    xp = array_module(x)
    image, gradient = contiguous(xp, x), contiguous(xp, y)
    filters, c, k_rows, k_columns = shape
    per_group = filters // geometry.groups
    length = k_rows * k_columns * c
    values = gradient.reshape(1, -1, filters)
    total = xp.empty((geometry.groups, length, per_group), dtype=x.dtype)
    if not values.shape[1]:
        total[...] = 0
    for first, count in _portions(values.shape[1], length):
        for k in range(geometry.groups):
            columns = _windows(xp, image, geometry, shape, y.shape[2:], first, count, k)
            part = values[:, first:first + count, k * per_group:(k + 1) * per_group]
            blas.multiply(xp, columns, part, total[k:k + 1], transpose_a=True, add=first > 0)
    total = total.reshape(geometry.groups, k_rows, k_columns, c, per_group)
    return xp.ascontiguousarray(total.transpose(0, 4, 3, 1, 2)).reshape(shape)


class _Groups:
    """The weights as one (K·L·C)×O matrix per group."""

    def __init__(self, xp: Any, weight: Any, geometry: Convolution) -> None:
        self.count = len(weight) // geometry.groups
        self.length = weight.shape[1] * weight.shape[2] * weight.shape[3]
        self.matrices = [
            xp.ascontiguousarray(weight_matrix(weight[self.filters(k)]))
            for k in range(geometry.groups)]

    def filters(self, group: int) -> slice:
        """The filters of a group."""
        return slice(group * self.count, (group + 1) * self.count)


def _portions(pixels: int, length: int) -> Iterator[tuple[int, int]]:
    step = max(1, COLUMNS // max(1, length))
    for first in range(0, pixels, step):
        yield first, min(step, pixels - first)


def _row_bands(height: int, numbers_per_row: int, geometry: Convolution
               ) -> Iterator[tuple[int, int]]:
    """(first, last) image row of bands whose column matrix is small enough."""
    step = max(1, COLUMNS // max(1, numbers_per_row)) * geometry.stride[0]
    for first in range(0, height, step):
        yield first, min(height, first + step) - 1


def _rows_touching(first: int, last: int, rows: int, kernel: int, geometry: Convolution
                   ) -> tuple[int, int]:
    """(lowest, highest) output row whose windows touch image rows first … last."""
    top, stride = geometry.padding[0], geometry.stride[0]
    reach = geometry.dilation[0] * (kernel - 1)
    lowest = max(0, -(-(first + top - reach) // stride))
    return lowest, max(lowest - 1, min(rows - 1, (last + top) // stride))


def _windows(xp: Any, image: Any, geometry: Convolution, weight_shape: tuple,
             size: tuple[int, int], first: int, count: int, group: int) -> Any:
    """The column matrix 1×count×(K·L·C) of output pixels first … first + count − 1."""
    _, height, width, channels = image.shape
    _, c, k_rows, k_columns = weight_shape
    columns = xp.empty((1, count, k_rows * k_columns * c), dtype=image.dtype)
    launch(xp, "im2col", "windows", columns.size, image, columns, np.int64(first),
           np.int64(count), height, width, channels, group * c, c, k_rows, k_columns, *size,
           *geometry.stride, *geometry.dilation, geometry.padding[0], geometry.padding[2],
           real=image.dtype.char)
    return columns


def _collect(xp: Any, columns: Any, image: Any, n: int, rows: tuple[int, int, int, int],
             across: int, weight_shape: tuple, geometry: Convolution, group: int) -> None:
    """Compute rows first … last of image `n` from the columns of output rows lowest … highest."""
    _, height, width, channels = image.shape
    _, c, k_rows, k_columns = weight_shape
    threads = (rows[1] - rows[0] + 1) * width * c
    launch(xp, "im2col", "collect", threads, columns, image, np.int64(n), *rows, height, width,
           channels, group * c, c, k_rows, k_columns, across, *geometry.stride,
           *geometry.dilation, geometry.padding[0], geometry.padding[2], real=image.dtype.char)
