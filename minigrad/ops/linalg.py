"""Matrix products."""

from __future__ import annotations

import math
from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import channel_matmul as kernels
from minigrad.kernels.refusal import refusal
from minigrad.ops.deferred import mixed_channels
from minigrad.ops.shape import matrix_transpose, reshape, sum_to
from minigrad.ops.shape_functions import unsqueeze


@primitive(broadcasts=True)
def matrix_product(x, y):
    """Z = X·Y for the last two dimensions (…×n×k by …×k×m); leading ones broadcast."""
    return kernels.matmul(x, y)


matrix_product.derivative(
    x=lambda g, y: matrix_product(g, matrix_transpose(y)),      # ∂L/∂X = G·Yᵀ
    y=lambda g, x: matrix_product(matrix_transpose(x), g),      # ∂L/∂Y = Xᵀ·G
)


@primitive
def affine(x, w, b=None):
    """Z = X·Wᵀ + b: x …×I (two dimensions or more), w O×I, b O; result …×O."""
    if x.shape[-1] != w.shape[1] or (b is not None and b.shape != w.shape[:1]):
        raise ShapeError(f"linear needs x …×I, weight O×I and bias O, not shapes {tuple(x.shape)}, "
                         f"{tuple(w.shape)}" + (f" and {tuple(b.shape)}" if b is not None else ""))
    z = kernels.matmul(x, w.T)
    if b is not None:
        z += b
    return z


affine.derivative(
    x=lambda g, w: matrix_product(g, w),                                        # G·W
    w=lambda g, x: matrix_product(matrix_transpose(rows(g)), rows(x)),          # Gᵀ·X
    b=lambda g, b_shape: sum_to(g, b_shape),
)


def rows(x: Any) -> Any:
    """All dimensions but the last joined into one."""
    if len(x.shape) == 2:       # already rows; a reshape takes as long as a small product
        return x
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x·Wᵀ + b.

    Parameters
    ----------
    input : Tensor, …×I
    weight : Tensor, O×I
    bias : Tensor, O, optional

    Returns
    -------
    Tensor, …×O
    """
    others = [weight] if bias is None else [weight, bias]
    if len(input.shape) > 1 and all(other.dtype == input.dtype for other in others):
        return affine(input, weight, bias)
    product = matmul(input, matrix_transpose(weight))       # a vector, or types to be promoted
    return product if bias is None else product + bias


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """Matrix product, as `@`: a vector counts as one row (left) or one column (right).

    Raises
    ------
    ShapeError
        A zero-dimensional operand, or inner lengths that differ.
    """
    try:
        plain = len(x.shape) == len(y.shape) == 2
    except (AttributeError, TypeError) as error:        # no tensors; or classes of them
        raise refusal("matrix_product", [x, y], error) from error
    if plain and x.shape[1] == y.shape[0]:
        return matrix_product(x, y)         # the usual case
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
def gram_matrix(x):
    """G[n,c,d] = Σ over pixels of x[n,c]·x[n,d], i.e. F·Fᵀ, undivided: N×C×H×W to N×C×C.

    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015), eq. 3.
    """
    return kernels.channel_products(x, x)


gram_matrix.derivative(x=lambda g, x: mixed_channels(x, g + matrix_transpose(g)))     # (G + Gᵀ)·F
