"""Which of several algorithms the engine uses, by name: so that all are measured in one run.

Another switch is one line in `SWITCHES`: ::

    "sums": attribute("minigrad.kernels.cuda.vectors", "MAX_BLOCKS", {"few": 256}),

gpu.py computes with each value of each switch in turn, and measures an evaluation with those whose
best value is not known for good; `--set NAME=VALUE` turns one for all of its parts.
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


CUDA = "minigrad.kernels.cuda"
SWITCHES: dict[str, Switch] = {
    "conv": {name: lambda name=name: conv_algorithm(name) for name in ("im2col", "implicit")},
    "implicit": attribute(f"{CUDA}.conv", "MAX_IMPLICIT", {"never": 0, "64": 64, "128": 128}),
    "tiles": attribute(f"{CUDA}.conv", "TILE", {
        "F(4)": both(4, 4), "F(4) and F(6)": both(4, 6), "F(6)": both(6, 6)}),
    "portion": attribute(f"{CUDA}.winograd", "MIN_PORTION", {
        f"{size} MB": size << 20 for size in (96, 256, 1024)}),
    "pooling": attribute(f"{CUDA}.pool2", "fits", {"general": lambda *_: False}),
    # Gradients of losses are made, and then added, where no array counts as one of a device.
    "addition": attribute("minigrad.kernels.addend", "is_cuda", {"apart": lambda _: False}),
}
SAME_NUMBERS = frozenset(("portion", "pooling"))    # these change nothing but the time
OPEN = frozenset(("implicit", "tiles", "portion"))  # whose best value is not known for good


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


def all_values() -> list[str]:
    """Every "NAME=VALUE"."""
    return [f"{name}={value}" for name, values in SWITCHES.items() for value in values]


def of_numbers(precision: str) -> list[str]:
    """Those that change what is computed in this precision."""
    return [word for word in _of(precision) if word.partition("=")[0] not in SAME_NUMBERS]


def of_time(precision: str) -> list[str]:
    """Those whose time in this precision decides something."""
    return [word for word in _of(precision) if word.partition("=")[0] in OPEN]


def _of(precision: str) -> list[str]:
    return [word for word in all_values()       # the implicit product is one of TF32
            if precision == "high" or "implicit" not in word]
