"""The switch for recording as PyTorch has it: a call is enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.core.mode import mode, recording
from minigrad.errors import ArgumentError
from minigrad.printable import shape_of, shown


class set_grad_enabled(recording):
    """Switch recording on or off for this thread, from the call on.

    After `with set_grad_enabled(…):` the old state is restored. As a decorator it changes nothing
    but the function.
    """

    def __init__(self, enabled: bool) -> None:
        if not isinstance(enabled, (bool, int)) and shape_of(enabled) != ():
            raise ArgumentError(f"set_grad_enabled takes True or False, not {shown(enabled)}")
        super().__init__(bool(enabled))
        self.at_first, mode.recording = mode.recording, self.enabled

    def __enter__(self) -> None:
        if not self.before:
            mode.recording = self.at_first
        super().__enter__()

    def __call__(self, function: Callable[..., Any]) -> Any:
        mode.recording = self.at_first
        return super().__call__(function)
