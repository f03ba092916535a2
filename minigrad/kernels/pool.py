"""Pooling, with images channels innermost; every position in the window is one strided view."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..backend import array_module
from .geometry import Pooling
from .layout import channels_first, channels_last, zero_padded


def max_pool2d(x: Any, geometry: Pooling, saving: bool = True) -> tuple[Any, Any]:
    """The largest of each window, and (if ``saving``) which of its pixels won.

    x is N×C×H×W; the result N×C×P×Q; pixels count along the rows of the window, the first
    of equal pixels wins, padding never does.
    """
    xp = array_module(x)
    image, output = _covered(xp, x, geometry, -np.inf)
    largest, winner = None, None
    for k, (rs, cs) in enumerate(geometry.taps(output)):
        pixel = image[:, rs, cs]
        if largest is None:
            largest = pixel.copy()
            if saving:
                winner = xp.zeros(largest.shape, dtype=_winner_type(geometry))
            continue
        if saving:
            winner[pixel > largest] = k
        xp.maximum(largest, pixel, out=largest)
    return channels_first(largest), channels_first(winner) if saving else None


def max_unpool2d(y: Any, winner: Any, shape: tuple, geometry: Pooling) -> Any:
    """Each value back to the pixel that it came from: the gradient of :func:`max_pool2d`."""
    winner = channels_last(winner)
    return _spread(y, shape, geometry, lambda value, k: value * (winner == k))


def max_pool2d_at(x: Any, winner: Any, geometry: Pooling) -> Any:
    """The pixel at the winning position of each window: the gradient of :func:`max_unpool2d`."""
    xp = array_module(x)
    image, output = _covered(xp, x, geometry, 0)
    winner = channels_last(winner)
    y = xp.zeros(winner.shape, x.dtype)
    for k, (rs, cs) in enumerate(geometry.taps(output)):
        y += image[:, rs, cs] * (winner == k)
    return channels_first(y)


def avg_pool2d(x: Any, geometry: Pooling) -> Any:
    """The mean of each window. x is N×C×H×W, the result N×C×P×Q."""
    xp = array_module(x)
    image, output = _covered(xp, x, geometry, 0)
    total = None
    for rs, cs in geometry.taps(output):
        total = image[:, rs, cs].copy() if total is None else _added(total, image[:, rs, cs])
    total *= _weights(xp, geometry, x.shape[2:], x.dtype)
    return channels_first(total)


def avg_unpool2d(y: Any, shape: tuple, geometry: Pooling) -> Any:
    """Each value spread evenly over its window: the gradient of :func:`avg_pool2d`."""
    xp = array_module(y)
    weighted = channels_first(channels_last(y) * _weights(xp, geometry, shape[2:], y.dtype))
    return _spread(weighted, shape, geometry, lambda value, k: value)


def _spread(y: Any, shape: tuple, geometry: Pooling, part: Any) -> Any:
    """Add ``part(y, k)`` to pixel k of every window of a zero image of ``shape``."""
    xp = array_module(y)
    y = channels_last(y)
    n, c, h, w = shape
    (top, left), (height, width) = geometry.padding, geometry.padded_size((h, w))
    image = xp.zeros((n, max(height, top + h), max(width, left + w), c), y.dtype)
    for k, (rs, cs) in enumerate(geometry.taps(y.shape[1:3])):
        image[:, rs, cs] += part(y, k)
    return channels_first(image[:, top:top + h, left:left + w])


def _covered(xp: Any, x: Any, geometry: Pooling, value: float) -> tuple[Any, tuple[int, int]]:
    """The image padded to what the windows cover, and how many windows there are."""
    h, w = x.shape[2:]
    (top, left), (height, width) = geometry.padding, geometry.padded_size((h, w))
    image = zero_padded(xp, channels_last(x), top, max(0, height - top - h), left,
                        max(0, width - left - w), value)
    return image, geometry.output_size((h, w))


def _added(total: Any, more: Any) -> Any:
    total += more
    return total


def _winner_type(geometry: Pooling) -> Any:
    return np.uint8 if geometry.kernel[0] * geometry.kernel[1] <= 256 else np.int32


def _weights(xp: Any, geometry: Pooling, image: tuple[int, int], dtype: Any) -> Any:
    """1 / (number of pixels that count) for each window, P×Q×1."""
    return xp.asarray(_host_weights(geometry, tuple(image)).astype(dtype))


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
