"""Matrix products, also over the channels of image batches, without copying the features.

Gram matrices are computed in float32 even where convolutions may use TF32. They are sums over all
pixels, and a style loss depends on their small differences.
"""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.kernels.cuda import blas
from minigrad.kernels.cuda.compiler import contiguous
from minigrad.kernels.layout import channels_first, channels_last


def channel_products(x: Any, y: Any) -> Any:
    """P[n,c,d] = Σ over pixels of x[n,c]·y[n,d]: N×C×H×W and N×D×H×W to N×C×D."""
    xp = array_module(x)
    left = _pixels(xp, x)
    right = left if y is x else _pixels(xp, y)
    out = xp.empty((len(left), left.shape[2], right.shape[2]), dtype=x.dtype)
    return blas.multiply(xp, left, right, out, transpose_a=True, exact=True)


def mix_channels(x: Any, m: Any, total: Any = None) -> Any:
    """As `minigrad.kernels.channel_matmul.mix_channels`; cuBLAS itself adds to `total`."""
    xp = array_module(x)
    n, _, height, width = x.shape
    image = xp.empty((n, height, width, m.shape[1]), dtype=x.dtype) if total is None \
        else channels_last(total)
    if not image.flags.c_contiguous:
        total += mix_channels(x, m)
        return total
    blas.multiply(xp, _pixels(xp, x), xp.ascontiguousarray(m),
                  image.reshape(n, height * width, m.shape[1]), transpose_b=True,
                  add=total is not None, exact=True)
    return channels_first(image) if total is None else total


def large_matmul(x: Any, y: Any) -> Any:
    """x @ y by cuBLAS if the batch dimensions of x and y are equal; by CuPy otherwise."""
    xp = array_module(x)
    if x.dtype != y.dtype or x.shape[:-2] != y.shape[:-2] or not x.size or not y.size:
        return x @ y
    (left, transpose_x), (right, transpose_y) = _matrices(xp, x), _matrices(xp, y)
    out = xp.empty((len(left), x.shape[-2], y.shape[-1]), dtype=x.dtype)
    blas.multiply(xp, left, right, out, transpose_a=transpose_x, transpose_b=transpose_y)
    return out.reshape(*x.shape[:-1], y.shape[-1])


def _matrices(xp: Any, x: Any) -> tuple[Any, bool]:
    """(contiguous batch of matrices, whether they are the transposes of those of x)."""
    if x.ndim >= 2 and not x.flags.c_contiguous:
        transposed = x.swapaxes(-1, -2)
        if transposed.flags.c_contiguous:
            return transposed.reshape(-1, *transposed.shape[-2:]), True
    return xp.ascontiguousarray(x).reshape(-1, *x.shape[-2:]), False


def _pixels(xp: Any, x: Any) -> Any:
    """N×C×H×W as N×(H·W)×C."""
    image = contiguous(xp, x)
    return image.reshape(len(image), image.shape[1] * image.shape[2], image.shape[3])
