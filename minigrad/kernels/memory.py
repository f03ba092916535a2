"""Large result arrays from memory that is used again.

A fresh large array costs more than filling it: the system hands out its pages one by one,
zeroed. So the kernels take results from here. The memory of an array comes back when the
array *and every view of it* are gone, which Python's reference counts tell; an array that
anyone still holds, be it a kept graph or a user, is never written over.

Memory is asked of the system in large segments (it gives pages only when they are
touched). Arrays are placed at the lowest free address that has room, and neighbouring free
ranges join again: so what is resident stays near the most that was ever in use at once.
"""

from __future__ import annotations

import bisect
import mmap
import os
import threading
import weakref
from typing import Any

import numpy as np

SMALLEST = 1 << 20           # bytes; below, NumPy's own allocator is as fast
SEGMENT = 1 << 28            # bytes asked of the system at a time, at least
_STEP = 1 << 16              # sizes are rounded up to this


class _Segment:
    """One stretch of memory and its free ranges [start, end), in order of address."""

    def __init__(self, size: int) -> None:
        private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
        try:
            self.memory = mmap.mmap(-1, size, flags=private) if private else mmap.mmap(-1, size)
        except OSError as error:            # what NumPy calls the same thing
            raise MemoryError(f"the system has no {size:,} bytes of memory left") from error
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        self.size = size
        self.free = [(0, size)]

    def take(self, size: int) -> int | None:
        """The lowest address with room for `size`, or None."""
        for k, (start, end) in enumerate(self.free):
            if end - start >= size:
                self.free[k:k + 1] = [(start + size, end)] if end - start > size else []
                return start
        return None

    def put(self, start: int, size: int) -> None:
        """Take back a range and join it with its free neighbours."""
        end = start + size
        k = bisect.bisect(self.free, (start, end))
        if k < len(self.free) and self.free[k][0] == end:
            end = self.free.pop(k)[1]
        if k and self.free[k - 1][1] == start:
            k -= 1
            start = self.free.pop(k)[0]
        self.free.insert(k, (start, end))


class _Arena:
    def __init__(self) -> None:
        self.segments: list[_Segment] = []
        self.lock = threading.RLock()      # a finaliser may run while this thread holds it
        self.used = self.peak = 0          # bytes

    def take(self, size: int) -> tuple[_Segment, int]:
        with self.lock:
            self.used += size
            self.peak = max(self.peak, self.used)
            for segment in self.segments:
                start = segment.take(size)
                if start is not None:
                    return segment, start
            segment = _Segment(max(size, SEGMENT))
            self.segments.append(segment)
            return segment, segment.take(size) or 0

    def put(self, segment: _Segment, start: int, size: int) -> None:
        with self.lock:
            self.used -= size
            segment.put(start, size)

    def drop_unused(self) -> None:
        """Give segments that are free as a whole back to the system."""
        with self.lock:
            self.segments = [s for s in self.segments if s.free != [(0, s.size)]]


_arena = _Arena()
if hasattr(os, "register_at_fork"):      # another thread may have held the lock at that moment
    os.register_at_fork(after_in_child=lambda: setattr(_arena, "lock", threading.RLock()))


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array with undefined contents, like `np.empty`; large ones in recycled memory."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    rounded = -(-size // _STEP) * _STEP
    segment, start = _arena.take(rounded)
    # The array does not own its memory, so views of it hold on to it, not to the segment.
    array = np.ndarray(shape, dtype, buffer=segment.memory, offset=start)
    weakref.finalize(array, _arena.put, segment, start, rounded).atexit = False
    return array


def empty_like_kind(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """`empty` for NumPy; other libraries have pools of their own."""
    return empty(shape, dtype) if xp is np else xp.empty(shape, dtype=dtype)


def release_unused() -> None:
    """Give memory that no array uses back to the system."""
    _arena.drop_unused()


def used_bytes() -> int:
    """How much memory the arrays that are alive take."""
    return _arena.used


def peak_bytes(reset: bool = False) -> int:
    """The most that was taken at one time since the last `reset`."""
    peak = _arena.peak
    if reset:
        _arena.peak = _arena.used
    return peak


def reserved_bytes() -> int:
    """How much memory has been asked of the system (touched or not)."""
    return sum(segment.size for segment in _arena.segments)
