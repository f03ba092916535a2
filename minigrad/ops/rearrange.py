"""Joins, repetitions and other arrangements of whole tensors: compositions of views and joins."""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import is_whole, one_or_more, wholes
from minigrad.ops.questions import broadcast_shapes
from minigrad.ops.scan import counted, part
from minigrad.ops.shape import (
    broadcast_to,
    concatenate,
    flip,
    gather_along,
    normal_dim,
    permute,
    reshape,
    select,
    sum_to,
)
from minigrad.ops.shape_functions import (
    cat,
    expand,
    integer_index,
    stack,
    transpose,
    unsqueeze,
)
from minigrad.printable import shown

MAX_SELECTED = 10 ** 8      # slices that one call selects


# ------------------------------------------------------------------------------- joins


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with at least one dimension."""
    return _at_least(tensors, lambda x: x if x.ndim else reshape(x, (1,)))


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with at least two dimensions; a vector becomes a row."""
    return _at_least(tensors, lambda x: x if x.ndim > 1 else reshape(x, (1, -1)))


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with at least three dimensions: a vector 1×N×1, a matrix M×N×1."""
    return _at_least(tensors, lambda x: x if x.ndim > 2 else unsqueeze(x, 2) if x.ndim == 2
                     else reshape(x, (1, -1, 1)))


def _at_least(tensors: tuple, change: Any) -> Any:
    several = len(tensors) != 1 or isinstance(tensors[0], (tuple, list))
    group = tensors[0] if len(tensors) == 1 and several else tensors
    results = tuple(change(x) for x in group)
    return results if several else results[0]


def hstack(tensors: Any) -> Tensor:
    """Tensors side by side: joined along dimension 1, vectors along dimension 0."""
    xs = atleast_1d(list(tensors))
    return cat(xs, 0 if xs[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Tensors one below the other: joined along dimension 0, vectors as rows."""
    return cat(atleast_2d(list(tensors)), 0)


def dstack(tensors: Any) -> Tensor:
    """Tensors one behind the other: joined along dimension 2."""
    return cat(atleast_3d(list(tensors)), 2)


def column_stack(tensors: Any) -> Tensor:
    """Tensors side by side; vectors become columns."""
    return cat([x if x.ndim > 1 else reshape(x, (-1, 1)) for x in tensors], 1)


# ------------------------------------------------------------------------- repetitions


def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """x repeated as a whole, `sizes[i]` times along dimension i; new dimensions come first.

    Raises
    ------
    ShapeError
        Fewer numbers than dimensions, or a negative one.
    """
    times = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    if len(times) < input.ndim or builtins.min(times, default=0) < 0:
        raise ShapeError(f"repeat needs a number of at least 0 for each dimension of shape "
                         f"{input.shape}, not {times}")
    shape = (1,) * (len(times) - input.ndim) + input.shape
    doubled = tuple(n for length in shape for n in (1, length))
    wide = tuple(n for pair in zip(times, shape) for n in pair)
    return reshape(broadcast_to(reshape(input, doubled), wide),
                   tuple(n * length for n, length in zip(times, shape))).clone()


def tile(input: Tensor, *dims: Any) -> Tensor:
    """:func:`repeat`, where missing numbers in front count as 1."""
    times = tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, *,
                      output_size: int | None = None) -> Tensor:
    """Each slice of x along `dim` several times in a row.

    Parameters
    ----------
    repeats : int or Tensor of integers
        How often, for all slices or for each.
    dim : int, optional
        By default x counts as one row of elements.
    output_size : int, optional
        Accepted as in PyTorch; the sum of all repetitions.

    Raises
    ------
    ShapeError
        Not one number of at least 0 for each slice.
    ArgumentError
        A result of more than a hundred million slices.
    """
    if dim is None:
        input, dim = reshape(input, (-1,)), 0
    dim = normal_dim(dim, input.ndim)
    x = input if input.ndim else reshape(input, (1,))
    times = integer_index([repeats] if is_whole(repeats) else repeats, "repeat_interleave")
    counts = [int(n) for n in times.reshape(-1).tolist()]
    if len(counts) == 1:
        counts *= x.shape[dim]
    if len(counts) != x.shape[dim] or builtins.min(counts, default=0) < 0:
        raise ShapeError(f"repeat_interleave needs a number of at least 0 for each of the "
                         f"{x.shape[dim]} slices, not {shown(counts)}")
    if builtins.sum(counts) > MAX_SELECTED:
        raise ArgumentError(f"repeat_interleave makes at most {MAX_SELECTED} slices, not "
                            f"{builtins.sum(counts)}")
    places = np.repeat(np.arange(len(counts)), counts)
    return select(x, (slice(None),) * dim + (places if len(places) else slice(0),))


# -------------------------------------------------------------------------- movements


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """x shifted by `shifts` along `dims`; elements that leave at the end return at the start.

    Without `dims` x counts as one row of elements.
    """
    moves = one_or_more(shifts, "roll: a shift")
    places = () if dims is None else (dims,) if is_whole(dims) else tuple(dims)
    if not places and len(moves) == 1:
        return reshape(roll(reshape(input, (-1,)), moves[0], 0), input.shape)
    if not moves or len(moves) != len(places):
        raise ArgumentError(f"roll needs a shift for each dimension, not {shown(shifts)} for "
                            f"{shown(dims)}")
    if not input.ndim:
        raise ShapeError("roll along a dimension needs a tensor that has one, not shape ()")
    x = input.clone()
    for shift, dim in zip(moves, places):
        dim = normal_dim(dim, x.ndim)
        if x.shape[dim] and shift % x.shape[dim]:
            cut = -(shift % x.shape[dim])
            x = concatenate(dim, part(x, dim, cut, None), part(x, dim, None, cut))
    return x


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """x turned by k·90° from the first of two dimensions towards the second."""
    first, second = (normal_dim(d, input.ndim) for d in dims)
    if first == second:
        raise ArgumentError(f"rot90 turns in a plane of two dimensions, not in {dims}")
    if k % 4 == 1:
        return transpose(flip(input, (second,)), first, second).clone()
    if k % 4 == 2:
        return flip(input, (first, second)).clone()
    if k % 4 == 3:
        return flip(transpose(input, first, second), (second,)).clone()
    return input.clone()


