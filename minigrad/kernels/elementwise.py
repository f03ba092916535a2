"""Elementwise work on large arrays, on all cores; sums in place if nothing else holds the array."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel
from minigrad.kernels.addend import Addend, computed
from minigrad.kernels.order import memory_order, transposed_back
from minigrad.kernels.selection import kept

MIN_SIZE = 1 << 18      # elements; below, starting threads costs more than it saves


def accumulate(total: Any, term: Any) -> Any:
    """Return total + term for arrays of equal shape, in place if nothing else holds `total`.

    Python's reference counts show whether anything else refers to the array or to a view of its
    memory. The caller must hold it in exactly one variable (not in a container).
    """
    if type(total) is Addend:
        total = total.compute(None)
    if type(total) is not np.ndarray:
        in_place = sys.getrefcount(total) <= _REFERENCES and _owns_its_memory(total)
        return _accumulate_elsewhere(total, term, in_place)
    if total.size < MIN_SIZE or total.shape != term.shape or total.dtype != term.dtype:
        return total + term
    in_place = sys.getrefcount(total) <= _REFERENCES and _owns_its_memory(total)
    order = _memory_order(total)
    left, right = total.transpose(order), term.transpose(order)
    if not (left.flags.c_contiguous and right.flags.c_contiguous):
        return np.add(total, term, out=total) if in_place else total + term
    result = left if in_place else memory.empty(left.shape, total.dtype)
    _in_pieces(np.add, left, right, result)
    return _back(result, order)


def relu(x: Any) -> Any:
    """max(x, 0)."""
    xp = array_module(x)
    order = _memory_order(x) if _is_large(x) else None
    if order is None or not x.transpose(order).flags.c_contiguous:
        return xp.maximum(x, 0)
    result = memory.empty(x.transpose(order).shape, x.dtype)
    zeros = np.zeros(PIECE, x.dtype)        # NumPy is slower with the scalar 0
    _in_pieces(lambda part, out: np.maximum(part, zeros[:len(part)], out=out),
               x.transpose(order), result)
    return _back(result, order)


def where_positive(x: Any, like: Any) -> Any:
    """x where `like` > 0, zero elsewhere; equal shapes."""
    order = _memory_order(like) if _is_large(x) and x.shape == like.shape else None
    if order is None or x.dtype != like.dtype or not all(
            array.transpose(order).flags.c_contiguous for array in (x, like)):
        return kept(x, like > 0)
    result = memory.empty(like.transpose(order).shape, x.dtype)
    _in_pieces(lambda part, sign, out: kept(part, sign > 0, out),
               x.transpose(order), like.transpose(order), result)
    return _back(result, order)


PIECE = 1 << 16         # elements that a thread takes at a time: they stay in its cache


def _is_large(x: Any) -> bool:
    return type(x) is np.ndarray and x.size >= MIN_SIZE and x.dtype.kind == "f"


def _memory_order(array: np.ndarray) -> np.ndarray:
    """Dimensions by decreasing stride; an image's channels come last."""
    return np.argsort(array.strides, kind="stable")[::-1]


def _back(array: np.ndarray, order: np.ndarray) -> np.ndarray:
    return array.transpose(np.argsort(order))


def _in_pieces(function: Callable[..., Any], *arrays: np.ndarray) -> None:
    """Call `function` on pieces of contiguous arrays, on all threads; the last array is written."""
    flat = [array.reshape(-1) for array in arrays]

    def work(start: int) -> None:
        function(*(array[start:start + PIECE] for array in flat[:-1]),
                 out=flat[-1][start:start + PIECE])

    parallel.run(work, range(0, flat[0].size, PIECE))


def _accumulate_elsewhere(total: Any, term: Any, in_place: bool) -> Any:
    """Return total + term for arrays of another library, in the memory layout of `total`."""
    if type(term) is Addend and in_place:
        return term.compute(total)
    term = computed(term)
    if not total.ndim or total.shape != term.shape or total.dtype != term.dtype:
        return total + term
    order = memory_order(total) or range(total.ndim)
    left = total.transpose(order)
    right = array_module(total).ascontiguousarray(term.transpose(order))
    if in_place:
        left += right
        return total
    return transposed_back(left + right, order)


def _owns_its_memory(array: np.ndarray) -> bool:
    """Whether no other array shares the memory of `array`, which may itself be a view."""
    if type(array) is np.ndarray:
        if not array.flags.writeable:
            return False
    elif not array.flags.c_contiguous and memory_order(array) is None:
        return False            # a view with gaps, or with repeated elements
    root = array.base
    if root is None or type(root) is memory.Pages:
        return True
    # A view: only the view and the name `root` may refer to the array that owns the memory.
    return type(root) is type(array) and sys.getrefcount(root) <= _ROOT_REFERENCES \
        and (root.base is None or type(root.base) is memory.Pages)


def _count(array: np.ndarray) -> int:
    return sys.getrefcount(array)


def _measure() -> tuple[int, int]:
    """Both reference counts for an array that nothing else holds: Python versions differ."""
    total = np.zeros(1)
    references = _count(total)
    view = np.zeros((1, 1)).T
    root = view.base
    return references, sys.getrefcount(root)


_REFERENCES, _ROOT_REFERENCES = _measure()
