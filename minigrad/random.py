"""The engine's random numbers.

They are drawn on the host whatever the device, so that a seed means the same numbers on a CPU
and on a GPU.
"""

from __future__ import annotations

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.printable import shown

_generator: np.random.Generator | None = None      # made when first used: its import takes time


def manual_seed(seed: int | None) -> None:
    """Start the random numbers from `seed`; None takes fresh entropy from the system."""
    global _generator
    if seed is not None and not (isinstance(seed, (int, np.integer)) and seed >= 0):
        raise ArgumentError(f"manual_seed takes a whole number of at least 0, not {shown(seed)}")
    _generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The generator behind `rand`, `randn`, initializers and dropout."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator
