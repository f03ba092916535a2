"""Whether operations are recorded; each thread has its own switch."""

from __future__ import annotations

import threading
from typing import Any

from minigrad.kernels.decorators import Decorator


class _Mode(threading.local):
    recording = True


mode = _Mode()


class recording(Decorator):
    """Switch recording on or off within `with`, or within a decorated function or generator."""

    before: tuple[Any, ...] = ()        # the states to restore, the latest first

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        self.before = mode.recording, self.before
        mode.recording = self.enabled

    def __exit__(self, *error: object) -> None:
        mode.recording, self.before = self.before

    def _recreate_cm(self) -> recording:
        return recording(self.enabled)      # a decorated function may call itself


def no_grad() -> recording:
    """Record nothing within `with no_grad():` or within a function decorated by it."""
    return recording(False)


def enable_grad() -> recording:
    """Record operations within `with enable_grad():`, also inside `no_grad`."""
    return recording(True)


def is_grad_enabled() -> bool:
    """Whether this thread records operations."""
    return mode.recording
