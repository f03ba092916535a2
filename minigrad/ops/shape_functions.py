"""Public functions on shapes and indices, composed of the primitives in :mod:`.shape`."""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

import numpy as np

from minigrad.backend import is_array, to_device
from minigrad.core.tensor import Tensor
from minigrad.dtypes import result_type
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels.arguments import is_whole, wholes
from minigrad.ops.bounds import check_indices
from minigrad.ops.shape import (
    broadcast_to,
    cast,
    concatenate,
    gather_along,
    normal_dim,
    permute,
    reshape,
    select,
    transfer,
)


def plain_index(index: Any) -> Any:
    """An index with its Tensors and lists replaced by arrays; a single integer is a number."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, list):
        array = np.asarray(index)
        return array if array.size else array.astype(np.int64)
    array = index._array if isinstance(index, Tensor) else index
    return int(array) if not getattr(array, "shape", True) and array.dtype.kind in "iu" else array


def integer_index(index: Any, name: str) -> Any:
    """`index` as an array of integers; the error names the operation `name`."""
    index = plain_index(index)
    index = index if is_array(index) else np.asarray(index)
    if index.dtype.kind not in "iu":
        raise DTypeError(f"{name} needs integers as index, not {index.dtype}")
    return index


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index]; the index may contain integer and bool Tensors.

    As in PyTorch, numbers are applied before lists and arrays: `x[0, :, [1, 2]]` is
    `x[0][:, [1, 2]]`.
    """
    for part in in_steps(plain_index(index), x.ndim):
        check_indices(x, part)
        x = select(x, part)
    return x


def in_steps(index: Any, ndim: int) -> list[Any]:
    """A plain index as one, or as two to apply in turn: first its numbers, then its arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    mixed = builtins.any(is_array(part) for part in parts) and builtins.any(
        isinstance(part, int) and not isinstance(part, bool) for part in parts)
    if not mixed:
        return [index]
    used = builtins.sum(_width(part) for part in parts)
    first: list[Any] = []
    second: list[Any] = []
    for part in parts:
        if isinstance(part, int):
            first.append(part)
        elif is_array(part):
            first += [slice(None)] * _width(part)
            second.append(part)
        elif part is Ellipsis:
            first += [slice(None)] * (ndim - used)
            second += [slice(None)] * (ndim - used)
        else:
            first.append(part)
            second.append(slice(None))
    return [tuple(first), tuple(second)]


def _width(part: Any) -> int:
    """The number of dimensions of the indexed array that one part of an index stands for."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if is_array(part) and part.dtype.kind == "b" else 1


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
    if not index.size:
        return reshape(getitem(reshape(x, (-1,)), slice(0)), index.shape)
    if not x.ndim and index.ndim < 2:       # one element, taken once or more often
        return reshape(getitem(reshape(x, (1,)), index.reshape(-1)), index.shape)
    shorter = [d for d in range(builtins.min(x.ndim, index.ndim))
               if d != dim and index.shape[d] != x.shape[d]]
    if index.ndim != x.ndim or builtins.any(index.shape[d] > x.shape[d] for d in shorter):
        raise ShapeError(f"gather along dimension {dim} of shape {tuple(x.shape)} needs an index "
                         f"with as many dimensions, none longer, not {tuple(index.shape)}")
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


def split(x: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
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
    if is_whole(split_size):
        if split_size < 1:
            raise ShapeError(f"split needs parts of at least 1, not {split_size}")
        sizes = [builtins.min(split_size, length - start)
                 for start in range(0, builtins.max(length, 1), split_size)]
    else:
        sizes = list(wholes(split_size, "split: a length"))
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
    if not dims:
        return permute(x, ())
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return permute(x, tuple(dims))


def expand(x: Tensor, shape: tuple) -> Tensor:
    """x broadcast to `shape`; −1 keeps a length.

    Raises
    ------
    ShapeError
        Lengths that x cannot be broadcast to, or −1 for a new dimension.
    """
    lead = len(shape) - x.ndim
    if -1 in shape[:builtins.max(lead, 0)]:
        raise ShapeError(f"expand of shape {tuple(x.shape)} to {tuple(shape)}: −1 keeps a length, "
                         f"but a new dimension in front has none to keep")
    lengths = tuple(x.shape[i - lead] if length == -1 else length
                    for i, length in enumerate(shape))
    return reshape(x, lengths) if lengths == x.shape else broadcast_to(x, lengths)


def squeeze(x: Tensor, dim: int | tuple | None = None) -> Tensor:
    """x without the dimensions of length 1, or without those named if their length is 1."""
    named = range(x.ndim) if dim is None else {
        normal_dim(d, x.ndim) for d in (dim if isinstance(dim, tuple) else (dim,))}
    return reshape(x, tuple(length for i, length in enumerate(x.shape)
                            if not (length == 1 and i in named)))


def unsqueeze(x: Any, dim: int) -> Any:
    """x with a new dimension of length 1 at `dim`."""
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
    """Tensors one after the other along `dim`; all other lengths must agree.

    A tensor of shape (0,) fits all others, as in PyTorch.
    """
    tensors = list(tensors)
    if not tensors:
        raise ShapeError("cat needs at least one tensor")
    if not builtins.min(tensor.ndim for tensor in tensors):
        raise ShapeError("cat needs tensors with dimensions; use stack for single numbers")
    if len({tensor.dtype for tensor in tensors}) > 1:
        common = result_type(*[tensor.data for tensor in tensors])
        tensors = [cast(tensor, common) for tensor in tensors]
    tensors = [tensor for tensor in tensors if tensor.shape != (0,)] or tensors
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
    if not tensors:
        raise ShapeError("stack needs at least one tensor")
    for tensor in tensors:
        if tensor.shape != tensors[0].shape:
            raise ShapeError(f"stack needs equal shapes, not {tensors[0].shape} and "
                             f"{tensor.shape}")
    return cat([unsqueeze(tensor, dim) for tensor in tensors], dim)


def move(x: Tensor, device: str) -> Tensor:
    """x on `device`; the same tensor if it is there already."""
    return x if x.device == device else transfer(x, device, x.device)
