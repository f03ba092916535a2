"""What is printed must not end the work: terminals are closed, and readers of a pipe go away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from minigrad.errors import DeviceError
from minigrad.kernels.cuda.faults import PACKAGES


class RobustStream:
    """A stream that is written to as long as anybody reads it, and then into nothing.

    Parameters
    ----------
    stream : text stream or None
        None is what Python has in the place of one that was closed before the program began.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream if stream is not None else open(  # noqa: SIM115
            os.devnull, "w", encoding="utf-8")
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="replace")   # a terminal without × or α must not stop us

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
        # What still lies in the stream's buffer would fail again when Python ends.
        with suppress(OSError, ValueError, AttributeError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.stream.fileno())
            os.close(nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def robust_stdio() -> Iterator[None]:
    """While this lasts, `print` and progress bars cannot fail."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = RobustStream(before[0]), RobustStream(before[1])
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def silence_device(error: BaseException) -> None:
    """If ``error`` is of a device, let CuPy's objects end unheard from now on.

    Each of them asks its device to free something, which one that has failed refuses, until the
    program has ended; and that it has failed is said once.
    """
    if not isinstance(error, DeviceError):
        return
    before, packages = sys.unraisablehook, PACKAGES     # nothing global: modules end before it does

    def hook(found: Any) -> None:
        if found.exc_type.__module__.partition(".")[0] not in packages:
            before(found)

    sys.unraisablehook = hook
