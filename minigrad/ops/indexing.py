"""Results that differ from a tensor in chosen elements: by mask, by index, by position along a
dimension. None of them changes its input; what is replaced gets no gradient.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.ops.arithmetic import equal, where
from minigrad.ops.bounds import check_indices
from minigrad.ops.diagonals import replaced, zeroed
from minigrad.ops.questions import broadcast_shapes
from minigrad.ops.shape import (
    broadcast_to,
    cast,
    normal_dim,
    reshape,
    scatter,
    scatter_along,
    select,
)
from minigrad.ops.shape_functions import getitem, integer_index, plain_index
from minigrad.printable import shown

# ------------------------------------------------------------------------------ by mask


def _mask(mask: Tensor, name: str) -> Any:
    if mask.dtype.kind != "b":
        raise DTypeError(f"{name} needs a mask of bool, not {mask.dtype}; compare, as in x > 0")
    return mask


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with `value` where the mask is True; both broadcast."""
    mask = _mask(mask, "masked_fill")
    if isinstance(value, Tensor) and value.ndim:
        raise ShapeError(f"masked_fill needs a number as value, not shape {value.shape}")
    complex_value = value.dtype.kind == "c" if isinstance(value, Tensor) \
        else isinstance(value, complex)
    if complex_value and input.dtype.kind != "c":
        raise DTypeError(f"masked_fill cannot write a complex number into a {input.dtype} tensor")
    if isinstance(value, Tensor):
        value = value.to(input.dtype)
    filled = where(mask, value, input)
    return filled if filled.dtype == input.dtype else cast(filled, input.dtype)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is True, in row-major order; both broadcast."""
    shape = broadcast_shapes(input.shape, mask.shape)
    chosen = broadcast_to(_mask(mask, "masked_select").detach(), shape)
    return select(reshape(broadcast_to(input, shape), (-1,)), reshape(chosen, (-1,))._array)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """x with the first elements of `source`, one after the other, where the mask is True.

    Raises
    ------
    ShapeError
        The source has fewer elements than the mask has True ones.
    """
    shape = broadcast_shapes(input.shape, mask.shape)
    x = broadcast_to(input, shape)
    chosen = reshape(broadcast_to(_mask(mask, "masked_scatter").detach(), shape), (-1,))._array
    count = int(chosen.sum())
    if count > source.numel():
        raise ShapeError(f"masked_scatter needs {count} elements, but the source of shape "
                         f"{source.shape} has {source.numel()}")
    first = select(reshape(source, (-1,)), slice(count))
    return reshape(replaced(reshape(x, (-1,)), first, chosen), shape)


# ------------------------------------------------------------- by position along a dimension


def _along(x: Tensor, dim: int, index: Any, name: str) -> tuple[int, tuple]:
    """The dimension from the front, and the index of the slices of x at `index`."""
    dim = normal_dim(dim, x.ndim)
    places = integer_index(index, name)
    if places.ndim > 1:
        raise ShapeError(f"{name} needs an index of one dimension, not of shape {places.shape}")
    places = places.reshape(-1)
    length = x.shape[dim] if x.ndim else 1
    if places.size and not (-length <= int(places.min()) and int(places.max()) < length):
        raise ShapeError(f"{name}: the index has {int(places.min())} … {int(places.max())}, but "
                         f"dimension {dim} of shape {x.shape} has the length {length}")
    return dim, (slice(None),) * dim + (places,)


def _rows(x: Tensor) -> Tensor:
    return x if x.ndim else reshape(x, (1,))


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of x at `index` along `dim`."""
    _, places = _along(input, dim, index, "index_select")
    taken = select(_rows(input), places)
    return taken if input.ndim else reshape(taken, ())


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """x with `value` in the slices at `index` along `dim`."""
    _, places = _along(input, dim, index, "index_fill")
    x = _rows(input)
    xp = array_module(x._array)
    marked = xp.zeros(x.shape, bool)
    marked[places] = True
    return reshape(masked_fill(x, wrap(marked), value), input.shape)


def _values(x: Tensor, source: Tensor, places: tuple, name: str) -> Tensor:
    """The source in the shape of the slices of x that it is for."""
    if source.dtype != x.dtype:
        raise DTypeError(f"{name} needs a source of x's type {x.dtype}, not {source.dtype}")
    shape = list(x.shape)
    shape[len(places) - 1] = len(places[-1])
    if math.prod(shape) != source.numel() or (source.ndim and list(source.shape) != shape):
        raise ShapeError(f"{name} needs a source of shape {tuple(shape)}, not {source.shape}")
    return reshape(source, tuple(shape))


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
              ) -> Tensor:
    """x with α·source added to the slices at `index` along `dim`; those named twice get both."""
    _, places = _along(input, dim, index, "index_add")
    x = _rows(input)
    values = _values(x, source, places, "index_add")
    added = scatter(values if alpha == 1 else cast(alpha * values, x.dtype), places, x.shape)
    return reshape(x + added, input.shape)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """x with the slices at `index` along `dim` replaced by those of `source`."""
    _, places = _along(input, dim, index, "index_copy")
    x = _rows(input)
    return reshape(replaced(x, _values(x, source, places, "index_copy"), places), input.shape)


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """x with `values` at x[indices], or with `accumulate` added there."""
    index = tuple(slice(None) if i is None else plain_index(i) for i in indices)
    check_indices(input, index)
    wanted = getitem(input.detach(), index).shape
    values = broadcast_to(values, wanted)
    if accumulate:
        return input + scatter(values, index, input.shape)
    return replaced(input, values, index)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """x with the elements at `index`, counted in row-major order, replaced by (or, with
    `accumulate`, increased by) those of `source`.
    """
    flat = reshape(input, (-1,))
    places = integer_index(index, "put").reshape(-1)
    return reshape(index_put(flat, (places,), reshape(source, (-1,)), accumulate), input.shape)


