"""Moment matrices of a window of image batches, without copying the features.

The moment matrix of features F, channels × pixels, is the Gram matrix of F with a further row of
ones: it holds Σ F·Fᵀ, Σ F and the number of pixels. The window is processed in bands of rows that
stay in the cache, so neither the window nor the ones are written to memory.

With weights, each pixel counts as much as its weight says. Several sets of weights, the regions of
a picture, are served at once: a pixel of weight 0 costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.geometry import Window
from minigrad.kernels.layout import channels_first, channels_last

BAND = 1 << 17          # numbers in one band of one image: 512 kB of float32


@on_cuda_too
def moment_products(x: Any, y: Any, window: Window) -> Any:
    """[X; 1]·[Y; 1]ᵀ over the window: N×C×H×W and N×D×H×W to N×(C+1)×(D+1)."""
    xp = array_module(x)
    left, right = channels_last(x), channels_last(y)
    images, channels, shares = len(x), (x.shape[1] + 1, y.shape[1] + 1), _shares(window)
    partial = xp.empty((images, len(shares), *channels), dtype=x.dtype)

    def work(piece: tuple[int, int]) -> None:
        n, k = piece
        _add_products(xp, left[n], None if x is y else right[n], shares[k], partial[n, k])

    parallel.run(work, [(n, k) for n in range(images) for k in range(len(shares))], xp)
    out = partial.sum(axis=1)
    out[:, -1, -1] = window.pixels
    return out


@on_cuda_too
def moment_mix(x: Any, m: Any, window: Window, total: Any = None) -> Any:
    """A·X + b in the window and 0 around it, [A b] being all rows of m but the last one.

    x N×C×H×W and m N×(K+1)×(C+1) to N×K×H×W. If `total` N×K×H×W is given, the result is added to it
    in place, and `total` is returned.
    """
    xp = array_module(x)
    source = channels_last(x)
    mixed = memory.empty_like_kind(xp, (*source.shape[:3], m.shape[1] - 1), x.dtype)

    def work(piece: tuple[int, Window]) -> None:
        n, share = piece
        _mix(xp, source[n], m[n, :-1], share, mixed[n])

    for image in mixed:
        _clear_around(image, window)
    parallel.run(work, [(n, share) for n in range(len(x)) for share in _shares(window)], xp)
    mixed = channels_first(mixed)
    if total is None:
        return mixed
    total += mixed
    return total


@on_cuda_too
def weighted_products(x: Any, y: Any, weights: Any, window: Window) -> Any:
    """Σ w·[X; 1]·[Y; 1]ᵀ over the window for each weight: N×K×(C+1)×(D+1).

    x N×C×H×W, y N×D×H×W, and weights K × the window's height × its width, 0 or more.
    """
    xp = array_module(x)
    left, right = channels_last(x), channels_last(y)
    channels, shares = (x.shape[1] + 1, y.shape[1] + 1), _shares(window)
    partial = xp.empty((len(x), len(shares), len(weights), *channels), dtype=x.dtype)

    def work(piece: tuple[int, int]) -> None:
        n, k = piece
        _add_weighted(xp, left[n], None if x is y else right[n], weights, window, shares[k],
                      partial[n, k])

    parallel.run(work, [(n, k) for n in range(len(x)) for k in range(len(shares))], xp)
    return partial.sum(axis=1)


@on_cuda_too
def weighted_mix(x: Any, m: Any, weights: Any, window: Window, total: Any = None) -> Any:
    """Σ_k w_k·(A_k·X + b_k) in the window and 0 around it, N×C×H×W to N×L×H×W.

    m is N×K×(L+1)×(C+1), all rows of each matrix but the last one being [A_k b_k]; weights as for
    `weighted_products`, and `total` as for `moment_mix`.
    """
    xp = array_module(x)
    source = channels_last(x)
    mixed = memory.empty_like_kind(xp, (*source.shape[:3], m.shape[2] - 1), x.dtype)
    mixed[...] = 0

    def work(piece: tuple[int, Window]) -> None:
        n, share = piece
        for band in _bands(share, max(m.shape[2:])):
            _add_weighted_mix(source[n], m[n], _of_band(weights, window, band), band, mixed[n])

    parallel.run(work, [(n, share) for n in range(len(x)) for share in _shares(window)], xp)
    mixed = channels_first(mixed)
    if total is None:
        return mixed
    total += mixed
    return total


def _of_band(weights: Any, window: Window, band: Window) -> Any:
    """The weights of a band's pixels, K × pixels."""
    rows = weights[:, band.top - window.top:band.bottom - window.top]
    return rows.reshape(len(weights), band.pixels)


def _counting(weight: Any) -> Any:
    """The index of the pixels whose weight is not 0; None if there are none.

    All pixels are a slice, which copies nothing. Libraries other than NumPy would have to wait for
    the index, so they take all pixels.
    """
    if type(weight) is not np.ndarray:
        return slice(None)
    some = np.flatnonzero(weight)
    return slice(None) if len(some) == len(weight) else some if len(some) else None


