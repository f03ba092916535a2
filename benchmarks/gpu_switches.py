"""Which of several algorithms the engine uses, by name: so that all are measured in one run.

Another switch is one line in `SWITCHES`: ::

    "history": attribute("minigrad.kernels.cuda.vectors", "COMPACT", {"two loops": False}),

gpu.py measures an evaluation with each value of each switch in turn, beside the one without;
``--set NAME=VALUE`` turns one for all of its parts.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from minigrad import conv_algorithm
from minigrad.errors import ArgumentError
from minigrad.kernels.cuda.blas import PRECISIONS

Switch = dict[str, Callable[[], AbstractContextManager[Any]]]      # from its values


def attribute(module: str, name: str, values: dict[str, Any]) -> Switch:
    """A switch that gives an attribute of a module each of these values."""
    @contextmanager
    def within(value: Any) -> Iterator[None]:
        holder = importlib.import_module(module)
        before = getattr(holder, name)
        setattr(holder, name, value)
        try:
            yield
        finally:
            setattr(holder, name, before)

    return {word: lambda value=value: within(value) for word, value in values.items()}


def both(forward: int, backward: int) -> dict[str, tuple[int, int]]:
    """Winograd tiles m in both directions, whatever the precision; 0 is im2col."""
    return dict.fromkeys(PRECISIONS, (forward, backward))


SWITCHES: dict[str, Switch] = {
    "conv": {"im2col": lambda: conv_algorithm("im2col")},
    "tiles": attribute("minigrad.kernels.cuda.conv", "TILE", {
        "F(2)": both(2, 2), "F(4) and F(6)": both(4, 6), "F(6)": both(6, 6)}),
    "implicit": attribute("minigrad.kernels.cuda.conv", "IMPLICIT", {
        f"up to {most} channels": dict.fromkeys(PRECISIONS, most) for most in (0, 64, 256, 512)}),
    "portion": attribute("minigrad.kernels.cuda.winograd", "PORTION", {
        f"{size} MB": size << 20 for size in (16, 32, 96, 256, 1024)}),
}

SAME_NUMBERS = frozenset(("portion",))      # switches that change the time alone, bit by bit


def turned(words: Iterable[str]) -> AbstractContextManager[Any]:
    """With all of these "NAME=VALUE" in force.

    Raises
    ------
    ArgumentError : there is no such switch, or it has no such value.
    """
    stack = ExitStack()
    for word in words:
        name, _, value = word.partition("=")
        if name not in SWITCHES or value not in SWITCHES[name]:
            raise ArgumentError(f"there is no switch {word!r}; there are "
                                + ", ".join(f"'{known}'" for known in all_values()))
        stack.enter_context(SWITCHES[name][value]())
    return stack


def all_values(numbers_too: bool = False) -> list[str]:
    """Every "NAME=VALUE"; ``numbers_too``: only of switches that change what is computed."""
    return [f"{name}={value}" for name, values in SWITCHES.items() for value in values
            if not (numbers_too and name in SAME_NUMBERS)]
