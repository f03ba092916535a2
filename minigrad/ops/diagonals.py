"""Diagonals and triangles of matrices."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import result_type
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import whole
from minigrad.kernels.element_types import need_real
from minigrad.kernels.selection import kept
from minigrad.ops.reduce import sum
from minigrad.ops.scan import counted
from minigrad.ops.shape import _on_device_of, normal_dim, permute, reshape, scatter, select
from minigrad.ops.shape_functions import cat


@primitive
def tril(x, k=0):
    """The lower triangle of matrices …×n×m: zero above the diagonal k places above the main one."""
    return kept(x, _below(x, whole(k, "tril: the diagonal")))


@primitive
def triu(x, k=0):
    """The upper triangle of matrices …×n×m: zero below the diagonal k places above the main one."""
    return kept(x, ~_below(x, whole(k, "triu: the diagonal") - 1))


def _below(x: Any, k: int) -> Any:
    """Whether an element is on diagonal k or below."""
    if x.ndim < 2:
        raise ShapeError(f"a matrix has two dimensions or more, not shape {tuple(x.shape)}")
    xp = array_module(x)
    return xp.arange(x.shape[-1]) <= xp.arange(x.shape[-2])[:, None] + k


tril.derivative(x=lambda g, k: tril(g, k))
triu.derivative(x=lambda g, k: triu(g, k))


def _diagonal_index(shape: tuple, offset: int, dim1: int, dim2: int) -> tuple[tuple, list[int]]:
    """Rows and columns of a diagonal, and the order that puts `dim1` and `dim2` in front."""
    rows, columns = shape[dim1], shape[dim2]
    length = builtins.max(0, builtins.min(rows + builtins.min(offset, 0),
                                          columns - builtins.max(offset, 0)))
    steps = np.arange(length)
    others = [d for d in range(len(shape)) if d not in (dim1, dim2)]
    return (steps - builtins.min(offset, 0), steps + builtins.max(offset, 0)), [dim1, dim2, *others]


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices in two dimensions of x; it is the last dimension of the result.

    Parameters
    ----------
    offset : int
        Which diagonal: 0 is the main one, above 0 those to its right.

    Raises
    ------
    ArgumentError
        `dim1` and `dim2` are the same.
    """
    dim1, dim2 = normal_dim(dim1, input.ndim), normal_dim(dim2, input.ndim)
    if dim1 == dim2:
        raise ArgumentError(f"a diagonal needs two different dimensions, not {dim1} twice")
    index, order = _diagonal_index(input.shape, offset, dim1, dim2)
    taken = select(permute(input, tuple(order)), index)
    return permute(taken, (*range(1, taken.ndim), 0))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension of x as their diagonal, zero elsewhere."""
    ndim = input.ndim + 1
    dim1, dim2 = normal_dim(dim1, ndim), normal_dim(dim2, ndim)
    if dim1 == dim2:
        raise ArgumentError(f"a diagonal needs two different dimensions, not {dim1} twice")
    if dim1 > dim2:
        dim1, dim2, offset = dim2, dim1, -offset
    n = input.shape[-1] + builtins.abs(offset)
    index, _ = _diagonal_index((n, n), offset, 0, 1)
    front = permute(input, (input.ndim - 1, *range(input.ndim - 1)))
    placed = scatter(front, index, (n, n, *input.shape[:-1]))
    order = list(range(2, ndim))
    order.insert(dim1, 0)
    order.insert(dim2, 1)
    return permute(placed, tuple(order))


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or for a vector the matrix with this diagonal."""
    if input.ndim not in (1, 2):
        raise ShapeError(f"diag needs a vector or a matrix, not shape {input.shape}")
    return diag_embed(input, diagonal) if input.ndim == 1 else _diagonal(input, diagonal)


_diagonal = diagonal


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of x as its diagonal."""
    return diag_embed(reshape(input, (-1,)), offset)


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise ShapeError(f"trace needs a matrix, not shape {input.shape}")
    return sum(counted(diagonal(input)))


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None,
                 device: str | None = None) -> Tensor:
    """Rows and columns of the lower triangle of a row×col matrix, 2×N in row-major order."""
    return Tensor(np.stack(np.tril_indices(row, offset, col)), False, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None,
                 device: str | None = None) -> Tensor:
    """Rows and columns of the upper triangle of a row×col matrix, 2×N in row-major order."""
    return Tensor(np.stack(np.triu_indices(row, offset, col)), False, dtype, device)


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrix with these matrices along its diagonal; vectors count as rows."""
    blocks = [reshape(x, (1, -1)) if x.ndim < 2 else x for x in tensors]
    if not blocks:
        return Tensor(np.zeros((1, 0)), dtype=np.float32)
    width = builtins.sum(block.shape[1] for block in blocks)
    dtype = result_type(*tensors)
    rows, start = [], 0
    for block in blocks:
        xp = array_module(block._array)
        left = wrap(xp.zeros((block.shape[0], start), dtype))
        start += block.shape[1]
        rows.append(cat([left, block.to(dtype),
                         wrap(xp.zeros((block.shape[0], width - start), dtype))], 1))
    return cat(rows, 0)


# --------------------------------------------------- copies with one part replaced


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of x with `src` at `index` along `dim`."""
    dim = normal_dim(dim, input.ndim)
    return replaced(input, src, (slice(None),) * dim + (index,))


def slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int | None = None,
                  end: int | None = None, step: int = 1) -> Tensor:
    """A copy of x with `src` at start:end:step along `dim`."""
    dim = normal_dim(dim, input.ndim)
    return replaced(input, src, (slice(None),) * dim + (slice(start, end, step),))


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
                     ) -> Tensor:
    """A copy of x with `src` as its diagonal, see :func:`diagonal`."""
    dim1, dim2 = normal_dim(dim1, input.ndim), normal_dim(dim2, input.ndim)
    index, order = _diagonal_index(input.shape, offset, dim1, dim2)
    front = permute(src, (src.ndim - 1, *range(src.ndim - 1)))
    back = tuple(int(d) for d in np.argsort(order))
    return permute(replaced(permute(input, tuple(order)), front, index), back)


@primitive
def zeroed(x, index):
    """x with zeros at `index`."""
    x = x.copy()
    x[_on_device_of(x, index)] = 0
    return x


zeroed.derivative(x=lambda g, index: zeroed(g, index))


def replaced(x: Tensor, src: Tensor, index: Any) -> Tensor:
    """A copy of x with `src` at `index`; what was there gets no gradient."""
    shape = select(x.detach(), index).shape
    if src.shape != shape:
        raise ShapeError(f"a part of shape {shape} cannot be replaced by one of shape {src.shape}")
    if x.dtype.kind != "c":
        need_real(f"a part of a tensor of {x.dtype}", src)
    return zeroed(x, index) + scatter(src.to(x.dtype), index, x.shape)
