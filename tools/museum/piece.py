"""A museum piece: a wrong gradient that was really published, re-created in a few lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.wrong_rules.kinds import KINDS as WRONG_RULE_KINDS

# Kinds in addition to those of `tools.wrong_rules`.
KINDS = WRONG_RULE_KINDS | {
    "counted_twice": "A path from the input to the output is counted twice.",
    "few_digits": "A constant has fewer digits than the numbers around it.",
    "input_layout": "The rule relies on the memory layout of an input.",
    "not_a_number": "The rule gives NaN or infinity where the derivative is finite.",
    "scale_ignored": "A factor that is an input or a parameter is treated as one.",
    "second_order": "The gradient is right, and its own derivative is not.",
    "special_point": "The rule is wrong at isolated points only.",
    "truncated_recurrence": "The gradient does not flow through all steps of a recurrence.",
    "wrong_count": "A mean is divided by the wrong number.",
    "wrong_function": "The rule differentiates another function than the forward computes.",
    "wrong_place": "Right numbers are written to the wrong place.",
    "wrong_statistics": "The rule uses other statistics than the forward did.",
    "cancellation": "A right formula loses all digits.",
}

Arrays = tuple[Any, ...]


@dataclass(frozen=True)
class Piece:
    """One wrong gradient.

    Attributes
    ----------
    report : "owner/repository#number" of the public report
    title : of the report, word for word
    kind : one of `KINDS`
    missed : why tests did not find it
    make : returns new functions `(forward, vjp)`: `forward(*arguments)` gives an array,
        `vjp(g, *arguments)` a tuple of gradients
    draw : fresh arguments from a random generator
    torch_function : for a piece that shows in PyTorch's second derivatives only, a function of
        torch tensors that takes the place of the pair
    page : an address, where there is no report; `report` is then a name
    """

    report: str
    title: str
    kind: str
    missed: str
    make: Callable[[], tuple[Callable[..., Any], Callable[..., Any]]]
    draw: Callable[[np.random.Generator], Arrays]
    torch_function: Callable[[], Callable[..., Any]] | None = None
    page: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is not a kind of mistake")

    def __str__(self) -> str:
        return self.report

    @property
    def link(self) -> str:
        """The address of the report; trackers redirect from issues to pull requests."""
        if self.page:
            return self.page
        repository, _, number = self.report.partition("#")
        return f"https://github.com/{repository}/issues/{number}"

    def pair(self) -> tuple[Callable[..., Any], Callable[..., tuple]]:
        forward, vjp = self.make()

        def gradients(g: Any, *arguments: Any) -> tuple:
            found = vjp(g, *arguments)
            return found if isinstance(found, tuple) else (found,)
        return forward, gradients

    def arguments(self, seed: int = 0) -> Arrays:
        return self.draw(np.random.default_rng(seed))


def piece(report: str, title: str, kind: str, missed: str, forward: Callable[..., Any],
          vjp: Callable[..., Any], draw: Callable[[np.random.Generator], Arrays]) -> Piece:
    """A piece whose functions remember nothing."""
    return Piece(report, title, kind, missed, lambda: (forward, vjp), draw)


def given(*values: Any) -> Callable[[np.random.Generator], Arrays]:
    """Arguments that are always the same."""
    return lambda rng: tuple(np.array(value, float) for value in values)