# -------------------------------------------------------------------- by element: scatter


def _part_of(x: Tensor, dim: int, index: Any, src: Any, name: str) -> tuple[int, Any, Tensor]:
    """The dimension, the index, and the source cut to the index's shape."""
    dim, places = normal_dim(dim, x.ndim), integer_index(index, name)
    rows = places.reshape(1) if not places.ndim else places
    source = src if isinstance(src, Tensor) else wrap(
        array_module(x._array).full(rows.shape, src, dtype=x.dtype))
    if source.dtype != x.dtype:
        raise DTypeError(f"{name} needs a source of x's type {x.dtype}, not {source.dtype}")
    source, shape = _rows(source), _rows(x).shape
    if not rows.size:
        return dim, rows, source
    if rows.ndim != len(shape) or rows.ndim != source.ndim or builtins.any(
            n > source.shape[d] or (d != dim and n > shape[d]) for d, n in enumerate(rows.shape)):
        raise ShapeError(f"{name} along dimension {dim} needs an index with as many dimensions as "
                         f"x {x.shape} and the source {source.shape}, none longer, not "
                         f"{tuple(places.shape)}")
    if int(rows.min()) < 0 or int(rows.max()) >= shape[dim]:
        raise ShapeError(f"{name}: the index has {int(rows.min())} … {int(rows.max())}, but "
                         f"dimension {dim} of shape {x.shape} has the length {shape[dim]}")
    return dim, rows, select(source, tuple(slice(n) for n in rows.shape))


def _places(xp: Any, rows: Any, dim: int) -> tuple:
    """An index with the places of all elements that `rows` names along `dim`."""
    grid = list(xp.ogrid[tuple(slice(n) for n in rows.shape)])
    grid[dim] = rows
    return tuple(xp.broadcast_to(part, rows.shape) for part in grid)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """x with each element of `src` added at its index along `dim`; adjoint of :func:`gather`."""
    dim, rows, source = _part_of(input, dim, index, src, "scatter_add")
    if not rows.size:
        return input.clone()
    x = _rows(input)
    padded = scatter_along(source, rows, dim, x.shape[dim])
    area = tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(rows.shape))
    return reshape(x + scatter(padded, area, x.shape), input.shape)


def scatter_values(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
                   reduce: str | None = None) -> Tensor:
    """x with each element of `src` at its index along `dim`: z[i, index[i, j]] = src[i, j].

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The dimension along which the index counts.
    index : Tensor of integers
        With as many dimensions as x and `src`: in no dimension longer than `src`, and longer than x
        in `dim` at most.
    src : Tensor or number
        The values; `value` is another name for a number.
    reduce : str, optional
        `"add"` or `"multiply"` x's elements instead of replacing them.
    """
    src = value if src is None else src
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise ArgumentError(f"scatter can 'add' or 'multiply', not {shown(reduce)}")
        return scatter_reduce(input, dim, index, src, {"add": "sum", "multiply": "prod"}[reduce])
    dim, rows, source = _part_of(input, dim, index, src, "scatter")
    if not rows.size:
        return input.clone()
    x = _rows(input)
    places = _places(array_module(rows), rows, dim)
    # Of several elements for one place the last one stays, and only that one has a gradient.
    order = last_named(places, x.shape)
    if order is not None:
        places = tuple(part.reshape(-1)[order] for part in places)
        source = select(reshape(source, (-1,)), order)
    return reshape(zeroed(x, places) + scatter(source, places, x.shape), input.shape)


def flat_places(places: tuple, shape: tuple) -> Any:
    """The places of an index, counted in row-major order."""
    flat: Any = 0
    for part, length in zip(places, shape):
        flat = flat * length + part
    return flat.reshape(-1)


def last_named(places: tuple, shape: tuple) -> Any:
    """Which elements of an index are the last for their place; None if all are."""
    xp = array_module(*places)
    flat = flat_places(places, shape)
    last = xp.zeros(math.prod(shape), np.int64)
    xp.maximum.at(last, flat, xp.arange(flat.size))
    kept = last[flat] == xp.arange(flat.size)
    return None if bool(kept.all()) else kept.nonzero()[0]


# ---------------------------------------------------------------- several into one place


