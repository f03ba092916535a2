"""Which of several algorithms the engine uses, by name: so that all are measured in one run.

Another switch is one line in `SWITCHES`: ::

    "sums": attribute("minigrad.kernels.cuda.vectors", "BLOCKS", {"few": 256}),

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
from minigrad.kernels.cuda.implicit import Block

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


def largest(float32: int, tf32: int) -> dict[str, int]:
    """Channels up to which the implicit product serves, by precision."""
    return dict(zip(PRECISIONS, (float32, tf32)))


CUDA = "minigrad.kernels.cuda"
SWITCHES: dict[str, Switch] = {
    "conv": {name: lambda name=name: conv_algorithm(name) for name in ("im2col", "implicit")},
    "implicit": attribute(f"{CUDA}.conv", "IMPLICIT", {
        "never": largest(0, 0), "64": largest(0, 64), "256": largest(0, 256),
        "float32 too": largest(128, 128)}),
    "stages": attribute(f"{CUDA}.implicit", "ROUNDED", {"3": Block(16, 64, 4, 1, 3)}),
    "tiles": attribute(f"{CUDA}.conv", "TILE", {
        "F(2)": both(2, 2), "F(4) and F(6)": both(4, 6), "F(6)": both(6, 6)}),
    "portion": attribute(f"{CUDA}.winograd", "PORTION", {
        f"{size} MB": size << 20 for size in (16, 96, 256, 1024)}),
    "conv1_1": attribute(f"{CUDA}.conv", "DIRECT", {"im2col": False}),
    "pooling": attribute(f"{CUDA}.pool2", "fits", {"general": lambda *_: False}),
    # Gradients of losses are made, and then added, where no array counts as one of a device.
    "addition": attribute("minigrad.kernels.addend", "is_cuda", {"apart": lambda _: False}),
}
SAME_NUMBERS = frozenset(("portion", "pooling", "stages"))      # these change nothing but the time


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
