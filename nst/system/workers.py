"""How worker processes are started, so that a signal to the whole group ends none of them.

A terminal, a scheduler and systemd send a signal to all processes of a group. Only the main
process answers it: it saves the picture and then ends its workers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import context, resource_tracker
from multiprocessing.synchronize import Event
from typing import Any

from nst.system.signals import TERMINATING

HAS_MASKS = hasattr(signal, "pthread_sigmask")      # Windows has none


class _Worker(context.SpawnProcess):
    """A process that `terminate` ends although it ignores SIGTERM, even if it was stopped."""

    def terminate(self) -> None:
        self.kill()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end. A stopped process is resumed first, or it would never end.

        The interpreter also joins the workers of executors that nobody closed.
        """
        if self.pid is not None and self.is_alive():
            wake([self.pid])
        super().join(timeout)


class Workers(context.SpawnContext):
    """A multiprocessing context for processes that call `ignore_signals` first.

    A forked process would inherit locks that other threads hold, so processes are spawned.
    """

    def __init__(self) -> None:
        super().__init__()
        self._started: list[_Worker] = []

    def Process(self, *arguments: Any, **options: Any      # type: ignore[override]
                ) -> _Worker:                              # capital, as in multiprocessing
        self._started.append(_Worker(*arguments, **options))
        return self._started[-1]

    def end_if_one_died(self) -> bool:
        """Kill all processes if one was killed; return whether that was so."""
        begun = [worker for worker in self._started if worker.pid is not None]
        one_died = any(not worker.is_alive() for worker in begun)
        if one_died:
            for worker in begun:
                worker.kill()
        return one_died

    def Event(self) -> Event:               # capital, as in multiprocessing
        with blocked():
            return super().Event()


@contextmanager
def blocked() -> Iterator[None]:
    """Return a context whose new processes are born with these signals blocked.

    The mask is inherited, so a worker does not end while it imports its modules.
    """
    if not HAS_MASKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TERMINATING)
    try:
        # The semaphore tracker shares the group, and SIGHUP would end it. Starting it unblocks
        # some signals, so they are blocked once more.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, TERMINATING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_signals() -> None:
    """Ignore, in a worker, the signals that the main process answers."""
    for number in TERMINATING:
        signal.signal(number, signal.SIG_IGN)
    if HAS_MASKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINATING)


def wake(processes: list[int]) -> None:
    """Resume stopped processes (SIGSTOP, Ctrl-Z); others are not affected."""
    if hasattr(signal, "SIGCONT"):
        for process in processes:
            with suppress(OSError):
                os.kill(process, signal.SIGCONT)
