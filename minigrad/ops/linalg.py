"""Matrix products."""

from __future__ import annotations

from typing import Any

from ..errors import ShapeError
from ..primitive import primitive
from .shape import reshape, transpose, unsqueeze


@primitive(broadcasts=True)
def matrix_product(x, y):
    """Z = X·Y for the last two dimensions (…×n×k by …×k×m); leading ones broadcast."""
    return x @ y


matrix_product.derivative(
    x=lambda g, y: matrix_product(g, transpose(y, -2, -1)),     # ∂L/∂X = G·Yᵀ
    y=lambda g, x: matrix_product(transpose(x, -2, -1), g),     # ∂L/∂Y = Xᵀ·G
)


def matmul(x: Any, y: Any) -> Any:
    """Matrix product as ``@`` has it: vectors are taken as one row or one column.

    Raises
    ------
    ShapeError : a zero-dimensional operand, or inner lengths that differ.
    """
    if not len(x.shape) or not len(y.shape):
        raise ShapeError(f"matmul needs at least one dimension on both sides, not shapes "
                         f"{tuple(x.shape)} and {tuple(y.shape)}; use * for scalars")
    row, column = len(x.shape) == 1, len(y.shape) == 1
    left = unsqueeze(x, 0) if row else x
    right = unsqueeze(y, 1) if column else y
    if left.shape[-1] != right.shape[-2]:
        raise ShapeError(f"matmul cannot multiply shapes {tuple(x.shape)} and {tuple(y.shape)}: "
                         f"the inner lengths {left.shape[-1]} and {right.shape[-2]} differ")
    z = matrix_product(left, right)
    if row or column:
        shape = z.shape[:-2] + (() if row else z.shape[-2:-1]) + (() if column else z.shape[-1:])
        z = reshape(z, shape)
    return z


# --------------------------------------------- products of the channels of image batches


def _pixels(x: Any) -> Any:
    """N×C×H×W as N×(H·W)×C: a view if channels are innermost in memory."""
    return x.transpose(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1])


@primitive
def channel_products(x, y):
    """P[n,c,d] = Σ over pixels of x[n,c]·y[n,d]: x N×C×H×W, y N×D×H×W, result N×C×D."""
    return _pixels(x).transpose(0, 2, 1) @ _pixels(y)


@primitive
def mix_channels(x, m):
    """y[n,k] = Σ_c m[n,k,c]·x[n,c]: x N×C×H×W, m N×K×C, result N×K×H×W."""
    n, _, height, width = x.shape
    mixed = _pixels(x) @ m.transpose(0, 2, 1)
    return mixed.reshape(n, height, width, -1).transpose(0, 3, 1, 2)


@primitive
def gram_matrix(x):
    """G[n,c,d] = Σ over pixels of x[n,c]·x[n,d], i.e. F·Fᵀ, undivided: N×C×H×W to N×C×C.

    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015), eq. 3.
    """
    pixels = _pixels(x)
    return pixels.transpose(0, 2, 1) @ pixels


channel_products.derivative(
    x=lambda g, y: mix_channels(y, g),
    y=lambda g, x: mix_channels(x, transpose(g, 1, 2)),
)
mix_channels.derivative(
    x=lambda g, m: mix_channels(g, transpose(m, 1, 2)),
    m=lambda g, x: channel_products(g, x),
)
gram_matrix.derivative(x=lambda g, x: mix_channels(x, g + transpose(g, 1, 2)))   # (G + Gᵀ)·F
