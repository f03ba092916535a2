"""Keep running when stdout or stderr is a closed terminal or a broken pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from minigrad.cuda_faults import PACKAGES
from minigrad.errors import DeviceError


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
    """Return a context in which `print` and progress bars cannot fail."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = RobustStream(before[0]), RobustStream(before[1])
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def silence_device(error: BaseException) -> None:
    """After a device error, suppress further errors from CuPy's destructors.

    Every CuPy object frees memory on its device when it is deleted. A failed device refuses this
    until the program ends, but its failure has been reported already.
    """
    if not isinstance(error, DeviceError):
        return
    # Local names: at the end of the program, modules are cleared before the hook is called.
    previous, packages = sys.unraisablehook, PACKAGES

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type.__module__.partition(".")[0] not in packages:
            previous(unraisable)

    sys.unraisablehook = hook
