"""Turn signals that end a program (Ctrl-C, SIGTERM, SIGHUP) into a KeyboardInterrupt."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Signals that end a program but leave it time to finish: from the keyboard, from a scheduler or
# `kill`, and after a lost connection. Windows has no SIGHUP.
TERMINATING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
               if hasattr(signal, name))


class Signals:
    """A context in which the first of these signals raises KeyboardInterrupt.

    Further signals are ignored, because the picture is being saved by then. The handlers stay:
    if they were replaced by SIG_IGN while a second signal waits for its handler, Python would
    print a traceback.

    Attributes
    ----------
    received : int
        The number of the received signal; 0 if there was none.
    """

    def __init__(self) -> None:
        self.received = 0
        self.ignoring = False
        self.deferring = False
        self.previous: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        _active.append(self)
        for number in TERMINATING:
            # nohup ignores SIGHUP on purpose. Ctrl-C is handled even if the shell ignores it for
            # background programs, because the sender of the signal wants the picture.
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                self.previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        _active.remove(self)
        for number, handler in self.previous.items():
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
        self.ignoring = True

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Return a context that a signal interrupts only at its end."""
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

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.ignoring or self.received:
            return
        self.received = number
        if not self.deferring:
            raise KeyboardInterrupt


_active: list[Signals] = []


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Let signals take effect only in `check_interrupt`, within a `Signals` context.

    A KeyboardInterrupt while threads wait for each other may leave a lock held, and the program
    hangs instead of saving its picture. Within an optimiser's step it would leave half a step, from
    which a checkpoint cannot resume.
    """
    if not _active:
        yield
        return
    with _active[-1].defer():
        yield


def was_interrupted() -> bool:
    """Whether a signal was received within a `Signals` context."""
    return bool(_active and _active[-1].received)


def check_interrupt() -> None:
    """Raise the deferred KeyboardInterrupt, if a signal was received."""
    if was_interrupted():
        raise KeyboardInterrupt
