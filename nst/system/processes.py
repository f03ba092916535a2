"""An executor that runs its tasks in several processes.

Separate from `executors`, because WebAssembly has no processes, not even the modules for them.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any

import minigrad
from minigrad.errors import ArgumentError
from nst.system.executors import Function, WorkerError
from nst.system.signals import check_interrupt, was_interrupted
from nst.system.workers import Workers, blocked, ignore_signals, wake

LOOK_EVERY = 0.5        # seconds between checks for a signal, while waiting for a result


class Processes:
    """Processes several items at the same time, in processes that each have their own state.

    Functions must be module-level, because they are sent by name. Items and results are pickled.

    Parameters
    ----------
    count : int
        Number of processes.
    make : callable
        Creates the state in each process from `arguments`; a module-level function.
    threads : int, optional
        Threads of each process's kernels. Default: the cores are divided among the processes.

    Raises
    ------
    ArgumentError
        `count` is not a positive integer.
    """

    def __init__(self, count: int, make: Callable[..., Any], *arguments: Any,
                 threads: int | None = None) -> None:
        if not isinstance(count, int) or count < 1:
            raise ArgumentError(f"processes must be a whole number, 1 or more, not {count!r}")
        self.count = count
        threads = threads or max(1, minigrad.get_num_threads() // count)
        self._arguments = make, arguments, threads
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        with blocked():
            self._workers = Workers()
            return ProcessPoolExecutor(self.count, self._workers, _initialize, self._arguments)

    def _submit(self, function: Function, item: Any) -> Future:
        with blocked():                         # the first call starts the processes
            return self._pool.submit(_apply, function, item)

    def _result(self, future: Future) -> Any:
        while True:
            try:
                return future.result(LOOK_EVERY)
            except NotReady:
                if future.done():               # `function` raised a TimeoutError itself
                    raise
                self._end_if_one_died()
                if was_interrupted():
                    self._wake()

    def _end_if_one_died(self) -> None:
        """Let the executor notice that a process was killed in the middle of a result.

        It waits for the rest as long as anybody holds the other end of the pipe: the other
        processes, and this one.
        """
        if self._workers.end_if_one_died():
            queue: Any = getattr(self._pool, "_result_queue", None)      # none after its end
            with suppress(AttributeError, OSError):
                queue._writer.close()

    def _wake(self) -> None:
        wake([child.pid for child in multiprocessing.active_children() if child.pid])

    def map(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        """See `Executor`. Only as many items are read ahead as there are processes.

        Raises
        ------
        WorkerError
            A process was killed, perhaps because memory ran out. Exceptions of `function` are
            raised as well.
        KeyboardInterrupt
            A process was killed, and a signal was received.
        """
        waiting: deque[Future] = deque()
        try:
            for item in items:
                waiting.append(self._submit(function, item))
                if len(waiting) > self.count:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        except BrokenProcessPool:
            self._pool = self._start()          # for the next attempt
            check_interrupt()                   # the signal is the cause, not the worker
            raise WorkerError(
                f"one of {self.count} worker processes was killed; if memory ran "
                f"out, use fewer processes or smaller tiles") from None
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the processes after their current items; stopped ones are resumed first."""
        self._wake()
        self._end_if_one_died()
        self._pool.shutdown(wait=True, cancel_futures=True)


# ------------------------------------------------------------------- inside a worker

_state: Any = None


def _initialize(make: Callable[..., Any], arguments: tuple, threads: int) -> None:
    global _state
    ignore_signals()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    minigrad.set_num_threads(threads)
    _state = make(*arguments)


def _apply(function: Function, item: Any) -> Any:
    return function(_state, item)


def _end_with_parent() -> None:
    """End this worker when its parent is killed, instead of waiting for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
