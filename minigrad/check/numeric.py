"""Finite differences: measure the slope of a function from its values alone.

The error of the central difference  (F(x + h·u) − F(x − h·u)) / 2h  is h²/6 times the third
derivative, plus the rounding error of F divided by h. With h = 2⁻²⁰ both are near 10⁻¹⁰ for values
near one (Press et al., Numerical Recipes, section 5.7).
"""

from __future__ import annotations

import numpy as np

from minigrad.check.problem import Arrays, Problem

DEFAULT_EPS = 2.0 ** -20        # a power of two: x ± h is exact for most x
_SHRINK = 8.0


class Line:
    """F along a line through the point: t ↦ F(x + t·u), with u nonzero in one input only.

    Parameters
    ----------
    place : the checked input that varies.
    u : array, the direction, of that input's shape.
    """

    def __init__(self, problem: Problem, place: int, u: np.ndarray) -> None:
        self.problem = problem
        self.place = place
        self.u = u

    @classmethod
    def along_element(cls, problem: Problem, place: int, index: int) -> Line:
        """The line along which only element `index` of an input changes."""
        u = np.zeros(problem.point[place].shape)
        u.reshape(-1)[index] = 1.0
        return cls(problem, place, u)

    def __call__(self, t: float) -> np.ndarray:
        arrays = list(self.problem.point)
        arrays[self.place] = arrays[self.place] + t * self.u
        return self.problem.values(arrays)

    def slope(self, h: float) -> np.ndarray:
        """dF/dt at 0 by a central difference: a vector of length m.

        If F is not finite at ±h (for example a logarithm near 0), smaller steps are tried.
        """
        for _ in range(5):
            with np.errstate(all="ignore"):
                slope = (self(h) - self(-h)) / (2 * h)
            if np.isfinite(slope).all():
                break
            h /= _SHRINK
        return slope


def step(problem: Problem, place: int, eps: float) -> float:
    """The step for one input: `eps` times the input's magnitude, a power of two of at least 1."""
    array = problem.point[place]
    size = float(np.sqrt(np.mean(np.square(array)))) if array.size else 1.0
    return eps * 2.0 ** np.ceil(np.log2(max(1.0, size)))


def jacobian(problem: Problem, eps: float) -> Arrays:
    """∂F/∂x measured element by element: one m×n matrix per checked input."""
    blocks = []
    for place, array in enumerate(problem.point):
        h = step(problem, place, eps)
        columns = [Line.along_element(problem, place, j).slope(h) for j in range(array.size)]
        blocks.append(np.stack(columns, axis=1) if columns else np.zeros((0, 0)))
    return blocks