def _add_weighted(xp: Any, x: Any, y: Any, weights: Any, window: Window, share: Window, out: Any
                  ) -> None:
    """`weighted_products` of one image H×W×C over a share of the window; y is None if it is x."""
    out[...] = 0
    for band in _bands(share, max(out.shape[1:])):
        left = _pixels(x, band)
        right = left if y is None else _pixels(y, band)
        for weight, sums in zip(_of_band(weights, window, band), out):
            some = _counting(weight)
            if some is None:
                continue
            # Each side has the root of the weight, so that NumPy computes one half if both are x.
            root = xp.sqrt(weight[some])
            ours = left[some] * root[:, None]
            theirs = ours if y is None else right[some] * root[:, None]
            sums[:-1, :-1] += ours.T @ theirs
            sums[:-1, -1] += root @ ours
            if y is not None:
                sums[-1, :-1] += root @ theirs
            sums[-1, -1] += weight.sum()
    if y is None:
        out[:, -1, :-1] = out[:, :-1, -1]


def _add_weighted_mix(x: Any, m: Any, weights: Any, band: Window, out: Any) -> None:
    """`weighted_mix` of one image H×W×C in one band; `out` H×W×L is added to."""
    source, target = _pixels(x, band), out[band.slices]
    sums = target.reshape(band.pixels, target.shape[2])         # a copy, unless of whole rows
    for weight, matrix in zip(weights, m):
        some = _counting(weight)
        if some is not None:
            part = source[some] @ matrix[:-1, :-1].T
            part += matrix[:-1, -1]
            part *= weight[some, None]
            sums[some] += part
    target[...] = sums.reshape(target.shape)


def _add_products(xp: Any, x: Any, y: Any, window: Window, out: Any) -> None:
    """`moment_products` of one image H×W×C, without the number of pixels; y is None if it is x."""
    out[...] = 0
    product = parallel.scratch("moments", out[:-1, :-1].shape, out.dtype) if xp is np else None
    for band in _bands(window, max(out.shape)):
        left = _pixels(x, band)
        right = left if y is None else _pixels(y, band)
        # For the product of an array with its own transpose NumPy computes one half only.
        out[:-1, :-1] += xp.matmul(left.T, right, out=product)
        # A row of ones times a matrix is many times faster than NumPy's sum over the outer
        # dimension.
        ones = xp.ones(len(left), out.dtype)
        out[:-1, -1] += ones @ left
        if y is not None:
            out[-1, :-1] += ones @ right
    if y is None:
        out[-1, :-1] = out[:-1, -1]


def _mix(xp: Any, x: Any, m: Any, window: Window, out: Any) -> None:
    """`moment_mix` of one image H×W×C, in the window only; m is [A b]."""
    matrix, channels = xp.ascontiguousarray(m[:, :-1].T), len(m)
    width = window.right - window.left
    offsets = xp.broadcast_to(m[:, -1], (width, channels)).reshape(width * channels)
    lines = out.reshape(len(out), out.shape[1] * channels)
    lines = lines[:, window.left * channels:window.right * channels]
    for band in _bands(window, max(m.shape)):
        rows, _ = band.slices
        product = _pixels(x, band) @ matrix
        target = lines[rows]
        xp.add(product.reshape(target.shape), offsets, out=target)


def _pixels(image: Any, band: Window) -> Any:
    """The pixels of a band, pixels × channels: a view of whole rows, otherwise a copy."""
    return image[band.slices].reshape(band.pixels, image.shape[2])


def _bands(window: Window, channels: int) -> Iterator[Window]:
    """The window in bands of rows: about `BAND` numbers each, and twice as many pixels as channels.

    With fewer pixels, adding up the products would take longer than computing them.
    """
    pixels = max(BAND // channels, 2 * channels)
    step = max(1, pixels // max(1, window.right - window.left))
    for top in range(window.top, window.bottom, step):
        yield window._replace(top=top, bottom=min(top + step, window.bottom))


def _shares(window: Window) -> list[Window]:
    """The window in parts for the threads, the same ones whatever the number of threads.

    A loss that takes roots of the sums makes their rounding errors visible in a picture.
    """
    rows = window.bottom - window.top
    return [window._replace(top=window.top + rows * k // parallel.PARTS,
                            bottom=window.top + rows * (k + 1) // parallel.PARTS)
            for k in range(parallel.PARTS)]


def _clear_around(image: Any, window: Window) -> None:
    """Set the pixels of an image H×W×C outside the window to 0."""
    rows, _ = window.slices
    image[:window.top] = 0
    image[window.bottom:] = 0
    image[rows, :window.left] = 0
    image[rows, window.right:] = 0
