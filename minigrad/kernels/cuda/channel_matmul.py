"""Products of matrices, and of the channels of image batches, read where they lie.

Gram matrices are made in float32 even where convolutions may use TF32: they are sums of all
pixels' squares, whose differences are what a style loss is about.
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
    return blas.multiply(xp, left, right, out, turn_a=True, exact=True)


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
                  image.reshape(n, height * width, m.shape[1]), turn_b=True,
                  add=total is not None, exact=True)
    return channels_first(image) if total is None else total


def large_matmul(x: Any, y: Any) -> Any:
    """x @ y for the last two dimensions; operands that are not alike in the others go to CuPy."""
    xp = array_module(x)
    if x.dtype != y.dtype or x.shape[:-2] != y.shape[:-2] or not x.size or not y.size:
        return x @ y
    (left, turn_x), (right, turn_y) = _matrices(xp, x), _matrices(xp, y)
    out = xp.empty((len(left), x.shape[-2], y.shape[-1]), dtype=x.dtype)
    blas.multiply(xp, left, right, out, turn_a=turn_x, turn_b=turn_y)
    return out.reshape(*x.shape[:-1], y.shape[-1])


def _matrices(xp: Any, x: Any) -> tuple[Any, bool]:
    """A batch of matrices without gaps, and whether they are the transposes of those of x."""
    if x.ndim >= 2 and not x.flags.c_contiguous:
        turned = x.swapaxes(-1, -2)
        if turned.flags.c_contiguous:
            return turned.reshape(-1, *turned.shape[-2:]), True
    return xp.ascontiguousarray(x).reshape(-1, *x.shape[-2:]), False


def _pixels(xp: Any, x: Any) -> Any:
    """N×C×H×W as N×(H·W)×C."""
    image = contiguous(xp, x)
    return image.reshape(len(image), image.shape[1] * image.shape[2], image.shape[3])
