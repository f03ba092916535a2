"""Signals that ask a program to end (Ctrl-C, SIGTERM, SIGHUP) as a KeyboardInterrupt."""


from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Signals that ask a program to end and leave it time to do so: the keyboard, a scheduler or
# `kill`, a lost connection. Windows has no SIGHUP.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
               if hasattr(signal, name))


class Signals:
    """A context in which a signal that asks to end raises KeyboardInterrupt, once.

    Further signals are ignored, because the picture is being saved by then.

    Attributes
    ----------
    received : int
        The number of the signal that was received, 0 for none.
    """

    def __init__(self) -> None:
        self.received = 0
        self.deferring = False
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        _active.append(self)
        for number in ENDING:
            # nohup ignores SIGHUP on purpose. Ctrl-C is handled even if a shell that started
            # the program in the background ignores it: whoever sends it wants the picture.
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                self.before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        _active.remove(self)
        for number, handler in self.before.items():
            signal.signal(number, handler)

    @property
    def status(self) -> int:
        """The usual exit status, 128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.received or signal.SIGINT)

    @property
    def name(self) -> str:
        """The signal that was received, as text."""
        kind = signal.Signals(self.received or signal.SIGINT)
        return "interrupted" if kind == signal.SIGINT else f"stopped by {kind.name}"

    def ignore(self) -> None:
        """Ignore these signals from now on."""
        for number in self.before:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Return a context that is finished before a signal interrupts the program."""
        before = self.received
        with self.defer():
            yield
        if self.received != before:
            raise KeyboardInterrupt

    @contextmanager
    def defer(self) -> Iterator[None]:
        """Return a context in which signals have an effect only in `check_interrupt`."""
        outer, self.deferring = self.deferring, True
        try:
            yield
        finally:
            self.deferring = outer

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.ignore()
        self.received = number
        if not self.deferring:
            raise KeyboardInterrupt


_active: list[Signals] = []


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Let signals take effect only in `check_interrupt`, within a `Signals` context.

    A KeyboardInterrupt among threads that wait for each other may leave a lock held, so that the
    program hangs instead of saving its picture. Within an optimizer's step it would leave half a
    step, from which no checkpoint can resume.
    """
    if not _active:
        yield
        return
    with _active[-1].defer():
        yield


def check_interrupt() -> None:
    """Raise the deferred KeyboardInterrupt, if a signal was received."""
    if _active and _active[-1].received:
        raise KeyboardInterrupt
