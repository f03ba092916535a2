"""The same values in every memory layout that an array can have.

A rule that reads memory instead of elements, such as `g.ravel(order="K")` or a kernel that ignores
strides, is right for one layout only. Upstream gradients come in all of them: `sum` broadcasts its
gradient (stride 0), a transposition passes a column-major one on, a slice leaves gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Layout = Callable[[np.ndarray], np.ndarray]


def row_major(array: np.ndarray) -> np.ndarray:
    """A fresh array, the last dimension innermost."""
    return np.array(array, order="C")


def column_major(array: np.ndarray) -> np.ndarray:
    """The first dimension innermost."""
    return np.array(array, order="F")


def negative_strides(array: np.ndarray) -> np.ndarray:
    """Every dimension runs backwards in memory."""
    return np.flip(np.flip(array).copy())


def with_gaps(array: np.ndarray) -> np.ndarray:
    """Not contiguous: NaN stands between the elements of the last dimension."""
    gaps = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)[..., ::2]
    gaps[...] = array
    return gaps


def inner_first(array: np.ndarray) -> np.ndarray:
    """The last dimension outermost, as in a batch of images whose channels are innermost."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, 0)), 0, -1)


def misaligned(array: np.ndarray) -> np.ndarray:
    """Elements at odd addresses."""
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    result = memory.view(array.dtype).reshape(array.shape)
    result[...] = array
    return result


def read_only(array: np.ndarray) -> np.ndarray:
    """Not writeable."""
    result = row_major(array)
    result.flags.writeable = False
    return result


LAYOUTS: dict[str, Layout] = {
    "not contiguous in memory": with_gaps, "column-major": column_major,
    "stored with negative strides": negative_strides, "stored last dimension first": inner_first,
    "misaligned": misaligned, "read-only": read_only}


def rearranged(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The array in each layout that differs from row-major for its shape."""
    if array.ndim == 0 or array.size == 0:
        return
    seen = {array.strides}
    for name, layout in LAYOUTS.items():
        result = layout(array)
        same = result.strides in seen and result.flags.aligned and result.flags.writeable
        if not same:
            seen.add(result.strides)
            yield name, result


def broadcast(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays of the same shape with stride 0 along every dimension, and along each one.

    Their values are those of the first element along that dimension.
    """
    if array.size < 2:
        return
    corner = array[(slice(0, 1),) * array.ndim]
    yield "broadcast (stride 0)", np.broadcast_to(corner, array.shape)
    if array.ndim > 1:
        for dim in range(array.ndim):
            if array.shape[dim] > 1:
                first = np.take(array, [0], axis=dim)
                yield f"broadcast along dimension {dim}", np.broadcast_to(first, array.shape)
