"""How far rounding alone may carry ⟨Jᵀ·v, u⟩ from ⟨v, J·u⟩, for a function linear in an input.

The error of a sum of n products is n·ε/(1 − n·ε) times the sum of the absolute products (Higham,
Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). Intermediate values may be as
large as those of the largest slope, and cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.check.plain.differentiable import Arrays, Differentiable

USEFUL = 2.0 ** -20     # a bound above this part of the values says nothing
_EPS = float(np.finfo(np.float64).eps) / 2
_DEPTH = 16             # roundings of one product besides those of the sum
_CHANGE = 2.0 ** -36    # of the other inputs, relative, to see how much their rounding matters
_PERTURBED = 3          # changes that are tried
_SENSITIVE = 64         # a slope that changes by more than this times its inputs, relatively ...
_ILL = 256              # ... is left to algorithms that are less than perfectly stable


def value_at(function: Differentiable, others: Arrays, place: int, array: np.ndarray
           ) -> np.ndarray | None:
    """F with another value of one input; None if it cannot be computed there."""
    arrays = [np.array(other) for other in others]
    arrays[place] = np.array(array)
    try:
        values = function.values(arrays)
    except Exception:       # the function may not be defined there
        return None
    return values if np.isfinite(values).all() else None


def dot(one: np.ndarray, two: np.ndarray) -> float:
    """Σ one·two, in extended precision where the machine has it."""
    return float(np.asarray(one, np.longdouble) @ np.asarray(two, np.longdouble))


def gamma(n: int) -> float:
    """The relative error of a sum of n products."""
    return (n + _DEPTH) * _EPS / (1 - (n + _DEPTH) * _EPS)


@dataclass
class Trial:
    """One trial: integers as inputs, a direction u of one input, an upstream gradient v."""

    function: Differentiable
    arrays: Arrays
    place: int
    u: np.ndarray
    v: np.ndarray
    index: int | None

    @property
    def x(self) -> np.ndarray:
        return self.arrays[self.place]

    def value(self, array: np.ndarray, others: Arrays | None = None) -> np.ndarray | None:
        """F with another value of the input along which u points."""
        return value_at(self.function, others or self.arrays, self.place, array)


def bound_of(trial: Trial, gradient: np.ndarray, exact: bool) -> float | None:
    """The largest difference that rounding can explain, from the columns of J.

    Parameters
    ----------
    exact : whether the function itself rounds nothing, so that only the rule may.
    """
    x, u, v = trial.x, trial.u, trial.v
    zero = np.zeros(x.shape) if trial.index is None else x
    base = trial.value(zero)
    if base is None:
        return None
    used = np.flatnonzero(u)
    total = rows = largest = 0.0
    for i in used:
        unit = zero.copy()
        unit.reshape(-1)[i] += 1.0
        column = trial.value(unit)
        if column is None:
            return None
        size = float(np.abs(v) @ np.abs(column - base))
        largest = max(largest, float(np.abs(column - base).max(initial=0.0)))
        total += (2 * abs(x.reshape(-1)[i]) + abs(u.reshape(-1)[i])) * size
        rows += abs(u.reshape(-1)[i]) * size
    claimed = float(np.abs(gradient[used]) @ np.abs(u.reshape(-1)[used]))
    within = gamma(v.size) * max(rows, claimed) + _conditioning(trial)
    if largest == 0:            # constant here: what a rule rounds has the size of F / x
        within += gamma(x.size + v.size) * float(np.abs(u).sum() * (np.abs(base) @ np.abs(v)))
    if exact:
        return within
    if largest < USEFUL:       # what is left after larger values have cancelled
        return None
    total *= x.size / max(1, len(used)) if trial.index is None else 1
    total += largest * float(np.abs(v).sum() * (np.abs(x).max() + np.abs(u).max()))
    return gamma(x.size) * (total + 3 * float(np.abs(base) @ np.abs(v))) + within


def _conditioning(trial: Trial) -> float:
    """The effect of rounding the other inputs, such as the matrix of a linear system.

    A stable algorithm solves exactly a problem whose inputs differ from the given ones by
    roundings (Higham, section 1.5); no rule can do better.
    """
    if len(trial.arrays) == 1:
        return 0.0

    def slope(arrays: Arrays) -> float | None:
        ends = [trial.value(end, arrays) for end in (trial.x, trial.x + trial.u)]
        if ends[0] is None or ends[1] is None or ends[0].shape != trial.v.shape:
            return None
        return dot(trial.v, ends[1] - ends[0])

    return _sensitivity(slope, trial.arrays, np.abs, trial.place)


def rounding_of_claim(function: Differentiable, place: int, u: np.ndarray, upstream: Arrays
                      ) -> float:
    """The effect of rounding the inputs on the claimed slope along u of one of them."""
    def slope(arrays: Arrays) -> float | None:
        try:
            gradient = function.vjp([array.copy() for array in arrays],
                                    [part.copy() for part in upstream])[place]
        except Exception:       # outside the domain of the function
            return None
        return dot(np.asarray(gradient, np.float64).ravel(), u.ravel())

    def largest(array: np.ndarray) -> float:
        return float(np.abs(array).max(initial=0.0))    # eliminations mix the rows of a matrix

    return _sensitivity(slope, function.point, largest)


def _sensitivity(slope: Callable[[Arrays], float | None], arrays: Arrays,
                 size_of: Callable[[np.ndarray], Any], fixed: int | None = None) -> float:
    """By how much a slope changes if the inputs are rounded, all but one of them or all.

    Parameters
    ----------
    size_of : the numbers in proportion to which the elements of an array are rounded.
    """
    at_point, size = slope(arrays), 0.0
    if at_point is None:
        return 0.0
    rng = np.random.default_rng(0)
    for _ in range(_PERTURBED):
        changed = [array if i == fixed else array + _CHANGE * size_of(array) * rng.choice(
            [-1.0, 1.0], array.shape) for i, array in enumerate(arrays)]
        there = slope(changed)
        if there is None or not np.isfinite(there - at_point):
            return 0.0
        size = max(size, abs(there - at_point) / _CHANGE)
    safety = _ILL if size > _SENSITIVE * abs(at_point) else 4
    return safety * gamma(max(array.size for array in arrays)) * size
