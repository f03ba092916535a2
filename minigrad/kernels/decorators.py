"""Contexts that also decorate functions, generators among them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ContextDecorator
from typing import Any


class Decorator(ContextDecorator):
    """A context that decorates functions, too; in a generator it holds until each `yield`."""

    def __call__(self, function: Callable[..., Any]) -> Any:
        return _resumed_within(self._recreate_cm, function) \
            if inspect.isgeneratorfunction(function) else super().__call__(function)

    def _recreate_cm(self) -> Any:
        """A new context for one call."""
        return self


def _resumed_within(context: Callable[[], AbstractContextManager[Any]],
                    function: Callable[..., Any]) -> Callable[..., Any]:
    """The generator function `function`, each resumption of which runs in a new `context()`."""

    @functools.wraps(function)
    def resumed(*args: Any, **named: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **named)
        step: Callable[[Any], Any] = generator.send
        given: Any = None
        while True:
            try:
                with context():
                    value = step(given)
            except StopIteration as end:
                return end.value
            try:
                step, given = generator.send, (yield value)
            except GeneratorExit:
                with context():
                    generator.close()
                raise
            except BaseException as error:
                step, given = generator.throw, error

    return resumed
