"""Positions, counts and sets of elements: nothing here has a derivative."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from minigrad.backend import array_module, to_device
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.ops.shape import normal_dim
from minigrad.printable import shown


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not 0, N×dimensions, or one tensor per dimension."""
    xp = array_module(input._array)
    array = input._array if input.ndim else input._array.reshape(1)
    found = array.nonzero()
    if as_tuple:
        return tuple(wrap(part) for part in found)
    if not input.ndim:
        return wrap(xp.zeros((len(found[0]), 0), np.int64))
    return wrap(xp.stack(found, -1))


def argwhere(input: Tensor) -> Tensor:
    """The positions of the elements that are not 0, N×dimensions."""
    return nonzero(input)


def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False,
           return_counts: bool = False, dim: int | None = None) -> Any:
    """The different elements in order, or the different slices along `dim`.

    Parameters
    ----------
    sorted : bool
        Accepted as in PyTorch; the result is always sorted. Each NaN is an element of its own.
    return_inverse : bool
        Also return which of them each element is.
    return_counts : bool
        Also return how often each occurs.
    """
    xp = array_module(input._array)
    axis = None if dim is None else normal_dim(dim, input.ndim)
    values, inverse, counts = xp.unique(input._array, return_inverse=True, return_counts=True,
                                        axis=axis, equal_nan=False)
    inverse = inverse.reshape(input.shape if axis is None else -1)
    return _chosen(values, inverse, counts, return_inverse, return_counts)


def _chosen(values: Any, inverse: Any, counts: Any, return_inverse: bool, return_counts: bool
            ) -> Any:
    results = [wrap(values)] + [wrap(inverse.astype(np.int64))] * bool(return_inverse) \
        + [wrap(counts.astype(np.int64))] * bool(return_counts)
    return results[0] if len(results) == 1 else tuple(results)


