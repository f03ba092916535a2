"""Run pieces of one job on a pool of threads, with one BLAS thread each.

NumPy releases Python's global lock inside its loops, so threads run in parallel as long as each
call has enough work. The assignment of pieces to threads varies, but each piece computes the same
whichever thread takes it. So results do not change from run to run.

Nor do they depend on the number of threads: sums, and matrix products, whose rounding depends on
their shape, are cut into `PARTS` parts however many threads there are.
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
from minigrad.printable import shown

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor


PARTS = 8       # parts of a sum or of a matrix product; more threads than these do not help


def available_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Blas:
    """Limits the number of threads inside BLAS.

    threadpoolctl finds the libraries. Its own limits belong to the first Python thread that sets
    one and are ignored from others. Ours can be set from any thread, as they are always the same.

    An interrupt may come between any two lines. So the old counts are forgotten only after they are
    restored, and users are identified by their thread: the next use clears what an interrupt left
    behind.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController
        self.libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        self.lock = threading.Lock()
        self.users: set[int] = set()            # threads inside one_thread()
        self.before: list[int] | None = None    # the counts to restore, while BLAS is limited

    def set(self, counts: Iterable[int]) -> None:
        for library, count in zip(self.libraries, counts):
            # The library's function, without threadpoolctl's check of the calling thread.
            getattr(library, "_real_set_num_threads", library.set_num_threads)(count)

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """Limit BLAS to one thread until the last of the concurrent users has left."""
        with self.lock:
            if self.before is None:
                self.before = [library.get_num_threads() for library in self.libraries]
            self.users.add(threading.get_ident())
            self.set(itertools.repeat(1))       # with OpenMP each thread has its own limit
        try:
            yield
        finally:
            try:
                self._leave()
            except KeyboardInterrupt:
                self._leave()
                raise

    def _leave(self) -> None:
        with self.lock:
            self.users.discard(threading.get_ident())
            if not self.users:
                self.restore()

    def restore(self) -> None:
        """Restore the old counts; call it with the lock held, or where there is only one thread."""
        if self.before is not None:
            self.set(self.before)
            self.before = None


def _blas() -> _Blas | None:
    """BLAS, or None without threadpoolctl: BLAS then keeps its threads and we use one."""
    try:
        return _Blas()
    except ImportError:
        return None


MAX_DIGITS = 4          # of a number of threads


def _chosen_threads() -> int:
    """The environment variable; 0 stands for all cores."""
    text = os.environ.get("MINIGRAD_NUM_THREADS") or "0"
    if not (text.isascii() and text.isdecimal()) or len(text) > MAX_DIGITS:
        raise ArgumentError(f"MINIGRAD_NUM_THREADS is {shown(text)}, but must be a whole number "
                            f"from 1 to {10**MAX_DIGITS - 1}")
    return int(text)


class _Pool:
    """The worker threads, created (and their libraries imported) on first use."""

    def __init__(self) -> None:
        self.threads = _chosen_threads() or available_cores()
        self.executor: ThreadPoolExecutor | None = None
        self.blas = _blas()
        self.lock = threading.Lock()

    def start(self, job: Callable[[], None], pieces: int) -> list[Future]:
        """Call `job` on as many threads as can help the calling one with so many pieces.

        In copies of its context, so that np.errstate holds in all of them. The lock is held until
        all are submitted: another thread may be changing the number of threads.
        """
        with self.lock:
            helpers = min(self.threads, pieces) - 1
            if helpers > 0 and self.executor is None:
                from concurrent.futures import ThreadPoolExecutor
                self.executor = ThreadPoolExecutor(self.threads - 1, "minigrad")
            return [self.executor.submit(contextvars.copy_context().run, job)
                    for _ in range(helpers)] if self.executor else []

    def resize(self, threads: int) -> None:
        """Use so many threads from now on; work that has begun is finished by the old ones."""
        with self.lock:
            old, self.executor, self.threads = self.executor, None, threads
        if old is not None:
            within = getattr(_inside, "piece", False)
            old.shutdown(wait=not within)       # a piece cannot wait for its own thread


_pool: _Pool | None = None
_creating = threading.Lock()
_inside = threading.local()      # a piece must not start other pieces


def _forget_pool() -> None:
    """Discard the pool in a forked child, where its threads do not exist."""
    global _pool, _creating
    if _pool is not None and _pool.blas is not None:
        _pool.blas.restore()
    _pool, _creating = None, threading.Lock()       # another thread may have held the old lock
    _inside.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _the_pool() -> _Pool:
    global _pool
    if _pool is None:
        with _creating:
            if _pool is None:
                _pool = _Pool()
    return _pool


def set_num_threads(threads: int) -> None:
    """Set the number of threads of the kernels.

    The default is all cores, or the environment variable MINIGRAD_NUM_THREADS.
    """
    if not isinstance(threads, (int, np.integer)) or isinstance(threads, bool) or threads < 1:
        raise ArgumentError(f"set_num_threads needs a whole number of at least 1, not "
                            f"{shown(threads)}")
    _the_pool().resize(int(threads))


def get_num_threads() -> int:
    """Number of threads that the kernels use."""
    return _the_pool().threads if _the_pool().blas else 1


def run(function: Callable[[Any], None], pieces: Iterable[Any], xp: Any = np) -> None:
    """Call `function(piece)` for every piece, on all threads; raise the first error.

    BLAS has one thread within a piece. Calls from inside a piece, and work on arrays of a library
    other than NumPy (`xp`), run in this thread, one piece after another.
    """
    pieces = list(pieces)
    pool = _the_pool()
    blas = pool.blas
    if xp is not np or blas is None or getattr(_inside, "piece", False):
        for piece in pieces:
            function(piece)
        return
    remaining = deque(pieces)       # popping is atomic, so an interrupt cannot leave a lock held

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
        with blas.one_thread():
            work()

    with blas.one_thread():
        futures = pool.start(help_with_work, len(pieces))
        try:
            work()
        finally:
            for future in futures:
                future.result()


_own = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Return a work array of this thread, with undefined contents, for use within one call.

    The buffer of each name grows to the largest size requested. The array must not escape the
    call, because the next call overwrites it.
    """
    buffers = _own.__dict__
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = buffers.get(name)
    if buffer is None or buffer.size < size:
        buffer = buffers[name] = np.empty(size, np.uint8)
    return buffer[:size].view(dtype).reshape(shape)
