"""A right gradient, to see whether a checker raises a false alarm."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class RightFunction:
    """`forward(*arguments)` returns an array, `vjp(g, *arguments)` a tuple of gradients.

    source : "OpInfo", "scipy.special", "minigrad" or "awkward"
    """

    name: str
    source: str
    forward: Callable[..., Any]
    vjp: Callable[..., tuple]
    arguments: tuple[np.ndarray, ...]

    def __str__(self) -> str:
        return f"{self.source}: {self.name}"