def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:
    """The elements, or the slices along `dim`, that differ from the one before; see `unique`."""
    xp = array_module(input._array)
    axis = 0 if dim is None else normal_dim(dim, input.ndim)
    rows = input._array.reshape(-1) if dim is None or not input.ndim \
        else xp.moveaxis(input._array, axis, 0)
    n = rows.shape[0]
    starts = xp.ones(n, bool)
    if n:
        starts[1:] = (rows[1:] != rows[:-1]).any(axis=tuple(range(1, rows.ndim)))
    first = starts.nonzero()[0]
    inverse = starts.cumsum() - 1
    ends = xp.concatenate([first[1:], xp.asarray([n])]) if n else first
    values = xp.moveaxis(rows[first], 0, axis)
    inverse = inverse.reshape(input.shape) if dim is None else inverse
    return _chosen(values, inverse, ends - first, return_inverse, return_counts)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each whole number 0, 1, 2 … occurs in a vector, or the sum of their weights.

    Raises
    ------
    ArgumentError
        The vector holds negative numbers, or is not a vector.
    """
    if input.ndim != 1 or input.dtype.kind not in "iu":
        raise DTypeError(f"bincount needs a vector of integers, not {input.dtype} of shape "
                         f"{input.shape}")
    if minlength < 0 or (input.numel() and int(input._array.min()) < 0):
        raise ArgumentError("bincount counts whole numbers of at least 0")
    length = builtins.max(minlength, int(input._array.max()) + 1 if input.numel() else 0)
    xp = array_module(input._array)
    if weights is not None:
        if weights.shape != input.shape:
            raise ShapeError(f"bincount needs a weight for each element, not shapes "
                             f"{weights.shape} and {input.shape}")
        kind = weights.dtype if weights.dtype == np.float32 else np.dtype(np.float64)
        total = xp.zeros(length, kind)
        xp.add.at(total, input._array, weights._array.astype(kind))
        return wrap(total)
    total = xp.zeros(length, np.int64)
    xp.add.at(total, input._array, 1)
    return wrap(total)


def searchsorted(sorted_sequence: Tensor, input: Any, *, out_int32: bool = False,
                 right: bool = False, side: str | None = None, sorter: Tensor | None = None
                 ) -> Tensor:
    """Positions at which elements would be inserted into an ordered sequence.

    Parameters
    ----------
    sorted_sequence : Tensor, N or …×N
        In ascending order along the last dimension.
    input : Tensor …×M, or number
        For a sequence of several dimensions, with the same lengths except the last.
    right : bool
        Whether equal elements come before the position (`side="right"`) or after it (`"left"`).
    sorter : Tensor, optional
        The order that sorts the sequence, if it is not sorted.
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ArgumentError(f"searchsorted has the sides 'left' and 'right', not {shown(side)} "
                            f"with right={right}")
    xp = array_module(sorted_sequence._array)
    line = sorted_sequence._array
    if sorter is not None:
        line = xp.take_along_axis(line, sorter._array, -1)
    values = input._array if isinstance(input, Tensor) else xp.asarray(input)
    if values.dtype.kind not in "biuf":
        raise DTypeError(f"searchsorted looks for numbers, not for {shown(input)}")
    if line.ndim > 1 and (line.ndim != values.ndim or line.shape[:-1] != values.shape[:-1]):
        raise ShapeError(f"searchsorted needs equal lengths except the last, not shapes "
                         f"{line.shape} and {tuple(values.shape)}")
    after = "right" if right or side == "right" else "left"
    kind = np.int32 if out_int32 else np.int64
    if line.ndim == 1:
        return wrap(xp.asarray(xp.searchsorted(line, values, side=after)).astype(kind))
    result = xp.empty(values.shape, kind)
    for place in np.ndindex(line.shape[:-1]):
        result[place] = xp.searchsorted(line[place], values[place], side=after)
    return wrap(result)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
              ) -> Tensor:
    """The interval between ordered boundaries that each element lies in, see `searchsorted`."""
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of `bins` equal intervals from `min` to `max`.

    With min = max they reach from the smallest to the largest element. Elements outside do not
    count.

    Raises
    ------
    ArgumentError
        No interval, or limits that are not finite or the wrong way round.
    """
    if input.dtype.kind != "f":
        raise DTypeError(f"histc needs a float tensor, not {input.dtype}")
    low, high = float(min), float(max)
    if low == high and input.numel():
        low, high = float(input._array.min()), float(input._array.max())
    if low == high:
        low, high = low - 1, high + 1
    if bins < 1 or not (np.isfinite([low, high]).all() and low < high):
        raise ArgumentError(f"histc needs at least 1 interval between finite limits, not {bins} "
                            f"from {low} to {high}")
    xp = array_module(input._array)
    x = input._array.reshape(-1)
    x = x[(x >= low) & (x <= high)].astype(np.float64)
    place = xp.minimum(((x - low) * (bins / (high - low))).astype(np.int64), bins - 1)
    counts = xp.zeros(bins, np.int64)
    xp.add.at(counts, place, 1)
    return wrap(counts.astype(input.dtype))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """…×C: 1 at the place that each integer names, 0 elsewhere.

    Parameters
    ----------
    num_classes : int
        C; by default the largest number plus one.

    Raises
    ------
    ArgumentError
        A number that is negative or not below C.
    """
    if tensor.dtype.kind not in "iu":
        raise DTypeError(f"one_hot needs integers, not {tensor.dtype}")
    if not tensor.numel() and num_classes < 1:
        raise ArgumentError("one_hot of no elements needs num_classes")
    low, high = (int(tensor._array.min()), int(tensor._array.max())) if tensor.numel() else (0, -1)
    count = high + 1 if num_classes == -1 else num_classes
    if low < 0 or high >= count:
        raise ArgumentError(f"one_hot needs numbers of 0 … {count - 1}, not {low} … {high}")
    steps = to_device(np.arange(count), tensor.device)
    return wrap((tensor._array[..., None] == steps).astype(np.int64))
