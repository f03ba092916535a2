"""Named switches that select the engine's algorithms, so that one run measures all of them.

A new switch is one line in `SWITCHES`: ::

    "sums": attribute("minigrad.kernels.cuda.vectors", "MAX_BLOCKS", {"few": 256}),

gpu.py checks the results with each value of each switch, and times an evaluation with those whose
best value is still undecided. `--set NAME=VALUE` applies one to all of its parts.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from minigrad import conv_algorithm
from minigrad.errors import ArgumentError
from minigrad.kernels.cuda.blas import PRECISIONS

Switch = dict[str, Callable[[], AbstractContextManager[Any]]]      # by value


def attribute(module: str, name: str, values: dict[str, Any]) -> Switch:
    """Return a switch that sets an attribute of a module to each of these values."""
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


def both_directions(forward: int, backward: int) -> dict[str, tuple[int, int]]:
    """Return Winograd tiles m for both directions, for any precision; 0 means im2col."""
    return dict.fromkeys(PRECISIONS, (forward, backward))


CUDA = "minigrad.kernels.cuda"
SWITCHES: dict[str, Switch] = {
    "conv": {name: lambda name=name: conv_algorithm(name) for name in ("im2col", "implicit")},
    "implicit": attribute(f"{CUDA}.conv", "MAX_IMPLICIT", {"never": 0, "64": 64, "128": 128}),
    "tiles": attribute(f"{CUDA}.conv", "TILE", {
        "F(4)": both_directions(4, 4), "F(4) and F(6)": both_directions(4, 6),
        "F(6)": both_directions(6, 6)}),
    "portion": attribute(f"{CUDA}.winograd", "MIN_PORTION", {
        f"{size} MB": size << 20 for size in (96, 256, 1024)}),
    "pooling": attribute(f"{CUDA}.pool2", "fits", {"general": lambda *_: False}),
    "bands": attribute(f"{CUDA}.moments", "BAND", {
        f"{size} MB": size << 18 for size in (16, 256, 1024)}),
    "roots": attribute(f"{CUDA}.eigen", "TOGETHER", {"apart": 1, "32 MB": 1 << 22}),
    # If no array counts as one of a device, gradients of losses are computed first, then added.
    "addition": attribute("minigrad.kernels.addend", "is_cuda", {"apart": lambda _: False}),
}
TIME_ONLY = frozenset(("portion", "pooling", "bands", "roots"))     # these change only the time
UNDECIDED = frozenset(("implicit", "tiles", "portion"))     # their best value is not known yet
OF_DEFAULTS = frozenset(("bands", "roots"))                 # they concern the default loss only


def active(words: Iterable[str]) -> AbstractContextManager[Any]:
    """Return a context manager within which all of these "NAME=VALUE" apply.

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
    """Return every "NAME=VALUE"."""
    return [f"{name}={value}" for name, values in SWITCHES.items() for value in values]


def changing_numbers(precision: str) -> list[str]:
    """Return the values that change the numbers computed in this precision."""
    return [word for word in _of(precision) if word.partition("=")[0] not in TIME_ONLY]


def undecided(precision: str) -> list[str]:
    """Return the values of undecided switches that apply to this precision."""
    return [word for word in _of(precision) if word.partition("=")[0] in UNDECIDED]


def of_defaults() -> list[str]:
    """Return the values of switches that matter to the default style loss only."""
    return [word for word in all_values() if word.partition("=")[0] in OF_DEFAULTS]


def _of(precision: str) -> list[str]:
    return [word for word in all_values()       # the implicit product exists in TF32 only
            if precision == "high" or "implicit" not in word]
