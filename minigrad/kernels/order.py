"""Elementwise work along memory, for libraries whose results are always in C order.

CuPy's kernels count through the result, which they lay out N×C×H×W. Images lie N×H×W×C: reading
them in that order uses four bytes of every 32 that memory brings, and the kernel that comes next
has to turn the result round. Elementwise operations do not care what dimensions are called, so
they are given views in which the dimensions come as they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.backend import is_cuda


def memory_order(array: Any) -> list[int] | None:
    """The dimensions from the outermost in memory to the innermost.

    None if that is how they come already, or if there are gaps between the elements.
    """
    if array.flags.c_contiguous:
        return None
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return order if array.transpose(order).flags.c_contiguous else None


def turned_back(array: Any, order: Sequence[int]) -> Any:
    """A view of an array with the dimensions `order`, with its dimensions as they were."""
    return array.transpose(sorted(range(len(order)), key=order.__getitem__))


def along_memory(function: Callable, *args: Any) -> Any:
    """`function(*args)`, which is elementwise, on views of its arrays as the largest one lies.

    For CUDA arrays, and numbers among them. A function that is given shapes or other tuples is
    called as it is, since those would not fit.
    """
    arrays = [value for value in args if is_cuda(value) and value.ndim]
    largest = max(arrays, key=_rank, default=None)
    order = None if largest is None else memory_order(largest)
    if order is None or any(isinstance(value, (tuple, list)) for value in args):
        return function(*args)
    return turned_back(function(*[_turned(value, order) for value in args]), order)


def _rank(array: Any) -> tuple[int, int, bool]:
    """Which of several arrays says how all are read: of equal ones, that which is turned round."""
    return array.ndim, array.size, not array.flags.c_contiguous


def _turned(value: Any, order: Sequence[int]) -> Any:
    """Arrays with all dimensions (missing ones have length 1) in another order."""
    rank = getattr(value, "ndim", 0)
    if not rank:
        return value
    return value.reshape((1,) * (len(order) - rank) + value.shape).transpose(order)
