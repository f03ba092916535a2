"""Sums of large arrays: on all cores, and in place where nobody can see it."""

from __future__ import annotations

import mmap
import sys
from typing import Any

import numpy as np

from . import memory, parallel

SMALLEST = 1 << 18      # elements; below, starting the threads costs more than they save


def accumulate(total: Any, term: Any) -> Any:
    """total + term for arrays of equal shape; written into ``total`` if only the caller has it.

    Whether anyone else refers to the array, or to a view of its memory, Python's reference
    counts tell. The caller holds it by one variable only (not in a container).
    """
    if type(total) is not np.ndarray or total.size < SMALLEST or total.shape != term.shape \
            or total.dtype != term.dtype:
        return total + term
    ours = sys.getrefcount(total) <= _REFERENCES and _owns_its_memory(total)
    order = np.argsort(total.strides)[::-1]     # outermost first: an image's channels come last
    left, right = total.transpose(order), term.transpose(order)
    result = left if ours else memory.empty(left.shape, total.dtype)
    if not (left.flags.c_contiguous and right.flags.c_contiguous):
        return np.add(total, term, out=total) if ours else total + term
    flat = [array.reshape(-1) for array in (left, right, result)]

    def work(start: int) -> None:
        part = slice(start, start + SMALLEST)
        np.add(flat[0][part], flat[1][part], out=flat[2][part])

    parallel.run(work, range(0, total.size, SMALLEST))
    return result.transpose(np.argsort(order))


def _owns_its_memory(array: np.ndarray) -> bool:
    """Whether no other array shows the memory of ``array``, which may itself be a view."""
    if not array.flags.writeable:
        return False
    root = array.base
    if root is None or type(root) is mmap.mmap:
        return True
    # A view: nobody but it (and the name and the argument here) may refer to what it shows.
    return type(root) is np.ndarray and sys.getrefcount(root) <= _ROOT_REFERENCES \
        and (root.base is None or type(root.base) is mmap.mmap)


def _count(array: np.ndarray) -> int:
    return sys.getrefcount(array)


def _measure() -> tuple[int, int]:
    """What the two counts above are for an array that nobody else has: versions differ."""
    total = np.zeros(1)
    references = _count(total)
    view = np.zeros((1, 1)).T
    root = view.base
    return references, sys.getrefcount(root)


_REFERENCES, _ROOT_REFERENCES = _measure()
