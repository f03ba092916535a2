"""Whether operations are recorded: a switch of its own for every thread."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from typing import Any


class _Mode(threading.local):
    recording = True


mode = _Mode()


class set_grad_enabled(ContextDecorator):
    """Switch recording on or off for this thread, and back at the end."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        self.before = mode.recording
        mode.recording = self.enabled

    def __exit__(self, *error: object) -> None:
        mode.recording = self.before

    def _recreate_cm(self) -> set_grad_enabled:
        return set_grad_enabled(self.enabled)       # a decorated function may call itself


def no_grad() -> Any:
    """Within ``with no_grad():`` (or a function decorated by it) nothing is recorded."""
    return set_grad_enabled(False)


def enable_grad() -> Any:
    """Within ``with enable_grad():`` operations are recorded, also inside ``no_grad``."""
    return set_grad_enabled(True)


def is_grad_enabled() -> bool:
    """Whether this thread records operations."""
    return mode.recording
