"""Add up elements at given positions of an array: the adjoint of a selection.

`numpy.add.at` takes many times as long as an assignment. So elements are assigned where no
position occurs twice; where one does, they are sorted by position and added up first.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from minigrad.backend import array_module, is_array
from minigrad.kernels.layout import channels_first


def scattered(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with x added at `index`; positions named twice receive both."""
    xp = array_module(x)
    parts = index if isinstance(index, tuple) else (index,)
    may_repeat = any(is_array(part) and part.dtype != bool for part in parts)
    if may_repeat and xp is np and not any(map(_is_truth, parts)):
        return _by_position(x, parts, shape)
    out = xp.zeros(shape, x.dtype)
    if may_repeat:
        xp.add.at(out, index, x)
    else:
        out[index] = x
    return out


def _is_truth(part: Any) -> bool:
    """Whether part of an index is a single True or False, which stands for no dimension."""
    return isinstance(part, (bool, np.bool_)) or (
        isinstance(part, np.ndarray) and part.dtype == bool and not part.ndim)


def _zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros, with the channels innermost in memory if they can be an image."""
    if len(shape) != 4:
        return np.zeros(shape, dtype)
    n, c, h, w = shape
    return channels_first(np.zeros((n, h, w, c), dtype))


def _by_position(x: np.ndarray, parts: tuple, shape: tuple[int, ...]) -> np.ndarray:
    out = _zeros(shape, x.dtype)
    parts = _without_masks(parts)
    arrays, lengths, axis = _arrays(parts, shape)
    wrapped = np.broadcast_arrays(*[np.where(array < 0, array + length, array)
                                    for array, length in zip(arrays, lengths)])
    positions = np.ravel_multi_index([array.ravel() for array in wrapped], lengths)
    order = positions.argsort(kind="stable")
    ordered = positions[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    if len(first) >= len(positions):        # none occurs twice
        out[parts] = x
        return out
    dims = wrapped[0].ndim
    x = x.reshape(*x.shape[:axis], len(positions), *x.shape[axis + dims:])
    sums = np.add.reduceat(x[(slice(None),) * axis + (order,)], first, axis)
    once = iter([array.ravel()[order[first]] for array in wrapped])
    out[tuple(next(once) if isinstance(part, np.ndarray) else part for part in parts)] = sums
    return out


def _without_masks(parts: tuple) -> tuple:
    """An index in which each mask is replaced by the positions of its True elements."""
    pairs = (part.nonzero() if isinstance(part, np.ndarray) and part.dtype == bool else (part,)
             for part in parts)
    return tuple(itertools.chain.from_iterable(pairs))


def _arrays(parts: tuple, shape: tuple[int, ...]) -> tuple[list, tuple[int, ...], int]:
    """The arrays of an index, the lengths that they index, and the axis where they come out.

    NumPy puts their dimensions where they stand if all arrays and integers are adjacent, else in
    front.
    """
    rest = len(shape) - sum(part is not None and part is not Ellipsis for part in parts)
    arrays: list[np.ndarray] = []
    lengths: list[int] = []
    places: list[int] = []
    dim = axis = result = 0
    for place, part in enumerate(parts):
        if part is None or part is Ellipsis or isinstance(part, slice):
            steps = 1 if part is None or isinstance(part, slice) else rest
            result += steps
            dim += 0 if part is None else steps
            continue
        if not places:
            axis = result
        places.append(place)
        if isinstance(part, np.ndarray):
            arrays.append(part)
            lengths.append(shape[dim])
        dim += 1
    adjacent = places[-1] - places[0] == len(places) - 1
    return arrays, tuple(lengths), axis if adjacent else 0


def scattered_along(x: Any, indices: Any, dim: int, length: int, distinct: bool) -> Any:
    """Zeros with x added at `indices` along `dim`, which becomes `length` long.

    If the indices are `distinct` along it, elements are assigned.
    """
    xp = array_module(x)
    shape = (*x.shape[:dim], length, *x.shape[dim + 1:])
    if xp is np and not distinct and x.dtype.kind == "f":
        return _counted(x, indices, dim, shape)
    out = xp.zeros(shape, x.dtype)
    places = list(xp.ogrid[tuple(slice(n) for n in x.shape)])
    places[dim] = indices
    if distinct:
        out[tuple(places)] = x
    else:
        xp.add.at(out, tuple(places), x)
    return out


def _counted(x: np.ndarray, indices: np.ndarray, dim: int, shape: tuple[int, ...]) -> np.ndarray:
    """Add up by `bincount`, which adds in float64."""
    x, indices = np.moveaxis(x, dim, -1), np.moveaxis(indices, dim, -1)
    length = shape[dim]
    rows = np.arange(math.prod(x.shape[:-1])).reshape(*x.shape[:-1], 1)
    positions = np.where(indices < 0, indices + length, indices) + rows * length
    sums = np.bincount(positions.ravel(), x.ravel(), rows.size * length)
    return np.moveaxis(sums.astype(x.dtype).reshape(*x.shape[:-1], length), -1, dim)
