"""Sums whose rounding error does not grow with the number of rows.

NumPy adds pairwise along the last dimension in memory only. Over leading dimensions it adds row
after row: the float32 mean of 20 million rows of 0.1 comes out as 0.105. Here rows are added in
blocks, the sums of blocks in blocks again, and so on, so an error grows with their logarithm only
(Higham, "The accuracy of floating point summation", 1993, section 3). float16 adds up in float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

BLOCK = 64          # rows that are added one after the other
WIDTH = 256         # shorter rows are taken several side by side, which is many times faster
SMALL = 1024        # elements of an array that NumPy adds up as well as this does

_add_up: Any = np.add.reduce        # what x.sum() calls


def sum_over(x: Any, dims: tuple[int, ...], keepdims: bool = False, dtype: Any = None) -> Any:
    """x.sum(dims), in the type of x; integers and truth values add up in int64.

    Parameters
    ----------
    dims : counted from the front.
    dtype : the type to add up in and to return.
    """
    kind = x.dtype.char
    if kind == "f" and dtype is None and x.size <= SMALL and type(x) is np.ndarray:
        return _add_up(x, dims, None, None, keepdims)     # the usual case, at once
    if dtype is None and x.dtype.kind in "biu":
        dtype = np.int64
    if type(x) is not np.ndarray or dtype is not None or kind not in "ef":
        return x.sum(axis=dims, keepdims=keepdims, dtype=dtype)
    return _sum_in_float32(x, dims, keepdims).astype(x.dtype, copy=False)


def mean_over(x: Any, dims: tuple[int, ...], keepdims: bool = False) -> Any:
    """x.mean(dims), in the type of x; the mean of integers is float64."""
    if type(x) is not np.ndarray or x.dtype.char not in "ef":
        return x.mean(axis=dims, keepdims=keepdims)
    if x.dtype.char == "f" and 0 < x.size <= SMALL:
        total = _add_up(x, dims, None, None, keepdims)
        return total / (x.size / total.size)
    count = math.prod([x.shape[d] for d in dims]) or math.nan
    return (_sum_in_float32(x, dims, keepdims) / count).astype(x.dtype, copy=False)


def _sum_in_float32(x: np.ndarray, dims: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """The float32 sum of a float32 or float16 array, block by block."""
    x = x.astype(np.float32, copy=False)
    order = sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    inner = x.ndim          # from this dimension in memory on, all are added up: pairwise, by NumPy
    while inner and order[inner - 1] in dims:
        inner -= 1
    outer = [d for d in order[:inner] if d in dims]
    if math.prod([x.shape[d] for d in outer]) <= BLOCK or not x.size:
        return np.asarray(x.sum(axis=dims, keepdims=keepdims))
    total = x.transpose(order).sum(axis=tuple(range(inner, x.ndim))) if inner < x.ndim \
        else x.transpose(order)
    names = order[:inner]
    for axis in reversed(range(inner)):
        if names[axis] not in dims:
            continue
        if axis and names[axis - 1] in dims and _adjacent(total, axis - 1):
            shape = total.shape     # one long dimension instead of two
            total = total.reshape(*shape[:axis - 1], shape[axis - 1] * shape[axis],
                                  *shape[axis + 1:])
        else:
            total = _sum_along(total, axis)
        del names[axis]
    total = total.transpose([names.index(d) for d in sorted(names)])
    if keepdims:
        total = total.reshape([1 if d in dims else n for d, n in enumerate(x.shape)])
    return np.asarray(total)


def _adjacent(x: np.ndarray, axis: int) -> bool:
    """Whether dimensions `axis` and `axis + 1` can be joined without a copy."""
    return x.strides[axis] == x.strides[axis + 1] * x.shape[axis + 1]


def _sum_along(x: np.ndarray, axis: int) -> np.ndarray:
    """The sum along one dimension, in blocks of blocks."""
    width, side_by_side = math.prod(x.shape[axis + 1:]), 1
    if width < WIDTH and x.shape[axis] > BLOCK:
        side_by_side = min(-(-WIDTH // max(1, width)), x.shape[axis] // 2)
    if side_by_side > 1 and x.shape[axis] >= 2 * side_by_side:
        parts, rest = _split(x, axis, side_by_side)
        return _added(_sum_in_blocks(_sum_in_blocks(parts, axis), axis), rest, axis)
    return _sum_in_blocks(x, axis)


def _sum_in_blocks(x: np.ndarray, axis: int) -> np.ndarray:
    while x.shape[axis] > BLOCK:
        blocks, rest = _split(x, axis, BLOCK)
        sums = blocks.sum(axis=axis + 1)
        if rest.shape[axis]:
            sums = np.concatenate([sums, rest.sum(axis=axis, keepdims=True)], axis=axis)
        x = sums
    return x.sum(axis=axis)


def _split(x: np.ndarray, axis: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A dimension as blocks of `length`, and what is left over; both are views."""
    before = (slice(None),) * axis
    whole = x.shape[axis] // length * length
    blocks = x[(*before, slice(whole))].reshape(*x.shape[:axis], whole // length, length,
                                                *x.shape[axis + 1:])
    return blocks, x[(*before, slice(whole, None))]


def _added(total: np.ndarray, rest: np.ndarray, axis: int) -> np.ndarray:
    return total + _sum_in_blocks(rest, axis) if rest.shape[axis] else total
