"""Public functions on shapes and indices, composed of the primitives in :mod:`.shape`."""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

import numpy as np

from minigrad.backend import is_array, to_device
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError
from minigrad.ops.bounds import check_indices
from minigrad.ops.shape import (
    broadcast_to,
    concatenate,
    gather_along,
    normal_dim,
    permute,
    reshape,
    select,
    transfer,
)


def plain_index(index: Any) -> Any:
    """An index with its Tensors replaced by their arrays."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Tensor):
        return index._array
    return np.asarray(index) if isinstance(index, list) else index


def integer_index(index: Any, name: str) -> Any:
    """`index` as an array of integers; the error names the operation `name`."""
    index = plain_index(index)
    index = index if is_array(index) else np.asarray(index)
    if index.dtype.kind not in "iu":
        raise DTypeError(f"{name} needs integers as index, not {index.dtype}")
    return index


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index]; the index may contain integer and bool Tensors."""
    index = plain_index(index)
    check_indices(x, index)
    return select(x, index)


def gather(x: Tensor, dim: int, index: Any) -> Tensor:
    """z[i, j, …] = x[i, index[i, j, …], …] for dim = 1, and so on: the result has index's shape.

    Parameters
    ----------
    x : Tensor
        Of any shape.
    dim : int
        The dimension that `index` selects along.
    index : Tensor or array of integers
        Values 0 … x.shape[dim] − 1, with as many dimensions as x. In the other dimensions it may
        be shorter than x; the rest of x is then ignored.

    Raises
    ------
    ShapeError
        The index is longer than x in another dimension, or out of bounds.
    DTypeError
        The index does not hold integers.
    """
    dim, index = normal_dim(dim, x.ndim), integer_index(index, "gather")
    shorter = [d for d in range(builtins.min(x.ndim, index.ndim))
               if d != dim and index.shape[d] != x.shape[d]]
    if index.ndim != x.ndim or builtins.any(index.shape[d] > x.shape[d] for d in shorter):
        raise ShapeError(f"gather along dimension {dim} of shape {tuple(x.shape)} needs an index "
                         f"with as many dimensions and none longer, not {tuple(index.shape)}")
    if shorter:
        x = select(x, tuple(slice(index.shape[d]) if d in shorter else slice(None)
                            for d in range(x.ndim)))
    check_indices(x, (slice(None),) * dim + (index,))
    return gather_along(x, to_device(index, x.device), dim)


def take(x: Tensor, index: Any) -> Tensor:
    """The elements of x, counted in row-major order, at `index`; the result has its shape.

    Raises
    ------
    ShapeError
        An index is out of bounds.
    DTypeError
        The index does not hold integers.
    """
    return getitem(reshape(x, (-1,)), integer_index(index, "take"))


def split(x: Tensor, split_size: int | Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts of x along `dim`, as views.

    Parameters
    ----------
    split_size : int or sequence of int
        The length of every part (the last may be shorter), or the lengths of all parts, which
        add up to that of x.

    Raises
    ------
    ShapeError
        Lengths that are negative or do not add up, or a size below 1.
    """
    dim = normal_dim(dim, x.ndim)
    length = x.shape[dim]
    if isinstance(split_size, int):
        if split_size < 1:
            raise ShapeError(f"split needs parts of at least 1, not {split_size}")
        sizes = [builtins.min(split_size, length - start)
                 for start in range(0, builtins.max(length, 1), split_size)]
    else:
        sizes = list(split_size)
        if builtins.sum(sizes) != length or builtins.min(sizes, default=0) < 0:
            raise ShapeError(f"split of dimension {dim} of shape {tuple(x.shape)} needs lengths "
                             f"that add up to {length}, not {sizes}")
    ends = list(itertools.accumulate(sizes))
    return tuple(select(x, (slice(None),) * dim + (slice(end - size, end),))
                 for size, end in zip(sizes, ends))


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions exchanged."""
    dims = list(range(len(x.shape)))
    dim0, dim1 = normal_dim(dim0, len(dims)), normal_dim(dim1, len(dims))
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return permute(x, tuple(dims))


def expand(x: Tensor, shape: tuple) -> Tensor:
    """x broadcast to `shape`; −1 keeps a length."""
    lead = len(shape) - x.ndim
    return broadcast_to(x, tuple(x.shape[i - lead] if length == -1 else length
                                 for i, length in enumerate(shape)))


def squeeze(x: Tensor, dim: int | tuple | None = None) -> Tensor:
    """Without the dimensions of length 1, or without those named if their length is 1."""
    named = range(x.ndim) if dim is None else {
        normal_dim(d, x.ndim) for d in (dim if isinstance(dim, tuple) else (dim,))}
    return reshape(x, tuple(length for i, length in enumerate(x.shape)
                            if not (length == 1 and i in named)))


def unsqueeze(x: Any, dim: int) -> Any:
    """With a new dimension of length 1 at `dim`."""
    dim = normal_dim(dim, len(x.shape) + 1)
    return reshape(x, (*x.shape[:dim], 1, *x.shape[dim:]))


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim … end_dim joined into one."""
    if not x.shape:
        return reshape(x, (1,))
    start, end = normal_dim(start_dim, x.ndim), normal_dim(end_dim, x.ndim)
    joined = math.prod(x.shape[start:end + 1])
    return reshape(x, (*x.shape[:start], joined, *x.shape[end + 1:]))


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors one after the other along `dim`; all other lengths must agree."""
    tensors = list(tensors)
    if not tensors:
        raise ShapeError("cat needs at least one tensor")
    dim = normal_dim(dim, tensors[0].ndim)
    for tensor in tensors:
        if _without(tensor.shape, dim) != _without(tensors[0].shape, dim):
            raise ShapeError(f"cat along dimension {dim} cannot join shapes {tensors[0].shape} and "
                             f"{tensor.shape}; all other dimensions must be equal")
    return concatenate(dim, *tensors)


def _without(shape: tuple, dim: int) -> tuple:
    return len(shape), shape[:dim], shape[dim + 1:]


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new dimension `dim`."""
    tensors = list(tensors)
    for tensor in tensors:
        if tensor.shape != tensors[0].shape:
            raise ShapeError(f"stack needs equal shapes, not {tensors[0].shape} and "
                             f"{tensor.shape}")
    return cat([unsqueeze(tensor, dim) for tensor in tensors], dim)


def move(x: Tensor, device: str) -> Tensor:
    """x on `device`; the same tensor if it is there already."""
    return x if x.device == device else transfer(x, device, x.device)
