"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.arguments import is_whole
from minigrad.kernels.geometry import is_omitted
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import equal, not_equal, power, where
from minigrad.ops.parts import index_at
from minigrad.ops.reduce import amax, amin, p_norm, sum
from minigrad.ops.shape import cast, normal_dim, permute, reshape
from minigrad.ops.spectral import svdvals
from minigrad.printable import shape_of, shown


def vector_norm(x: Tensor, ord: float = 2.0, dim: Any = None, keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """(Σ|x|ᵖ)^(1/p) over `dim`; for ∞ the largest |x|, for −∞ the smallest, for 0 a count.

    Where a derivative does not exist it is 0. Powers of float16 are added up in float32.
    """
    x = x if dtype is None else cast(x, np.dtype(dtype))
    if x.dtype.kind != "f":
        raise DTypeError(f"a norm needs floating-point numbers, not {x.dtype}; use .float()")
    if x.dtype == np.float16:
        return cast(vector_norm(cast(x, np.dtype(np.float32)), ord, dim, keepdim), x.dtype)
    dim = None if is_omitted(dim) else dim
    if shape_of(ord):                   # NumPy would take an array of one element for a number
        raise ArgumentError(f"the order of a norm must be a number, not {shown(ord)}")
    p = float(ord)
    if p >= 1 and not math.isinf(p):
        return p_norm(x, p, dim, keepdim)
    size = absolute(x)
    if p == 0:
        return sum(cast(not_equal(size, 0), x.dtype), dim, keepdim)      # NaN counts, too
    if math.isinf(p):
        return (amax if p > 0 else amin)(size, dim, keepdim)
    total = sum(power(where(equal(size, 0), 1.0 if p > 0 else 0.0, size), p)
                - (cast(equal(size, 0), x.dtype) if p > 0 else 0.0), dim, keepdim)
    return power(total, 1 / p)


def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """A norm of matrices. `"fro"`: √Σaᵢⱼ². 1, inf: the largest sum of |aᵢⱼ| in a column, in a row;
    −1, −inf: the smallest. 2, −2: the largest, the smallest singular value; `"nuc"`: their sum.
    """
    A = A if dtype is None else cast(A, np.dtype(dtype))
    if A.ndim < 2 or not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise ShapeError(f"matrix_norm needs matrices …×n×m and their two dimensions, not shape "
                         f"{A.shape} and dim {shown(dim)}")
    rows, columns = (normal_dim(d, A.ndim) for d in dim)
    if ord == "fro":
        return vector_norm(A, 2.0, (rows, columns), keepdim)
    others = [d for d in range(A.ndim) if d not in (rows, columns)]
    a = permute(A, (*others, rows, columns))
    if ord in (2, -2, "nuc"):
        values = svdvals(a)
        if ord == "nuc" or not values.shape[-1]:
            z = sum(values, -1)         # of nothing: 0
        else:
            z = index_at(values, a.ndim - 2, 0 if ord == 2 else -1)
    elif ord in (1, -1, math.inf, -math.inf):
        sums = sum(absolute(a), -2 if abs(ord) == 1 else -1)
        if ord > 0 and not sums.shape[-1]:
            z = sum(sums, -1)
        else:
            z = amax(sums, -1) if ord > 0 else amin(sums, -1)
    else:
        raise ArgumentError(f"matrix_norm knows the orders fro, nuc, 1, 2 and inf and their "
                            f"negatives, not {shown(ord)}")
    kept = tuple(1 if d in (rows, columns) else n for d, n in enumerate(A.shape))
    return reshape(z, kept) if keepdim else z


def norm_of(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *,
            dtype: Any = None) -> Tensor:
    """A norm of vectors, or of matrices if `dim` names two dimensions; see the other two norms.

    Without `dim` and `ord` all elements are one vector; with an `ord` x is a vector or a matrix.
    """
    if dim is None and ord is not None:
        if A.ndim > 2:
            raise ShapeError(f"norm of order {shown(ord)} needs a vector, a matrix or `dim`, not "
                             f"shape {A.shape}")
        dim = tuple(range(A.ndim))
    dims = (dim,) if is_whole(dim) else dim
    if ord is not None and dims is not None and len(dims) == 2:
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    return vector_norm(A, 2.0 if ord is None else ord, dim, keepdim, dtype=dtype)


def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, *,
         dtype: Any = None) -> Tensor:
    """Length ‖x‖ₚ = (Σ|x|ᵖ)^(1/p) of the vectors along `dim` (default: of all elements as one).

    Parameters
    ----------
    input : Tensor
        Floating-point, of any shape.
    p : number or str
        Any number; ∞ and −∞ are the largest and the smallest |x|, 0 counts nonzero elements.
        `"fro"` is 2, `"nuc"` the sum of the singular values of the matrices in two dimensions.
    dim, keepdim, dtype :
        See :func:`sum`.

    Raises
    ------
    DTypeError
        Integers, truth values or complex numbers.
    """
    if p == "nuc":
        return matrix_norm(input, p, tuple(range(input.ndim)) if dim is None else dim, keepdim,
                           dtype=dtype)
    return vector_norm(input, 2.0 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)
