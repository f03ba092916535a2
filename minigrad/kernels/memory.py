"""Large result arrays from memory that is used again.

A fresh large array costs more than filling it: the system hands out its pages one by one,
zeroed. So the kernels take results from here. The memory of an array goes back to the
shelf when the array *and every view of it* are gone, which Python's reference counts tell;
an array that anyone still holds, be it a kept graph or a user, is never written over.
"""

from __future__ import annotations

import mmap
import threading
import weakref
from typing import Any

import numpy as np

SMALLEST = 1 << 20           # bytes; below, NumPy's own allocator is as fast
_PAGE = 1 << 21              # sizes are rounded up to this, so that similar shapes share


class _Shelf:
    """Blocks of memory that nobody uses, by size."""

    def __init__(self) -> None:
        self.blocks: dict[int, list[mmap.mmap]] = {}
        self.lock = threading.RLock()      # a finaliser may run while this thread holds it

    def take(self, size: int) -> mmap.mmap:
        with self.lock:
            blocks = self.blocks.get(size)
            if blocks:
                return blocks.pop()
        block = mmap.mmap(-1, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            block.madvise(mmap.MADV_HUGEPAGE)
        return block

    def put(self, size: int, block: mmap.mmap) -> None:
        with self.lock:
            self.blocks.setdefault(size, []).append(block)

    def clear(self) -> None:
        with self.lock:
            self.blocks.clear()

    def total(self) -> int:
        with self.lock:
            return sum(size * len(blocks) for size, blocks in self.blocks.items())


_shelf = _Shelf()


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array with undefined contents, like ``np.empty``; large ones in recycled memory."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    rounded = -(-size // _PAGE) * _PAGE
    block = _shelf.take(rounded)
    # The array does not own its memory, so views of it hold on to it, not to the block.
    array = np.ndarray(shape, dtype, buffer=block)
    weakref.finalize(array, _shelf.put, rounded, block).atexit = False
    return array


def empty_like_kind(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """:func:`empty` for NumPy; other libraries have pools of their own."""
    return empty(shape, dtype) if xp is np else xp.empty(shape, dtype=dtype)


def release_unused() -> None:
    """Give the memory of recycled arrays that nobody uses back to the system."""
    _shelf.clear()


def unused_bytes() -> int:
    """How much memory waits to be used again."""
    return _shelf.total()
