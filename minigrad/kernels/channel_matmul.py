"""Matrix products over the channels of image batches, without copying the features.

With channels innermost, an image is a matrix pixels × channels. It is cut into bands of pixels.
Sums over bands have a fixed order, so results do not change from run to run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.sums import sum_over


def pixels(x: Any) -> Any:
    """N×C×H×W as N×(H·W)×C: a view if channels are innermost in memory."""
    return x.transpose(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1])


def _shares(count: int) -> list[slice]:
    """Split `count` pixels or rows into parts, the same ones for any number of threads."""
    parts = max(1, min(parallel.PARTS, count))
    return [slice(count * k // parts, count * (k + 1) // parts) for k in range(parts)]


MIN_WORK = 1 << 18      # multiply-adds; below, BLAS itself stays on one thread


def matmul(x: Any, y: Any) -> Any:
    """X·Y for …×n×k and …×k×m; on a CUDA device in the precision in force."""
    if type(x) is np.ndarray and x.size * y.shape[-1] < MIN_WORK:
        return x @ y
    return large_matmul(x, y)


@on_cuda_too
def large_matmul(x: Any, y: Any) -> Any:
    """X·Y, split into rows or columns over our threads.

    BLAS's own threads would keep spinning for tens of milliseconds afterwards and slow down our
    threads.
    """
    if type(x) is not np.ndarray or x.dtype != y.dtype:
        return x @ y
    rows, columns = x.shape[-2], y.shape[-1]
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    z = memory.empty((*batch, rows, columns), x.dtype)

    def work(share: slice) -> None:
        if rows >= columns:
            np.matmul(x[..., share, :], y, out=z[..., share, :])
        else:
            np.matmul(x, y[..., share], out=z[..., share])

    parallel.run(work, _shares(max(rows, columns)))
    return z


@on_cuda_too
def channel_products(x: Any, y: Any) -> Any:
    """P[n,c,d] = Σ over pixels of x[n,c]·y[n,d]: N×C×H×W and N×D×H×W to N×C×D."""
    xp = array_module(x)
    left, right = pixels(x), pixels(y)
    shares = _shares(left.shape[1])
    partial = xp.empty((len(shares), x.shape[0], x.shape[1], y.shape[1]), dtype=x.dtype)

    def work(piece: tuple[int, int]) -> None:
        n, k = piece
        # For the product of an array with its own transpose NumPy computes one half only.
        xp.matmul(left[n, shares[k]].T, right[n, shares[k]], out=partial[k, n])

    parallel.run(work, [(n, k) for n in range(x.shape[0]) for k in range(len(shares))], xp)
    return partial.sum(axis=0)


@on_cuda_too
def mix_channels(x: Any, m: Any, total: Any = None) -> Any:
    """y[n,k] = Σ_c m[n,k,c]·x[n,c]: N×C×H×W and N×K×C to N×K×H×W.

    If `total` N×K×H×W is given, the result is added to it in place, and `total` is returned.
    """
    xp = array_module(x)
    n_images, _, height, width = x.shape
    source = pixels(x)
    mixed = memory.empty_like_kind(xp, (n_images, height * width, m.shape[1]), x.dtype)

    def work(piece: tuple[int, slice]) -> None:
        n, share = piece
        xp.matmul(source[n, share], m[n].T, out=mixed[n, share])

    parallel.run(work, [(n, share) for n in range(n_images) for share in _shares(height * width)],
                 xp)
    mixed = mixed.reshape(n_images, height, width, -1).transpose(0, 3, 1, 2)
    if total is None:
        return mixed
    total += mixed
    return total


def channel_sums(x: Any) -> Any:
    """s[c] = Σ over images and pixels of x[n,c]: N×C×H×W to C."""
    xp = array_module(x)
    flat = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    if xp is not np or x.size < MIN_WORK:
        return sum_over(flat, (0,))
    starts = range(0, len(flat), 4096)
    partial = np.empty((len(starts), x.shape[1]), x.dtype)

    def work(k: int) -> None:
        partial[k] = sum_over(flat[starts[k]:starts[k] + 4096], (0,))

    parallel.run(work, range(len(starts)))
    return sum_over(partial, (0,))
