"""Early stopping: end a scale when the loss no longer falls."""

from __future__ import annotations

import math


class StopSearch(Exception):
    """Raised inside a line search that is not to go on; see `Patience`."""


class Patience:
    """Counts the iterations that pass without the loss falling.

    Parameters
    ----------
    iterations : int or None
        How many may; None is any number.
    min_delta : float
        The least fall that counts, as a share of the lowest loss so far: losses of different
        norms and sizes are 10⁻¹ or 10¹³.
    """

    def __init__(self, iterations: int | None, min_delta: float) -> None:
        self.iterations = iterations
        self.min_delta = min_delta
        self.lowest = math.inf
        self.waited = 0

    def add(self, total: float) -> None:
        """Take in the loss of one more iteration."""
        if self.lowest == math.inf or total < self.lowest - self.min_delta * abs(self.lowest):
            self.lowest, self.waited = total, 0
        else:
            self.waited += 1

    @property
    def is_over(self) -> bool:
        return self.iterations is not None and self.waited >= self.iterations

    def __str__(self) -> str:
        much = f"by {self.min_delta:.3g} of itself " if self.min_delta else ""
        return f"the loss has not fallen {much}for {self.iterations} iterations"
