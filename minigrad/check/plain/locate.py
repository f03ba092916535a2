"""Find the element of a Jacobian where a wrong gradient is worst, and measure a few around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minigrad.check.plain.differentiable import Differentiable, split
from minigrad.check.plain.line import HALVINGS, STEPS, best_slopes, sample_line, slopes

FULL = 4096         # up to this many elements of a Jacobian all of them are measured
_SHOWN = 64         # elements of a gradient that are measured for its diagnosis


@dataclass
class Worst:
    """One element of the Jacobian: its input and output element, claimed and measured."""

    index: int
    output: int
    claimed: float
    measured: float


class Locator:
    """Measures single elements of the Jacobian of one input.

    Parameters
    ----------
    scale : a step for each element.
    best : the window with the smallest error bar on the line where the disagreement was found.
    """

    def __init__(self, function: Differentiable, place: int, scale: np.ndarray,
                 best: int) -> None:
        self.function = function
        self.place = place
        self.scale = scale
        self.steps = STEPS[max(0, min(best - 2, HALVINGS - 8)):][:8]
        self.outputs = function.forward([array.copy() for array in function.point])
        self.m = sum(np.asarray(output).size for output in self.outputs)
        self.n = function.point[place].size

    def claimed(self, v: np.ndarray) -> np.ndarray:
        """The gradient by the rule for one upstream gradient."""
        gradients = self.function.vjp([array.copy() for array in self.function.point],
                                      split(v, self.outputs))
        return np.asarray(gradients[self.place], np.float64).ravel()

    def measured(self, index: int, v: np.ndarray) -> float:
        """∂(v·F)/∂x of one element."""
        return float(self._slopes(self._unit(index), v))

    def _unit(self, index: int) -> np.ndarray:
        u = np.zeros(self.n)
        u[index] = self.scale[index]
        return u

    def _slopes(self, u: np.ndarray, v: np.ndarray) -> float:
        shape = self.function.point[self.place].shape
        found = slopes(sample_line(self.function, self.place, u.reshape(shape), self.steps), v,
                       steps=self.steps)
        used = np.abs(u).max()
        return found.slope[found.best] / used if found.measurable else np.nan

    def column(self, index: int) -> np.ndarray:
        """∂F/∂x of one element of the input, by output."""
        shape = self.function.point[self.place].shape
        samples = sample_line(self.function, self.place, self._unit(index).reshape(shape),
                              self.steps)
        return best_slopes(samples, self.steps) / self.scale[index]

    def jacobians(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Claimed and measured Jacobian, m×n; None if they are large."""
        if self.n * self.m > FULL or self.n > FULL // 16:
            return None
        measured = np.stack([self.column(i) for i in range(self.n)], axis=1)
        claimed = np.stack([self.claimed(row) for row in np.eye(self.m)])
        return claimed, measured

    def worst(self, u: np.ndarray, v: np.ndarray) -> Worst:
        """Bisect a disagreement of v·J·u down to one element."""
        gradient = self.claimed(v)

        def input_gap(part: np.ndarray) -> float:
            direction = np.zeros(self.n)
            direction[part] = u.ravel()[part]
            size = np.abs(direction).max()
            return abs(self._slopes(direction, v) * size - float(gradient @ direction)) \
                if size else 0.0

        index = bisect(np.flatnonzero(u.ravel()), input_gap)
        column = self.column(index)

        def output_gap(part: np.ndarray) -> float:
            weights = np.zeros(self.m)
            weights[part] = v[part]
            return abs(self.claimed(weights)[index] - float(weights[part] @ column[part]))

        output = bisect(np.flatnonzero(v), output_gap)
        weights = np.zeros(self.m)
        weights[output] = 1.0
        return Worst(index, output, float(self.claimed(weights)[index]), float(column[output]))

    def some(self, v: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Measured elements of Jᵀv: their flat indices and values."""
        indices = np.arange(self.n) if self.n <= _SHOWN else np.sort(
            rng.choice(self.n, _SHOWN, replace=False))
        return indices, np.array([self.measured(int(i), v) for i in indices])


def bisect(indices: np.ndarray, gap: Callable[[np.ndarray], float]) -> int:
    """Bisect indices towards the larger gap down to one index; NaN counts as largest."""
    while len(indices) > 1:
        halves = np.array_split(indices, 2)
        gaps = [np.nan_to_num(gap(half), nan=np.inf) for half in halves]
        indices = halves[int(gaps[1] > gaps[0])]
    return int(indices[0])
