"""Executors for independent tasks: in this process, or in several (`processes`).

An executor has a state that is created once, such as a network, and applies a function to many
items: `function(state, item)`. Results come in the order of the items, so their sum is the same for
every executor, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from minigrad.errors import OutOfMemoryError

Function = Callable[[Any, Any], Any]


class WorkerError(OutOfMemoryError):
    """A worker process was killed, for example because the system ran out of memory."""


class Executor(Protocol):
    """The interface of all executors."""

    def map(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        """Yield `function(state, item)` for every item, in order."""

    def close(self) -> None:
        """End all processes; may be called more than once."""


class Serial:
    """Processes items one after the other, in this process.

    Parameters
    ----------
    state : object
        The first argument of every call.
    """

    def __init__(self, state: Any) -> None:
        self.state = state

    def map(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        """See `Executor`."""
        return (function(self.state, item) for item in items)

    def close(self) -> None:
        """Do nothing, because there are no processes."""
