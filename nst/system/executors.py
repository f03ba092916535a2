"""Where independent pieces of work are done: here, or in processes on this machine.

An executor holds a state that is made once (a network) and applies functions `job(state, item)`
to items; results come in the order of the items, so whoever adds them up gets the same sum from
every executor, bit for bit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import minigrad
from minigrad.errors import ArgumentError, OutOfMemoryError

Job = Callable[[Any, Any], Any]


class WorkerError(OutOfMemoryError):
    """A worker process ended before its work did, as when the system is short of memory."""


class Executor(Protocol):
    """What all executors can do."""

    def map(self, job: Job, items: Iterable[Any]) -> Iterator[Any]:
        """``job(state, item)`` of every item, in their order."""

    def close(self) -> None:
        """Let go of processes; may be called more than once."""


class Serial:
    """One after the other, in this process.

    Parameters
    ----------
    state : object
        The first argument of every job.
    """

    def __init__(self, state: Any) -> None:
        self.state = state

    def map(self, job: Job, items: Iterable[Any]) -> Iterator[Any]:
        """See `Executor`."""
        return (job(self.state, item) for item in items)

    def close(self) -> None:
        """There is nothing to let go of."""


class Processes:
    """Several at a time, each in a process of its own that keeps the state.

    Jobs are functions of a module (they are sent by name); items and results are pickled.

    Parameters
    ----------
    count : int
        Processes, 2 or more.
    make : callable
        What makes the state in each of them, from ``arguments``; a function of a module.
    threads : int, optional
        Of each process's kernels; by default the cores are shared out.

    Raises
    ------
    ArgumentError
        ``count`` is no number of processes.
    """

    def __init__(self, count: int, make: Callable[..., Any], *arguments: Any,
                 threads: int | None = None) -> None:
        if not isinstance(count, int) or count < 1:
            raise ArgumentError(f"processes is a whole number, 1 or more, not {count!r}")
        self.count = count
        threads = threads or max(1, minigrad.get_num_threads() // count)
        self._beginning = make, arguments, threads
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # A forked process would share locks that some thread holds just now: start afresh.
        return ProcessPoolExecutor(self.count, multiprocessing.get_context("spawn"), _begin,
                                   self._beginning)

    def map(self, job: Job, items: Iterable[Any]) -> Iterator[Any]:
        """See `Executor`; no more items than can be worked on soon are taken from ``items``.

        Raises
        ------
        WorkerError
            A process was killed, for lack of memory perhaps. What a job raises is raised here.
        """
        waiting: deque[Future] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(_call, job, item))
                if len(waiting) > self.count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            self._pool = self._start()          # for whoever tries again
            raise WorkerError(
                f"one of {self.count} worker processes was ended from outside; if memory ran "
                f"out, use fewer processes or smaller tiles") from None
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the processes, when they are done with what they do now."""
        self._pool.shutdown(wait=True, cancel_futures=True)


# ------------------------------------------------------------------- inside a worker

_state: Any = None


def _begin(make: Callable[..., Any], arguments: tuple, threads: int) -> None:
    global _state
    # Ctrl-C reaches all processes of a terminal; it is the first one's to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    minigrad.set_num_threads(threads)
    _state = make(*arguments)


def _call(job: Job, item: Any) -> Any:
    return job(_state, item)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
