"""Matrix products."""

from __future__ import annotations

from typing import Any

from ..errors import ShapeError
from ..kernels import products as kernels
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


@primitive
def channel_products(x, y):
    """P[n,c,d] = Σ over pixels of x[n,c]·y[n,d]: x N×C×H×W, y N×D×H×W, result N×C×D."""
    return kernels.channel_products(x, y)


@primitive
def mix_channels(x, m):
    """y[n,k] = Σ_c m[n,k,c]·x[n,c]: x N×C×H×W, m N×K×C, result N×K×H×W."""
    return kernels.mix_channels(x, m)


@primitive
def gram_matrix(x):
    """G[n,c,d] = Σ over pixels of x[n,c]·x[n,d], i.e. F·Fᵀ, undivided: N×C×H×W to N×C×C.

    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015), eq. 3.
    """
    return kernels.channel_products(x, x)


channel_products.derivative(
    x=lambda g, y: mix_channels(y, g),
    y=lambda g, x: mix_channels(x, transpose(g, 1, 2)),
)
mix_channels.derivative(
    x=lambda g, m: mix_channels(g, transpose(m, 1, 2)),
    m=lambda g, x: channel_products(g, x),
)
gram_matrix.derivative(x=lambda g, x: mix_channels(x, g + transpose(g, 1, 2)))   # (G + Gᵀ)·F