def fliplr(input: Tensor) -> Tensor:
    """x with the order of its columns (dimension 1) reversed."""
    normal_dim(1, input.ndim)
    return flip(input, (1,)).clone()


def flipud(input: Tensor) -> Tensor:
    """x with the order of its rows (dimension 0) reversed."""
    if not input.ndim:
        raise ShapeError("flipud needs a tensor with rows, not a zero-dimensional one")
    return flip(input, (0,)).clone()


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """x with its dimensions `source` moved to `destination`; the others keep their order."""
    froms, tos = ([normal_dim(d, input.ndim) for d in ((v,) if is_whole(v) else v)]
                  for v in (source, destination))
    if len(set(froms)) != len(froms) or len(set(tos)) != len(tos) or len(froms) != len(tos):
        raise ArgumentError(f"movedim needs as many different dimensions to move to as from, not "
                            f"{source} and {destination}")
    others = iter(d for d in range(input.ndim) if d not in froms)
    at = dict(zip(tos, froms))
    return permute(input, tuple(at[d] if d in at else next(others) for d in range(input.ndim)))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape(input, (-1,))


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """A dimension split into several of these lengths; one may be −1."""
    dim = normal_dim(dim, input.ndim)
    sizes = list(wholes(sizes, "unflatten: a length"))
    if -1 in sizes:
        known = -math.prod(sizes)
        sizes[sizes.index(-1)] = input.shape[dim] // known if known else 0
    if math.prod(sizes) != input.shape[dim]:
        raise ShapeError(f"unflatten cannot split dimension {dim} of shape {input.shape} into "
                         f"{sizes}")
    return reshape(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1:]))


# ----------------------------------------------------------------------- broadcasting


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors broadcast against each other, as views."""
    shape = broadcast_shapes(*[x.shape for x in tensors])
    return tuple(broadcast_to(x, shape) for x in tensors)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """x broadcast to the shape of `other`."""
    return expand(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """x in the shape of `other`."""
    return reshape(input, other.shape)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """x summed over what broadcasting from this shape would have repeated."""
    shape = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    if len(shape) > input.ndim or broadcast_shapes(shape, input.shape) != input.shape:
        raise ShapeError(f"sum_to_size: {shape} does not broadcast to shape {input.shape}")
    return sum_to(input if input.ndim and shape == input.shape else counted(input), shape)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid: tensor i varies along dimension i only.

    With `indexing="xy"` the first varies along dimension 1 and the second along dimension 0.
    """
    xs = list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) \
        else list(tensors)
    if indexing not in ("ij", "xy") or builtins.any(x.ndim > 1 for x in xs):
        raise ArgumentError(f"meshgrid needs tensors of at most one dimension and an indexing of "
                            f"'ij' or 'xy', not shapes {[x.shape for x in xs]} and "
                            f"{shown(indexing)}")
    exchanged = indexing == "xy" and len(xs) > 1
    if exchanged:
        xs[:2] = xs[1::-1]
    lengths = tuple(x.numel() for x in xs)
    grids = [broadcast_to(reshape(x, (1,) * i + (-1,) + (1,) * (len(xs) - i - 1)), lengths)
             for i, x in enumerate(xs)]
    return tuple([grids[1], grids[0], *grids[2:]] if exchanged else grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element of each vector, as rows."""
    if len(tensors) == 1:
        return tensors[0].clone()
    return stack([reshape(grid, (-1,)) for grid in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All subsets of r elements of a vector, as rows; an element several times, if replaced.

    Raises
    ------
    ArgumentError
        A result of more than a hundred million elements.
    """
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    n = input.shape[0]
    rows = math.comb(builtins.max(n + r - 1, 0), r) if with_replacement else math.comb(n, r)
    if not rows or not r:
        return reshape(part(input, 0, 0, 0), (0,) * bool(not r) or (0, r))
    if rows * r > MAX_SELECTED:
        raise ArgumentError(f"combinations makes at most {MAX_SELECTED} elements, not {rows} rows "
                            f"of {r}")
    places = np.fromiter(itertools.chain.from_iterable(choose(range(n), r)), np.int64, rows * r)
    return reshape(select(input, places), (-1, r))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """x at `indices` along `dim`; both broadcast in all other dimensions.

    Without `dim` x counts as one row of elements.
    """
    if dim is None:
        input, indices, dim = reshape(input, (-1,)), reshape(indices, (-1,)), 0
    dim = normal_dim(dim, input.ndim)
    if input.ndim != indices.ndim:
        raise ShapeError(f"take_along_dim needs indices with as many dimensions as x, not "
                         f"shapes {indices.shape} and {input.shape}")
    def others(shape: tuple) -> tuple:
        return shape[:dim] + shape[dim + 1:]
    rest = broadcast_shapes(others(input.shape), others(indices.shape))
    def wide(x: Tensor) -> Tensor:
        return broadcast_to(x, (*rest[:dim], x.shape[dim], *rest[dim:]))
    return gather_along(wide(input), wide(indices), dim)
