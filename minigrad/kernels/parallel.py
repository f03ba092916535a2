"""All cores: pieces of one job on a pool of threads, with one BLAS thread each.

NumPy lets go of Python's lock inside its loops, so threads run side by side as long as
each call has enough to do. Which thread takes which piece is left to chance; what a piece
computes is not, so results are the same from run to run.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import ArgumentError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Blas:
    """The threads of BLAS itself.

    threadpoolctl finds the libraries, but its limits belong to the first Python thread that sets
    one, and are ignored from all others. Ours may be set from any: they are always the same.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController
        self.libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        self.lock = threading.Lock()
        self.at_work = 0                # who wants one thread now
        self.before: list[int] = []

    def set(self, counts: Iterable[int]) -> None:
        for library, count in zip(self.libraries, counts):
            # The library's function without threadpoolctl's question who may call it.
            getattr(library, "_real_set_num_threads", library.set_num_threads)(count)

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """One thread until the last of those who asked for it is done."""
        ones = itertools.repeat(1)
        with self.lock:
            if self.at_work == 0:
                self.before = [library.get_num_threads() for library in self.libraries]
            self.at_work += 1
            self.set(ones)              # with OpenMP every thread has a number of its own
        try:
            yield
        finally:
            with self.lock:
                self.at_work -= 1
                if self.at_work == 0:
                    self.set(self.before)


def _blas() -> _Blas | None:
    """BLAS, or None if there is no threadpoolctl: then BLAS has its threads, and ours are one."""
    try:
        return _Blas()
    except ImportError:
        return None


class _Pool:
    """The worker threads, made (and their libraries imported) when they are first needed."""

    def __init__(self) -> None:
        self.threads = int(os.environ.get("MINIGRAD_NUM_THREADS", 0)) or available_cores()
        self.executor: ThreadPoolExecutor | None = None
        self.blas = _blas()
        self.lock = threading.Lock()

    def workers(self) -> ThreadPoolExecutor:
        with self.lock:
            if self.executor is None:
                from concurrent.futures import ThreadPoolExecutor
                self.executor = ThreadPoolExecutor(self.threads - 1, "minigrad")
            return self.executor


_pool: _Pool | None = None
_inside = threading.local()      # a piece must not start pieces of its own


def _forget_pool() -> None:
    """In a forked child the pool's threads do not exist: it makes its own when it needs them."""
    global _pool
    _pool = None
    _inside.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _the_pool() -> _Pool:
    global _pool
    if _pool is None:
        _pool = _Pool()
    return _pool


def set_num_threads(threads: int) -> None:
    """Let the kernels use so many threads (all cores by default; also MINIGRAD_NUM_THREADS)."""
    if not isinstance(threads, int) or threads < 1:
        raise ArgumentError(f"set_num_threads needs a whole number of at least 1, not {threads!r}")
    pool = _the_pool()
    with pool.lock:
        if pool.executor is not None:
            pool.executor.shutdown()
        pool.executor, pool.threads = None, threads


def get_num_threads() -> int:
    """How many threads the kernels use."""
    return _the_pool().threads if _the_pool().blas else 1


def run(function: Callable[[Any], None], pieces: Iterable[Any], xp: Any = np) -> None:
    """Call `function(piece)` for every piece, on all threads; raises the first error.

    Within one piece, BLAS has one thread. Calls from inside a piece, and work on arrays of
    another library than NumPy (`xp`), run in place, one piece after another.
    """
    pieces = list(pieces)
    pool = _the_pool()
    if xp is not np or pool.blas is None or getattr(_inside, "piece", False):
        for piece in pieces:
            function(piece)
        return
    remaining = deque(pieces)       # popping is atomic: no lock that an interrupt could leave held

    def work() -> None:
        _inside.piece = True
        try:
            while remaining:
                try:
                    piece = remaining.popleft()
                except IndexError:          # another thread took the last one
                    return
                function(piece)
        finally:
            _inside.piece = False

    def help_with_work() -> None:
        with pool.blas.one_thread():
            work()

    with pool.blas.one_thread():
        helpers = min(pool.threads, len(pieces)) - 1
        # In copies of this thread's context: np.errstate holds for all of them.
        futures = [pool.workers().submit(contextvars.copy_context().run, help_with_work)
                   for _ in range(helpers)]
        try:
            work()
        finally:
            for future in futures:
                future.result()


_own = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Memory of this thread for use within one call; keeps growing to the largest asked for.

    What is in it is undefined. It must not escape the call: the next one writes over it.
    """
    buffers = _own.__dict__
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = buffers.get(name)
    if buffer is None or buffer.size < size:
        buffer = buffers[name] = np.empty(size, np.uint8)
    return buffer[:size].view(dtype).reshape(shape)
