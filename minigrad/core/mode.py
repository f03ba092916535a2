"""Whether operations are recorded; each thread has its own switch."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator


class _Mode(threading.local):
    recording = True


mode = _Mode()


class set_grad_enabled(ContextDecorator):
    """Switch recording on or off for this thread; restore the old state at the end."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        self.before = mode.recording
        mode.recording = self.enabled

    def __exit__(self, *error: object) -> None:
        mode.recording = self.before

    def _recreate_cm(self) -> set_grad_enabled:
        return set_grad_enabled(self.enabled)       # a decorated function may call itself


def no_grad() -> set_grad_enabled:
    """Record nothing within `with no_grad():` or within a function decorated by it."""
    return set_grad_enabled(False)


def enable_grad() -> set_grad_enabled:
    """Record operations within `with enable_grad():`, also inside `no_grad`."""
    return set_grad_enabled(True)


def is_grad_enabled() -> bool:
    """Whether this thread records operations."""
    return mode.recording
