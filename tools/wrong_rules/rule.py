"""A wrong rule: a forward on NumPy arrays, a vjp with one mistake, and the name of the mistake."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.wrong_rules.kinds import KINDS

Arrays = tuple[np.ndarray, ...]
Draw = Callable[[np.random.Generator], Arrays]
Forward = Callable[..., Any]
Vjp = Callable[..., Any]


@dataclass(frozen=True)
class WrongRule:
    """One mistake.

    `pair()` gives forward and vjp: `forward(*arguments)` returns an array, `vjp(g, *arguments)` a
    tuple with one gradient per argument. Every call of `pair` creates both again, because some
    mistakes are in their state.
    """

    kind: str
    name: str
    make: Callable[[], tuple[Forward, Vjp]]
    draw: Draw

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is not a kind of mistake")

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"

    def pair(self) -> tuple[Forward, Callable[..., tuple]]:
        forward, vjp = self.make()

        def gradients(g: np.ndarray, *arguments: np.ndarray) -> tuple:
            found = vjp(g, *arguments)
            return found if isinstance(found, tuple) else (found,)
        return forward, gradients

    def arguments(self, seed: int = 0) -> Arrays:
        """Fresh arrays to check the rule with; the same for the same seed."""
        return self.draw(np.random.default_rng(seed))


def rules(kind: str, rows: Iterable[tuple[str, Forward, Vjp, Draw]]) -> list[WrongRule]:
    """Rules without a memory, from rows of (name, forward, vjp, arguments)."""
    def remade(forward: Forward, vjp: Vjp) -> Callable[[], tuple[Forward, Vjp]]:
        return lambda: (forward, vjp)
    return [WrongRule(kind, name, remade(forward, vjp), draw) for name, forward, vjp, draw in rows]


def normal(*shapes: tuple[int, ...]) -> Draw:
    return lambda rng: tuple(rng.standard_normal(shape) for shape in shapes)


def positive(*shapes: tuple[int, ...]) -> Draw:
    """Between 0.5 and 2."""
    return lambda rng: tuple(rng.uniform(0.5, 2, shape) for shape in shapes)


def fractions(*shapes: tuple[int, ...]) -> Draw:
    """Between 0.1 and 0.9."""
    return lambda rng: tuple(rng.uniform(0.1, 0.9, shape) for shape in shapes)


def complex_normal(*shapes: tuple[int, ...]) -> Draw:
    return lambda rng: tuple(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
                             for shape in shapes)
