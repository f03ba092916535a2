"""Sums of large arrays, on all cores and into recycled memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import memory, parallel

SMALLEST = 1 << 18      # elements; below, starting the threads costs more than they save


def add(a: Any, b: Any) -> Any:
    """a + b for arrays of equal shape."""
    if type(a) is not np.ndarray or a.size < SMALLEST or a.strides != b.strides \
            or a.dtype != b.dtype or a.shape != b.shape:
        return a + b
    order = np.argsort(a.strides)[::-1]         # outermost first: an image's channels come last
    left, right = a.transpose(order), b.transpose(order)
    if not left.flags.c_contiguous:
        return a + b
    total = memory.empty(left.shape, a.dtype)
    flat = [array.reshape(-1) for array in (left, right, total)]

    def work(start: int) -> None:
        part = slice(start, start + SMALLEST)
        np.add(flat[0][part], flat[1][part], out=flat[2][part])

    parallel.run(work, range(0, a.size, SMALLEST))
    return total.transpose(np.argsort(order))
