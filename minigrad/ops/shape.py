"""Operations that move elements without computing: shapes, views, selections, casts.

Each rule is the operation that moves them back, so most come in pairs:
broadcast_to ↔ sum_to, getitem ↔ scatter, cat ↔ getitem, gather_along ↔ scatter_along.
"""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

import numpy as np

from minigrad.backend import array_module, device_of, is_array, to_device
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError
from minigrad.ops.bounds import check_indices


def normal_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front; −1 is the last.

    Raises
    ------
    ShapeError : there is no such dimension.
    """
    if not -ndim <= dim < builtins.max(ndim, 1):
        raise ShapeError(f"dimension {dim} does not exist in a tensor with {ndim} dimension(s)")
    return dim % ndim if ndim else 0


# ---------------------------------------------------------- broadcasting and its undoing


@primitive(view=True)
def broadcast_to(x, shape):
    """x repeated to ``shape`` along new leading and length-1 dimensions."""
    try:
        return array_module(x).broadcast_to(x, shape)
    except ValueError:
        raise ShapeError(f"shape {tuple(x.shape)} cannot be broadcast to {tuple(shape)}; each "
                         f"dimension must be equal or 1, counted from the last") from None


@primitive
def sum_to(x, shape):
    """x summed over what broadcasting from ``shape`` would have repeated."""
    extra = x.ndim - len(shape)
    if extra:
        x = x.sum(axis=tuple(range(extra)))
    repeated = tuple(i for i, length in enumerate(shape) if length == 1 != x.shape[i])
    return x.sum(axis=repeated, keepdims=True) if repeated else x


broadcast_to.derivative(x=lambda g, x_shape: sum_to(g, x_shape))
sum_to.derivative(x=lambda g, x_shape: broadcast_to(g, x_shape))

# ------------------------------------------------------------------ the same elements


@primitive(view=True)
def reshape(x, shape):
    """The same elements in row-major order under another shape; one length may be −1."""
    try:
        return x.reshape(shape)
    except ValueError:
        raise ShapeError(f"reshape cannot turn shape {tuple(x.shape)} ({math.prod(x.shape)} "
                         f"elements) into {tuple(shape)}") from None


reshape.derivative(x=lambda g, x_shape: reshape(g, x_shape))


@primitive(view=True)
def permute(x, dims):
    """Dimensions in the order ``dims``."""
    if sorted(normal_dim(d, x.ndim) for d in dims) != list(range(x.ndim)):
        raise ShapeError(f"permute needs each of the {x.ndim} dimensions of shape "
                         f"{tuple(x.shape)} once, not {tuple(dims)}")
    return x.transpose(dims)


permute.derivative(x=lambda g, dims: permute(g, tuple(int(d) for d in np.argsort(
    [d % len(dims) for d in dims]))))


@primitive(view=True)
def matrix_transpose(x):
    """The last two dimensions exchanged: …×n×m to …×m×n."""
    if x.ndim < 2:
        raise ShapeError(f"a matrix has two dimensions or more, not shape {tuple(x.shape)}")
    return x.swapaxes(-1, -2)


matrix_transpose.derivative(x=lambda g: matrix_transpose(g))


@primitive
def cast(x, dtype):
    """x as another element type; the gradient is cast back."""
    return x.astype(dtype, copy=False)


cast.derivative(x=lambda g: g)        # the engine gives the gradient the type of its input


@primitive(view=True)
def flip(x, dims):
    """The order of elements reversed along ``dims``."""
    return array_module(x).flip(x, dims)


flip.derivative(x=lambda g, dims: flip(g, dims))

# ------------------------------------------------------------------------- selection


@primitive(view=True)
def select(x, index):
    """x[index] for slices, integers, None, ..., integer arrays and masks, as in NumPy."""
    if type(x) is not np.ndarray:
        index = _index_beside(x, index)
    try:
        return x[index]
    except IndexError as error:
        raise ShapeError(f"indexing a tensor of shape {tuple(x.shape)}: {error}") from None


@primitive
def scatter(x, index, shape):
    """Zeros of ``shape`` with x added at ``index``; positions named twice receive both."""
    xp = array_module(x)
    out = xp.zeros(shape, x.dtype)
    if type(x) is not np.ndarray:
        index = _index_beside(x, index)
    if _repeats(index):
        xp.add.at(out, index, x)
    else:
        out[index] = x
    return out


select.derivative(x=lambda g, index, x_shape: scatter(g, index, x_shape))
scatter.derivative(x=lambda g, index: select(g, index))


def _index_beside(x: Any, index: Any) -> Any:
    """The index with its host arrays on the device of x."""
    if isinstance(index, tuple):
        return tuple(_index_beside(x, part) for part in index)
    return to_device(index, device_of(x)) if isinstance(index, np.ndarray) else index


def _repeats(index: Any) -> bool:
    """Whether an index can name a position twice: only integer arrays can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(is_array(part) and part.dtype != bool for part in parts)


