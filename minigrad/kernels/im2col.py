"""Convolution as a matrix product: each window becomes a row of a matrix.

The column matrix has one row per output pixel, with the K·L·C numbers of its window. Its product
with the (K·L·C)×O weight matrix gives all output pixels and filters. The matrix is K·L times as
large as the image, so it is built and used in bands of output rows that fit into a cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel, relu_mask
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.layout import channels_first, channels_last, zero_padded
from minigrad.kernels.selection import kept

BAND_ELEMENTS = 1 << 18      # elements of the column matrix of one band: fits into a cache


def im2col_conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
                  wants_mask: bool = False) -> tuple[Any, Any]:
    """Forward: x N×C×H×W, weight O×(C/groups)×K×L, bias O or None; result N×O×P×Q.

    Bias, ReLU and the packed bits of result > 0 follow band by band, while a band is cached.
    """
    xp = array_module(x)
    kernel = weight.shape[2:]
    rows, columns = geometry.output_size(x.shape[2:], kernel)
    image = zero_padded(xp, channels_last(x), *geometry.padding)
    y = memory.empty_like_kind(xp, (x.shape[0], rows, columns, weight.shape[0]), x.dtype)
    parts = [(x_part, weight_matrix(w_part), y_part)
             for x_part, w_part, y_part in _groups(geometry.groups, image, weight, y)]
    bits = relu_mask.empty(xp, y.shape) if wants_mask else None
    zeros = xp.zeros(weight.shape[0], x.dtype)

    def band(piece: tuple[int, int, int]) -> None:
        n, start, stop = piece
        for x_part, matrix, y_part in parts:
            windows = _windows(xp, x_part[n], kernel, geometry, start, stop, columns)
            target = y_part[n, start:stop]
            if target.flags.c_contiguous:
                xp.matmul(windows, matrix, out=target.reshape(len(windows), -1))
            else:
                target[...] = (windows @ matrix).reshape(target.shape)
        result = y[n, start:stop]
        if bias is not None:
            result += bias
        if relu:
            xp.maximum(result, zeros, out=result)
        if bits is not None:
            bits[n, start:stop] = relu_mask.pack_rows(xp, result)

    parallel.run(band, _bands(y.shape, weight[0].size), xp)
    return channels_first(y), bits


def im2col_input_gradient(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                          gate: Any = None) -> Any:
    """Gradient with respect to the input: each output pixel adds its weights to its window.

    y is ∂L/∂(result) N×O×P×Q; `shape` is that of the input and of the gradient. Elements of y
    whose bit in `gate` is 0 count as 0.
    """
    xp = array_module(y)
    n_images, channels, height, width = shape
    top, bottom, left, right = geometry.padding
    kernel, output = weight.shape[2:], y.shape[2:]
    image = xp.zeros((n_images, height + top + bottom, width + left + right, channels), y.dtype)
    gradient = channels_last(y)
    parts = [(x_part, weight_matrix(w_part).T, k * w_part.shape[0])
             for k, (x_part, w_part, _) in enumerate(
                 _groups(geometry.groups, image, weight, gradient))]

    def band(piece: tuple[int, int, int]) -> None:
        n, start, stop = piece
        values = gradient[n, start:stop]
        if gate is not None:
            values = kept(values, relu_mask.unpack_rows(xp, gate[n, start:stop], values.shape))
        for x_part, matrix, first in parts:
            pixels = values[..., first:first + matrix.shape[0]].reshape(-1, matrix.shape[0])
            windows = _column_buffer(xp, (len(pixels), matrix.shape[1]), values.dtype)
            windows = xp.matmul(pixels, matrix, out=windows).reshape(
                stop - start, output[1], -1, x_part.shape[3])
            target = x_part[n, start * geometry.stride[0]:]
            for k, (rs, cs) in enumerate(geometry.taps(kernel, (stop - start, output[1]))):
                _accumulate(target[rs, cs], windows[:, :, k])

    # Neighbouring bands share pixels, so even and odd bands run one after the other.
    overlap = geometry.dilation[0] * (kernel[0] - 1) // geometry.stride[0] + 1
    bands = list(_bands(gradient.shape, weight[0].size, min_rows=overlap))
    parallel.run(band, bands[::2], xp)
    parallel.run(band, bands[1::2], xp)
    return channels_first(image[:, top:top + height, left:left + width])


@on_cuda_too
def im2col_weight_gradient(y: Any, x: Any, shape: tuple, geometry: Convolution) -> Any:
    """Gradient with respect to the weights: output gradients times their windows, summed.

    y is ∂L/∂(result) N×O×P×Q, x the input, `shape` that of the weights.
    """
    xp = array_module(x)
    kernel = shape[2:]
    columns = y.shape[3]
    image = zero_padded(xp, channels_last(x), *geometry.padding)
    gradient = xp.zeros(shape, x.dtype)
    for x_part, w_part, y_part in _groups(geometry.groups, image, gradient, channels_last(y)):
        totals: dict[int, Any] = {}

        def share(piece: tuple, x_part: Any = x_part, y_part: Any = y_part,
                  totals: dict = totals) -> None:
            number, bands = piece
            for n, start, stop in bands:
                windows = _windows(xp, x_part[n], kernel, geometry, start, stop, columns)
                product = windows.T @ y_part[n, start:stop].reshape(-1, y_part.shape[3])
                totals[number] = product if number not in totals else _added(totals[number],
                                                                             product)

        bands = list(_bands(y_part.shape, kernel[0] * kernel[1] * shape[1]))
        parts = min(parallel.PARTS, len(bands))
        parallel.run(share, [(k, bands[k::parts]) for k in range(parts)], xp)
        if not totals:              # no image: the gradient is the zeros that it was made with
            continue
        total = totals[0]
        for k in range(1, len(totals)):      # in a fixed order, so results repeat
            total += totals[k]
        w_part[...] = total.reshape(*kernel, shape[1], -1).transpose(3, 2, 0, 1)
    return gradient


def _added(total: Any, product: Any) -> Any:
    total += product
    return total


def _groups(groups: int, image: Any, weight: Any, y: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Views of the channels, filters and results of each group."""
    c, o = image.shape[3] // groups, weight.shape[0] // groups
    for k in range(groups):
        yield (image[..., k * c:(k + 1) * c], weight[k * o:(k + 1) * o],
               y[..., k * o:(k + 1) * o])


