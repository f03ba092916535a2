"""Moment matrices of a window of image batches.

As in :mod:`minigrad.kernels.cuda.channel_matmul`, float32 is multiplied as float32 even where
convolutions may use TF32.
"""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.kernels.cuda import blas
from minigrad.kernels.geometry import Window
from minigrad.kernels.layout import channels_first, channels_last


def moment_products(x: Any, y: Any, window: Window) -> Any:
    """As `minigrad.kernels.moments.moment_products`; copies the window if columns are left out."""
    xp = array_module(x)
    left = _inside(xp, x, window)
    right = left if y is x else _inside(xp, y, window)
    products = xp.empty((len(x), x.shape[1], y.shape[1]), dtype=x.dtype)
    out = xp.empty((len(x), x.shape[1] + 1, y.shape[1] + 1), dtype=x.dtype)
    out[:, :-1, :-1] = blas.multiply(xp, left, right, products, transpose_a=True, exact=True)
    out[:, :-1, -1] = _sums(xp, left, window)
    out[:, -1, :-1] = out[:, :-1, -1] if y is x else _sums(xp, right, window)
    out[:, -1, -1] = window.pixels
    return out


def moment_mix(x: Any, m: Any, window: Window, total: Any = None) -> Any:
    """As `minigrad.kernels.moments.moment_mix`; cuBLAS itself adds to `total`.

    Each row of pixels is a matrix of its own for cuBLAS, so no window is copied.
    """
    xp = array_module(x)
    n, _, height, width = x.shape
    image = xp.zeros((n, height, width, m.shape[1] - 1), dtype=x.dtype) if total is None \
        else channels_last(total)
    if not image.flags.c_contiguous:
        total += moment_mix(x, m, window)
        return total
    source, target = channels_last(x), image[(slice(None), *window.slices)]
    contiguous = source.flags.c_contiguous
    source = source[(slice(None), *window.slices)]
    if not contiguous:
        source = xp.ascontiguousarray(source)
    m = xp.ascontiguousarray(m)
    target += m[:, None, None, :-1, -1]
    for rows, matrix, sums in zip(source, m[:, :-1, :-1], target):
        blas.multiply(xp, rows, xp.broadcast_to(matrix, (len(rows), *matrix.shape)), sums,
                      transpose_b=True, add=True, exact=True)
    return channels_first(image) if total is None else total


def weighted_products(x: Any, y: Any, weights: Any, window: Window) -> Any:
    """As `minigrad.kernels.moments.weighted_products`; one product for each weight."""
    xp = array_module(x)
    left, right = _with_ones(xp, x, window), _with_ones(xp, y, window)
    out = xp.empty((len(x), len(weights), left.shape[2], right.shape[2]), dtype=x.dtype)
    for k, weight in enumerate(weights.reshape(len(weights), window.pixels, 1)):
        out[:, k] = blas.multiply(xp, left * weight, right, xp.empty_like(out[:, k]),
                                  transpose_a=True, exact=True)
    return out


def weighted_mix(x: Any, m: Any, weights: Any, window: Window) -> Any:
    """As `minigrad.kernels.moments.weighted_mix`."""
    xp = array_module(x)
    n, _, height, width = x.shape
    inside = _with_ones(xp, x, window)
    image = xp.zeros((n, height, width, m.shape[2] - 1), dtype=x.dtype)
    target = image[(slice(None), *window.slices)]
    for k, weight in enumerate(weights[..., None]):
        matrix = xp.ascontiguousarray(m[:, k, :-1])
        mixed = xp.empty((n, window.pixels, matrix.shape[1]), dtype=x.dtype)
        blas.multiply(xp, inside, matrix, mixed, transpose_b=True, exact=True)
        target += weight * mixed.reshape(target.shape)
    return channels_first(image)


def _with_ones(xp: Any, x: Any, window: Window) -> Any:
    """The pixels of the window with a channel of ones, N × pixels × (channels + 1)."""
    inside = _inside(xp, x, window)
    return xp.concatenate([inside, xp.ones((*inside.shape[:2], 1), dtype=x.dtype)], axis=2)


def _inside(xp: Any, x: Any, window: Window) -> Any:
    """The pixels of the window, N × pixels × channels, contiguous."""
    inside = channels_last(x)[(slice(None), *window.slices)]
    return xp.ascontiguousarray(inside).reshape(len(x), window.pixels, x.shape[1])


def _sums(xp: Any, pixels: Any, window: Window) -> Any:
    """Sums over all pixels, N×C: over each row of the window, then over the rows.

    They are products with ones, because CuPy's sums over outer dimensions are slow.
    """
    n, _, channels = pixels.shape
    height, width = window.bottom - window.top, window.right - window.left
    rows = _sums_of_columns(xp, pixels.reshape(n * height, width, channels))
    return _sums_of_columns(xp, rows.reshape(n, height, channels))


def _sums_of_columns(xp: Any, matrices: Any) -> Any:
    """N×M×C to N×C."""
    n, count, channels = matrices.shape
    ones = xp.broadcast_to(xp.ones((1, count), dtype=matrices.dtype), (n, 1, count))
    out = xp.empty((n, 1, channels), dtype=matrices.dtype)
    return blas.multiply(xp, ones, matrices, out, exact=True).reshape(n, channels)
