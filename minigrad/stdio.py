"""Keep running when stdout or stderr is a closed terminal or a broken pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class RobustStream:
    """A text stream that drops output after its reader has gone.

    Parameters
    ----------
    stream : text stream or None
        None stands for a stream that was closed before the program started.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream if stream is not None else open(  # noqa: SIM115
            os.devnull, "w", encoding="utf-8")
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="replace")   # for terminals without × or α

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except (OSError, ValueError):
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except (OSError, ValueError):
            self._give_up()

    def _give_up(self) -> None:
        # Otherwise flushing the buffer would fail again at the end of the program.
        with suppress(OSError, ValueError, AttributeError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.stream.fileno())
            os.close(nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def robust_stdio() -> Iterator[None]:
    """Return a context in which `print` and progress bars cannot fail.

    Every program of this project runs in one, so that `| head` or a full disk does not end it;
    `@robust_stdio()` does the same for a function.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = RobustStream(before[0]), RobustStream(before[1])
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
