"""Elementwise work in memory order, for libraries whose results are always in C order.

CuPy's elementwise kernels iterate over the result, which they lay out in C order: N×C×H×W. Images
are N×H×W×C in memory. Reading them in the other order uses four bytes of every 32 that memory
delivers, and the next kernel has to transpose the result. An elementwise operation does not depend
on the order of dimensions, so it receives views whose dimensions are in memory order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.backend import is_cuda


def memory_order(array: Any) -> list[int] | None:
    """Dimensions by decreasing stride; None if they are in that order already, or have gaps."""
    if array.flags.c_contiguous:
        return None
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return order if array.transpose(order).flags.c_contiguous else None


def transposed_back(array: Any, order: Sequence[int]) -> Any:
    """Undo `x.transpose(order)`; returns a view."""
    return array.transpose(sorted(range(len(order)), key=order.__getitem__))


def along_memory(function: Callable, *args: Any) -> Any:
    """Call an elementwise function on views in the memory order of its largest array.

    This concerns CUDA arrays and numbers. If an argument is a tuple or a list, such as a shape,
    the function is called with its arguments unchanged, since their order would no longer match.
    """
    arrays = [value for value in args if is_cuda(value) and value.ndim]
    largest = max(arrays, key=_rank, default=None)
    order = None if largest is None else memory_order(largest)
    if order is None or any(isinstance(value, (tuple, list)) for value in args):
        return function(*args)
    return transposed_back(function(*[_transposed(value, order) for value in args]), order)


def _rank(array: Any) -> tuple[int, int, bool]:
    """Sort key: the largest array determines the order; among equals, one not in C order."""
    return array.ndim, array.size, not array.flags.c_contiguous


def _transposed(value: Any, order: Sequence[int]) -> Any:
    """Transpose an array after adding missing dimensions of length 1; return a number unchanged."""
    rank = getattr(value, "ndim", 0)
    if not rank:
        return value
    return value.reshape((1,) * (len(order) - rank) + value.shape).transpose(order)
