"""Moment matrices of a window of image batches.

As in :mod:`minigrad.kernels.cuda.channel_matmul`, float32 is multiplied as float32 even where
convolutions may use TF32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad.backend import array_module
from minigrad.kernels.cuda import blas
from minigrad.kernels.geometry import Window
from minigrad.kernels.layout import channels_first, channels_last

BAND = 1 << 24          # numbers: 64 MB of weighted pixels exist at a time


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
    """As `minigrad.kernels.moments.weighted_products`; one product for all weights of a band."""
    xp = array_module(x)
    images, count, channels = len(x), len(weights), (x.shape[1], y.shape[1])
    products = xp.zeros((images, count * channels[0], channels[1]), dtype=x.dtype)
    left_sums, right_sums = (xp.zeros((images, count, width), dtype=x.dtype) for width in channels)
    for band, shares in _bands(weights, window, images * channels[0]):
        left, pixels = _inside(xp, x, band), shares.reshape(1, count, band.pixels)
        right = left if y is x else _inside(xp, y, band)
        blas.multiply(xp, _weighted(xp, left, pixels), right, products, transpose_a=True,
                      add=True, exact=True)
        pixels = xp.broadcast_to(pixels, (images, *pixels.shape[1:]))
        blas.multiply(xp, pixels, left, left_sums, add=True, exact=True)
        if y is not x:
            blas.multiply(xp, pixels, right, right_sums, add=True, exact=True)
    out = xp.empty((images, count, channels[0] + 1, channels[1] + 1), dtype=x.dtype)
    out[..., :-1, :-1] = products.reshape(images, count, *channels)
    out[..., :-1, -1] = left_sums
    out[..., -1, :-1] = left_sums if y is x else right_sums
    out[..., -1, -1] = weights.sum(axis=(1, 2))
    return out


def weighted_mix(x: Any, m: Any, weights: Any, window: Window, total: Any = None) -> Any:
    """As `minigrad.kernels.moments.weighted_mix`; cuBLAS itself adds to `total`.

    Σ_k w_k·A_k·X is one product, of [A_1 … A_K] and the pixels times each weight. Each row of
    pixels is a matrix of its own for cuBLAS, so the result needs no window of its own.
    """
    xp = array_module(x)
    images, count, filters, channels = len(x), len(weights), m.shape[2] - 1, x.shape[1]
    image = xp.zeros((images, *x.shape[2:], filters), dtype=x.dtype) if total is None \
        else channels_last(total)
    if not image.flags.c_contiguous:
        total += weighted_mix(x, m, weights, window)
        return total
    mixers = xp.ascontiguousarray(m[:, :, :-1, :-1].transpose(0, 1, 3, 2)).reshape(
        images, count * channels, filters)
    offsets = xp.ascontiguousarray(m[:, :, :-1, -1])
    for band, shares in _bands(weights, window, images * channels):
        height, width = shares.shape[1:]
        weighted = _weighted(xp, _inside(xp, x, band), shares.reshape(1, count, band.pixels))
        rows = weighted.reshape(images, height, width, count * channels)
        each_row = shares.transpose(1, 0, 2)
        for target, pixels, mixer, offset in zip(image[(slice(None), *band.slices)], rows, mixers,
                                                 offsets):
            blas.multiply(xp, pixels, xp.broadcast_to(mixer, (height, *mixer.shape)), target,
                          add=True, exact=True)
            blas.multiply(xp, each_row, xp.broadcast_to(offset, (height, *offset.shape)), target,
                          transpose_a=True, add=True, exact=True)
    return channels_first(image) if total is None else total


def _bands(weights: Any, window: Window, channels: int) -> Iterator[tuple[Window, Any]]:
    """Bands of a window whose pixels, times each weight, have at most `BAND` numbers; weights."""
    count, height, width = weights.shape
    rows = max(1, BAND // max(1, count * width * channels))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield (window._replace(top=window.top + top, bottom=window.top + bottom),
               weights[:, top:bottom])


def _weighted(xp: Any, pixels: Any, weights: Any) -> Any:
    """Pixels N×P×C times each of the weights 1×K×P, as N×P×(K·C)."""
    images, count, channels = pixels.shape
    each = weights.shape[1]
    products = xp.empty((images, count, each, channels), dtype=pixels.dtype)
    xp.multiply(pixels[:, :, None], weights.transpose(0, 2, 1)[..., None], out=products)
    return products.reshape(images, count, each * channels)


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
