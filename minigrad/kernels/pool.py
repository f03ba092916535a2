"""Pooling, with channels innermost; each position in the window is one strided view."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.geometry import Pooling
from minigrad.kernels.layout import channels_first, channels_last, zero_padded
from minigrad.kernels.selection import kept

PIECE = 1 << 18      # elements in one piece of work: it stays in a core's cache


@on_cuda_too
def max_pool2d(x: Any, geometry: Pooling, saving: bool = True) -> tuple[Any, Any]:
    """The maximum of each window N×C×P×Q and, if `saving`, the position of the winning pixel.

    x is N×C×H×W. Positions count along the rows of the window. The first of equal pixels wins,
    padding never does.
    """
    xp = array_module(x)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    image, output = _covered(xp, x, geometry, lowest)
    shape = (*image.shape[:1], *output, image.shape[3])
    largest = memory.empty_like_kind(xp, shape, x.dtype)
    winner = memory.empty_like_kind(xp, shape, _winner_type(geometry)) if saving else None

    def work(piece: tuple[int, int, int]) -> None:
        n, start, stop = piece
        best = largest[n, start:stop]
        part = image[n, start * geometry.stride[0]:]
        for k, (rs, cs) in enumerate(geometry.taps((stop - start, output[1]))):
            pixel = part[rs, cs]
            if k == 0:
                best[...] = pixel
                if winner is not None:
                    winner[n, start:stop] = 0
                continue
            if winner is not None:      # k grows, so the maximum is the last winner
                won = (pixel > best).view(np.uint8) * winner.dtype.type(k)
                xp.maximum(winner[n, start:stop], won, out=winner[n, start:stop])
            xp.maximum(best, pixel, out=best)

    parallel.run(work, _pieces(shape), xp)
    return channels_first(largest), channels_first(winner) if saving else None


@on_cuda_too
def max_unpool2d(y: Any, winner: Any, shape: tuple, geometry: Pooling) -> Any:
    """Gradient of `max_pool2d`: send each value to the pixel it came from."""
    winner = channels_last(winner)
    return _spread(y, shape, geometry,
                   lambda n, rows, part, k: kept(part, winner[n, rows] == k))


@on_cuda_too
def max_pool2d_at(x: Any, winner: Any, geometry: Pooling) -> Any:
    """Gradient of `max_unpool2d`: the pixel at the winning position of each window."""
    xp = array_module(x)
    image, output = _covered(xp, x, geometry, 0)
    winner = channels_last(winner)
    y = xp.zeros(winner.shape, x.dtype)
    for k, (rs, cs) in enumerate(geometry.taps(output)):
        y += kept(image[:, rs, cs], winner == k)
    return channels_first(y)


@on_cuda_too
def avg_pool2d(x: Any, geometry: Pooling) -> Any:
    """The mean of each window. x is N×C×H×W, the result N×C×P×Q."""
    xp = array_module(x)
    image, output = _covered(xp, x, geometry, 0)
    shape = (*image.shape[:1], *output, image.shape[3])
    total = memory.empty_like_kind(xp, shape, x.dtype)
    whole = x.dtype.kind != "f"
    weights = None if whole else _weights(xp, geometry, x.shape[2:], x.dtype)

    def work(piece: tuple[int, int, int]) -> None:
        n, start, stop = piece
        mean = total[n, start:stop]
        part = image[n, start * geometry.stride[0]:]
        for k, (rs, cs) in enumerate(geometry.taps((stop - start, output[1]))):
            if k == 0:
                mean[...] = part[rs, cs]
            else:
                mean += part[rs, cs]
        if weights is not None:
            mean *= weights[start:stop]

    parallel.run(work, _pieces(shape), xp)
    if whole:       # rounded towards zero, as in PyTorch
        total = xp.trunc(total / _counts(xp, geometry, x.shape[2:])).astype(x.dtype)
    return channels_first(total)


@on_cuda_too
def avg_unpool2d(y: Any, shape: tuple, geometry: Pooling) -> Any:
    """Gradient of `avg_pool2d`: spread each value evenly over its window."""
    xp = array_module(y)
    weights = _weights(xp, geometry, shape[2:], y.dtype)
    return _spread(y, shape, geometry, lambda n, rows, part, k: part * weights[rows])


def _spread(y: Any, shape: tuple, geometry: Pooling, part: Callable) -> Any:
    """Add `part(n, rows, y[n, rows], k)` to pixel k of every window of a zero image."""
    xp = array_module(y)
    y = channels_last(y)
    n_images, channels, h, w = shape
    (top, left), (height, width) = geometry.padding, geometry.padded_size((h, w))
    height, width = max(height, top + h), max(width, left + w)
    image = memory.empty_like_kind(xp, (n_images, height, width, channels), y.dtype)
    covered = y.shape[1] * geometry.stride[0], y.shape[2] * geometry.stride[1]
    # Adjacent windows write every pixel once; others add to a zero image, one after the other.
    side_by_side = geometry.kernel == geometry.stride
    if not side_by_side:
        image[...] = 0
    else:
        image[:, covered[0]:] = 0
        image[:, :, covered[1]:] = 0

    def work(piece: tuple[int, int, int]) -> None:
        n, start, stop = piece
        target = image[n, start * geometry.stride[0]:]
        for k, (rs, cs) in enumerate(geometry.taps((stop - start, y.shape[2]))):
            values = part(n, slice(start, stop), y[n, start:stop], k)
            if side_by_side:
                target[rs, cs] = values
            else:
                target[rs, cs] += values

    parallel.run(work, _pieces(y.shape, None if side_by_side else y.shape[1]), xp)
    return channels_first(image[:, top:top + h, left:left + w])


def _pieces(shape: tuple, rows: int | None = None) -> list[tuple[int, int, int]]:
    """(image, first row, end row) of pieces of work of about `PIECE` elements."""
    n_images, height, width, channels = shape
    rows = rows or max(1, PIECE // max(1, width * channels))
    return [(n, start, min(height, start + rows))
            for n in range(n_images) for start in range(0, height, rows)]


def _covered(xp: Any, x: Any, geometry: Pooling, value: float) -> tuple[Any, tuple[int, int]]:
    """The image padded to the area that the windows cover, and the number of windows."""
    h, w = x.shape[2:]
    (top, left), (height, width) = geometry.padding, geometry.padded_size((h, w))
    image = zero_padded(xp, channels_last(x), top, max(0, height - top - h), left,
                        max(0, width - left - w), value)
    return image, geometry.output_size((h, w))


def _winner_type(geometry: Pooling) -> Any:
    return np.uint8 if geometry.kernel[0] * geometry.kernel[1] <= 256 else np.int32


def _weights(xp: Any, geometry: Pooling, image: tuple[int, int], dtype: Any) -> Any:
    """1 / (number of pixels that count) for each window, P×Q×1."""
    return xp.asarray(_host_weights(geometry, tuple(image)).astype(dtype))


def _counts(xp: Any, geometry: Pooling, image: tuple[int, int]) -> Any:
    """The number of pixels that count in each window, P×Q×1."""
    return xp.rint(1 / xp.asarray(_host_weights(geometry, tuple(image))))


@lru_cache(maxsize=64)
def _host_weights(geometry: Pooling, image: tuple[int, int]) -> np.ndarray:
    lengths = []
    for axis, outputs in enumerate(geometry.output_size(image)):
        n, k, p = image[axis], geometry.kernel[axis], geometry.padding[axis]
        start = np.arange(outputs) * geometry.stride[axis] - p
        if geometry.count_include_pad:
            lengths.append(np.minimum(start + k, n + p) - start)
        else:
            lengths.append(np.minimum(start + k, n) - np.maximum(start, 0))
    return 1.0 / (lengths[0][:, None, None] * lengths[1][None, :, None])
