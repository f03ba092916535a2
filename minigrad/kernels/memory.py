"""Large result arrays in recycled memory.

Allocating a large array costs more than filling it, because the system provides zeroed pages one
by one. So kernels take their results from here. The memory of an array is recycled once the array
*and every view of it* are gone, which Python's reference counts show. An array that anything still
holds, such as a graph or a user's variable, is never overwritten.

The system provides memory in large segments (and pages only when they are touched). Arrays go to
the lowest free address with enough room, and adjacent free ranges are merged. So resident memory
stays close to the peak of what was in use at one time.

WebAssembly has no memory maps (its `mmap` module copies), and its memory is there from the moment
it is requested. Segments are then smaller, and of ordinary memory.
"""

from __future__ import annotations

import bisect
import os
import sys
import threading
import weakref
from contextlib import suppress
from typing import Any

import numpy as np

MIN_SIZE = 1 << 20           # bytes; below, NumPy's own allocator is as fast
_STEP = 1 << 16              # sizes are rounded up to a multiple of this

mmap: Any = None
if sys.platform not in ("emscripten", "wasi"):
    with suppress(ImportError):
        import mmap
MIN_SEGMENT = 1 << 28 if mmap else 1 << 24      # bytes to request from the system at a time

_Memory: Any = mmap.mmap if mmap else bytearray


class Pages(_Memory):
    """The memory of a segment. Arrays of other origin have nothing of this type at their root."""


def _pages(size: int) -> Pages:
    if not mmap:
        return Pages(size)
    private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
    try:
        pages = Pages(-1, size, flags=private) if private else Pages(-1, size)
    except OSError as error:            # NumPy raises MemoryError for this
        raise MemoryError(f"the system has no {size:,} bytes of memory left") from error
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages


class _Segment:
    """One stretch of memory and its free ranges [start, end), in order of address."""

    def __init__(self, size: int) -> None:
        self.memory = _pages(size)
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
        """Return a range and merge it with adjacent free ranges."""
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
        self.lock = threading.RLock()      # a finalizer may run while this thread holds it
        self.used = self.peak = 0          # bytes

    def take(self, size: int) -> tuple[_Segment, int]:
        with self.lock:
            self.used += size
            self.peak = max(self.peak, self.used)
            for segment in self.segments:
                start = segment.take(size)
                if start is not None:
                    return segment, start
            segment = _Segment(max(size, MIN_SEGMENT))
            self.segments.append(segment)
            return segment, segment.take(size) or 0

    def put(self, segment: _Segment, start: int, size: int) -> None:
        with self.lock:
            self.used -= size
            segment.put(start, size)

    def drop_unused(self) -> None:
        """Return segments that are entirely free to the system."""
        with self.lock:
            self.segments = [s for s in self.segments if s.free != [(0, s.size)]]


_arena = _Arena()
if hasattr(os, "register_at_fork"):      # another thread may hold the lock during the fork
    os.register_at_fork(after_in_child=lambda: setattr(_arena, "lock", threading.RLock()))


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array with undefined contents, like `np.empty`; large ones in recycled memory."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size < MIN_SIZE:
        return np.empty(shape, dtype)
    rounded = -(-size // _STEP) * _STEP
    segment, start = _arena.take(rounded)
    # The array does not own its memory, so its views refer to the array, not to the segment.
    array = np.ndarray(shape, dtype, buffer=segment.memory, offset=start)
    weakref.finalize(array, _arena.put, segment, start, rounded).atexit = False
    return array


def empty_like_kind(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """`empty` for NumPy; the allocator of `xp` for other libraries, which have their own pools."""
    return empty(shape, dtype) if xp is np else xp.empty(shape, dtype=dtype)


def release_unused() -> None:
    """Return memory that no array uses to the system."""
    _arena.drop_unused()


def used_bytes() -> int:
    """Memory of all live arrays, in bytes."""
    return _arena.used


def peak_bytes(reset: bool = False) -> int:
    """Peak memory since the last `reset`, in bytes."""
    peak = _arena.peak
    if reset:
        _arena.peak = _arena.used
    return peak


def reserved_bytes() -> int:
    """Memory requested from the system, touched or not, in bytes."""
    return sum(segment.size for segment in _arena.segments)