@primitive
def gather_along(x, indices, dim):
    """z[i, j] = x[i, indices[i, j]] for dim = 1, and so on: one element per index along dim."""
    try:
        return array_module(x).take_along_axis(x, indices, dim)
    except IndexError as error:
        raise ShapeError(f"gather from shape {tuple(x.shape)} along dimension {dim}: {error}"
                         ) from None


@primitive
def scatter_along(x, indices, dim, length):
    """Zeros with x added at ``indices`` along ``dim``, which becomes ``length`` long."""
    xp = array_module(x)
    shape = x.shape[:dim] + (length,) + x.shape[dim + 1:]
    out = xp.zeros(shape, x.dtype)
    grid = list(xp.ogrid[tuple(slice(n) for n in x.shape)])
    grid[dim] = indices
    xp.add.at(out, tuple(grid), x)
    return out


gather_along.derivative(
    x=lambda g, indices, dim, x_shape: scatter_along(g, indices, dim, x_shape[dim]),
)
scatter_along.derivative(x=lambda g, indices, dim: gather_along(g, indices, dim))

# --------------------------------------------------------------------------- joining


@primitive
def concatenate(dim, *xs):
    """Arrays one after the other along ``dim``."""
    return array_module(*xs).concatenate(xs, axis=dim)


concatenate.derivative(xs=lambda g, dim, xs_shape, position: select(
    g, _part(dim, xs_shape, position)))


def _part(dim: int, shapes: list, position: int) -> tuple:
    """The index of the part of a concatenation that came from array number ``position``."""
    start = builtins.sum(shape[dim] for shape in shapes[:position])
    return (slice(None),) * dim + (slice(start, start + shapes[position][dim]),)


# ---------------------------------------------------------------- public names around them


def plain_index(index: Any) -> Any:
    """An index with its Tensors replaced by their arrays."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Tensor):
        return index._array
    return np.asarray(index) if isinstance(index, list) else index


def integer_index(index: Any, name: str) -> Any:
    """An index for the operation ``name`` as an array of integers."""
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
    x : tensor of any shape.
    dim : the dimension that ``index`` chooses along.
    index : integers 0 … x.shape[dim] − 1, with as many dimensions as x; in the other dimensions
        it may be shorter than x, whose rest is left out then.

    Raises
    ------
    ShapeError : index is longer than x in another dimension, or an index does not exist.
    DTypeError : index does not hold integers.
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
    """The elements of x, counted in row-major order, at ``index``; the result has its shape.

    Raises
    ------
    ShapeError : an index does not exist.
    DTypeError : index does not hold integers.
    """
    return getitem(reshape(x, (-1,)), integer_index(index, "take"))


def split(x: Tensor, split_size: int | Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts of x along ``dim``, as views.

    Parameters
    ----------
    split_size : the length of every part (the last may be shorter), or a list of lengths that
        add up to that of x.

    Raises
    ------
    ShapeError : lengths that are negative or do not add up, or a size below 1.
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
    """x broadcast to ``shape``; −1 keeps a length."""
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
    """With a new dimension of length 1 at ``dim``."""
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
    """Tensors one after the other along ``dim``; all other lengths must agree."""
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
    """Tensors of one shape along a new dimension ``dim``."""
    tensors = list(tensors)
    for tensor in tensors:
        if tensor.shape != tensors[0].shape:
            raise ShapeError(f"stack needs equal shapes, not {tensors[0].shape} and "
                             f"{tensor.shape}")
    return cat([unsqueeze(tensor, dim) for tensor in tensors], dim)


@primitive
def transfer(x, device, origin):
    """x on another device; the gradient is brought back to ``origin``, where x is."""
    return to_device(x, device)


transfer.derivative(x=lambda g, device, origin: transfer(g, origin, device))


def move(x: Tensor, device: str) -> Tensor:
    """x on ``device``; the same tensor if it is there already."""
    return x if x.device == device else transfer(x, device, x.device)