def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Any, reduce: str, *,
                   include_self: bool = True) -> Tensor:
    """x with all elements of `src` for one place, and x's own, combined into one.

    Parameters
    ----------
    input, dim, index, src :
        See :func:`scatter`.
    reduce : str
        `"sum"`, `"prod"`, `"mean"`, `"amax"` or `"amin"`.
    include_self : bool
        Whether x's own element takes part where others are combined.

    Raises
    ------
    ArgumentError
        An unknown `reduce`.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ArgumentError(f"scatter_reduce combines by sum, prod, mean, amax or amin, not by "
                            f"{shown(reduce)}")
    dim, rows, source = _part_of(input, dim, index, src, "scatter_reduce")
    if not rows.size:
        return input.clone()
    x = _rows(input)
    places = _places(array_module(rows), rows, dim)
    return reshape(_combined(x, places, source, reduce, include_self), input.shape)


def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
                 include_self: bool = True) -> Tensor:
    """x with all slices of `source` for one position along `dim`, and x's own, combined.

    Parameters are those of :func:`index_add` and :func:`scatter_reduce`.
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ArgumentError(f"index_reduce combines by prod, mean, amax or amin, not by "
                            f"{shown(reduce)}")
    dim, places = _along(input, dim, index, "index_reduce")
    x = _rows(input)
    values = _values(x, source, places, "index_reduce")
    xp = array_module(x._array)
    grid = list(xp.ogrid[tuple(slice(n) for n in values.shape)])
    grid[dim] = places[-1].reshape((-1,) + (1,) * (x.ndim - dim - 1))
    full = tuple(xp.broadcast_to(part, values.shape) for part in grid)
    return reshape(_combined(x, full, values, reduce, include_self), input.shape)


def _combined(x: Tensor, places: tuple, source: Tensor, reduce: str, include_self: bool) -> Tensor:
    """x with the elements of `source` combined with its own at `places`."""
    xp = array_module(x._array)
    own = x if include_self else zeroed(x, places)
    if reduce == "sum":
        return own + scatter(source, places, x.shape)
    named = xp.zeros(x.shape, np.int64)
    xp.add.at(named, places, 1)
    if reduce == "mean":
        total = own + scatter(source, places, x.shape)
        count = wrap(xp.maximum(named + (1 if include_self else named == 0), 1))
        if x.dtype.kind == "f":
            return total / cast(count, x.dtype)
        return wrap((total._array // count._array).astype(x.dtype))
    # Each round takes one element for every place.
    hit, result = wrap(named > 0), x
    if not include_self:
        result = where(hit, _neutral(reduce, x.dtype), x)
    if reduce == "prod":
        for order, spots in _rounds(xp, places, x.shape):
            factor = zeroed(wrap(xp.ones(x.shape, x.dtype)), spots)
            taken = select(reshape(source, (-1,)), order)
            result = result * (factor + scatter(taken, spots, x.shape))
        return cast(result, x.dtype)
    return _extreme(x, places, source, reduce, include_self, hit)


def _neutral(reduce: str, dtype: np.dtype) -> Any:
    """The neutral element: 1 for a product, the largest number for a minimum."""
    if reduce == "prod":
        return True if dtype.kind == "b" else 1
    if dtype.kind == "f":
        return -math.inf if reduce == "amax" else math.inf
    if dtype.kind == "b":
        return reduce == "amin"
    info = np.iinfo(dtype)
    return int(info.min if reduce == "amax" else info.max)


def _rounds(xp: Any, places: tuple, shape: tuple) -> Any:
    """The elements of an index in rounds in which no place is named twice."""
    flat = flat_places(places, shape)
    remaining = xp.arange(flat.size)
    parts = [part.reshape(-1) for part in places]
    while remaining.size:
        last = xp.zeros(math.prod(shape), np.int64)
        xp.maximum.at(last, flat[remaining], remaining)
        now = last[flat[remaining]] == remaining
        order = remaining[now]
        yield order, tuple(part[order] for part in parts)
        remaining = remaining[~now]


def _extreme(x: Tensor, places: tuple, source: Tensor, reduce: str, include_self: bool,
             hit: Tensor) -> Tensor:
    """The largest or smallest of all elements for a place; equal ones share the gradient evenly."""
    xp = array_module(x._array)
    best = where(hit, _neutral(reduce, x.dtype), x.detach())._array.astype(x.dtype) \
        if not include_self else x._array.copy()
    (xp.maximum if reduce == "amax" else xp.minimum).at(best, places, source._array)
    extreme = wrap(best)
    if x.dtype.kind != "f":
        return extreme
    ours = equal(x, extreme) if include_self else equal(hit, False)
    theirs = equal(source, select(extreme, places))
    winners = cast(ours, x.dtype) + scatter(cast(theirs, x.dtype), places, x.shape)
    total = where(ours, x, 0.0) + scatter(where(theirs, source, 0.0), places, x.shape)
    mean = total / winners
    # The value exactly, with the gradient of the mean of all winners.
    return mean + where(equal(mean, mean), extreme - mean.detach(), 0.0)
