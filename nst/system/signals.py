"""Signals that ask a program to end (Ctrl-C, SIGTERM, SIGHUP) as a KeyboardInterrupt."""


from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# What asks a program to end and leaves it the time to: the keyboard, a scheduler or `kill`, the
# end of a connection. Windows has no SIGHUP.
ASKING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
               if hasattr(signal, name))


class Signals:
    """While this context lasts, a signal that asks to end is a KeyboardInterrupt, once.

    The second one is ignored: the picture is being saved then.

    Attributes
    ----------
    received : int
        The number of the signal that came, 0 for none.
    """

    def __init__(self) -> None:
        self.received = 0
        self.deferring = False
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        _listening.append(self)
        for number in ASKING:
            # nohup switches SIGHUP off, and means it. Ctrl-C is listened to even where a shell
            # that started the program in the background switched it off: whoever sends it
            # wants the picture.
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                self.before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        _listening.remove(self)
        for number, handler in self.before.items():
            signal.signal(number, handler)

    @property
    def status(self) -> int:
        """The exit status that shells know: 128 + the number; 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.received or signal.SIGINT)

    @property
    def name(self) -> str:
        """What came, for people."""
        kind = signal.Signals(self.received or signal.SIGINT)
        return "interrupted" if kind == signal.SIGINT else f"stopped by {kind.name}"

    def ignore(self) -> None:
        """Ignore all of them from here on."""
        for number in self.before:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let what is done inside be finished first."""
        before = self.received
        with self.defer():
            yield
        if self.received != before:
            raise KeyboardInterrupt

    @contextmanager
    def defer(self) -> Iterator[None]:
        """Leave it to what is done inside, and after it, to ask: see `check_interrupt`."""
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


_listening: list[Signals] = []


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Hear signals only where `check_interrupt` is called, if anybody listens to signals.

    A KeyboardInterrupt in the midst of threads that wait for each other may leave a lock held, and
    then the program hangs instead of saving its picture; in the midst of an optimiser's step it
    would leave half a step, which no checkpoint can go on from.
    """
    if not _listening:
        yield
        return
    with _listening[-1].defer():
        yield


def check_interrupt() -> None:
    """Raise the KeyboardInterrupt that is being held back, at a place where it does no harm."""
    if _listening and _listening[-1].received:
        raise KeyboardInterrupt
