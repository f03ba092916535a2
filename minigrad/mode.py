"""Whether operations are recorded: a switch of its own for every thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Mode(threading.local):
    recording = True


mode = _Mode()


@contextmanager
def set_grad_enabled(enabled: bool) -> Iterator[None]:
    """Switch recording on or off for this thread, and back at the end."""
    before = mode.recording
    mode.recording = enabled
    try:
        yield
    finally:
        mode.recording = before


def no_grad() -> Any:
    """Within ``with no_grad():`` (or a function decorated by it) nothing is recorded."""
    return set_grad_enabled(False)


def enable_grad() -> Any:
    """Within ``with enable_grad():`` operations are recorded, also inside ``no_grad``."""
    return set_grad_enabled(True)


def is_grad_enabled() -> bool:
    """Whether this thread records operations."""
    return mode.recording