def weight_matrix(weight: Any) -> Any:
    """O×C×K×L as (K·L·C)×O, rows in the order of a window's elements."""
    return weight.transpose(2, 3, 1, 0).reshape(-1, weight.shape[0])


def _bands(shape: tuple, row_length: int, min_rows: int = 1) -> Iterator[tuple[int, int, int]]:
    """(image, first row, end row) of bands whose column matrix is small enough.

    Every band but the last of an image has at least `min_rows` rows.
    """
    n_images, rows, columns, _ = shape
    step = max(min_rows, BAND_ELEMENTS // max(1, columns * row_length))
    for n in range(n_images):
        for start in range(0, rows, step):
            yield n, start, min(rows, start + step)


def _windows(xp: Any, image: Any, kernel: tuple[int, int], geometry: Convolution, start: int,
             stop: int, columns: int) -> Any:
    """The column matrix of output rows start … stop − 1: (pixels)×(K·L·C)."""
    part = image[start * geometry.stride[0]:]
    if kernel == geometry.stride == (1, 1) and image.flags.c_contiguous:
        return part[:stop - start].reshape(-1, image.shape[2])      # a pixel is its own window
    if geometry.stride[1] == 1 == geometry.dilation[1] and image.flags.c_contiguous:
        # The pixels of a window's row are adjacent in memory: K long copies instead of K·L.
        return _row_windows(xp, part, kernel, geometry, stop - start, columns)
    taps = geometry.taps(kernel, (stop - start, columns))
    windows = _column_buffer(xp, (stop - start, columns, len(taps), image.shape[2]), image.dtype)
    for k, (rs, cs) in enumerate(taps):
        windows[:, :, k] = part[rs, cs]
    return windows.reshape((stop - start) * columns, -1)


def _row_windows(xp: Any, part: Any, kernel: tuple[int, int], geometry: Convolution, rows: int,
                 columns: int) -> Any:
    _, width, channels = part.shape
    item = part.itemsize       # not part.strides, which are arbitrary for a length of 1
    pixel, step = channels * item, width * channels * item
    windows = _column_buffer(xp, (rows, columns, kernel[0], kernel[1] * channels), part.dtype)
    for i in range(kernel[0]):
        first = part[i * geometry.dilation[0]:]
        windows[:, :, i] = xp.lib.stride_tricks.as_strided(
            first, (rows, columns, kernel[1] * channels),
            (step * geometry.stride[0], pixel, item))
    return windows.reshape(rows * columns, -1)


def _accumulate(target: Any, values: Any) -> None:
    """target += values for R×W×C; channel by channel where there are few."""
    if target.shape[2] >= 8:
        target += values
    else:
        for c in range(target.shape[2]):
            target[..., c] += values[..., c]


def _column_buffer(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Memory for the column matrix of one band; each thread has one."""
    return parallel.scratch("windows", shape, dtype) if xp is np else xp.empty(shape, dtype=dtype)
