"""Early stopping: end a scale when the loss no longer falls."""

from __future__ import annotations

import math


class StopSearch(Exception):
    """Ends a line search; see `Patience`."""


class Patience:
    """Counts the iterations without a lower loss.

    Parameters
    ----------
    iterations : int or None
        Maximum number of such iterations; None: unlimited.
    min_delta : float
        Smallest decrease that counts, relative to the lowest loss. It is relative because losses
        of different norms and sizes range from 10⁻¹ to 10¹³.
    """

    def __init__(self, iterations: int | None, min_delta: float) -> None:
        self.iterations = iterations
        self.min_delta = min_delta
        self.lowest = math.inf
        self.waited = 0

    def add(self, total: float) -> None:
        """Record the loss of one more iteration."""
        if self.lowest == math.inf or total < self.lowest - self.min_delta * abs(self.lowest):
            self.lowest, self.waited = total, 0
        else:
            self.waited += 1

    @property
    def is_over(self) -> bool:
        return self.iterations is not None and self.waited >= self.iterations

    def __str__(self) -> str:
        amount = f"by {100 * self.min_delta:.3g} % " if self.min_delta else ""
        return f"the loss has not fallen {amount}for {self.iterations} iterations"
