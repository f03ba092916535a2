"""Evidence about a wrong rule: its gradients for any upstream gradient, measured Jacobians."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from minigrad.check.plain.differentiable import Arrays, Differentiable, flat, random_signed, split
from minigrad.check.plain.line import scales
from minigrad.check.plain.locate import Locator

LARGEST = 4096          # elements of a Jacobian that are measured
_MATCH = 1e-6           # relative error up to which two gradients count as the same


class Evidence:
    """A wrong rule under examination.

    Attributes
    ----------
    function : the function with the rule.
    outputs : its results; m numbers in all.
    v : upstream gradients, random vectors of length m.
    """

    def __init__(self, function: Differentiable, rng: np.random.Generator) -> None:
        self.function = function
        self.outputs = [np.asarray(output, np.float64)
                        for output in function.forward(self.arguments())]
        self.m = flat(self.outputs).size
        self.v = [random_signed(rng, self.m) for _ in range(3)]
        self._jacobians: dict[int, np.ndarray] = {}

    def arguments(self) -> Arrays:
        """Fresh copies of the inputs."""
        return [array.copy() for array in self.function.point]

    @property
    def small(self) -> bool:
        """Whether the Jacobians can be measured in full."""
        return all(array.size * self.m <= LARGEST for array in self.function.point)

    @cached_property
    def wrong(self) -> list[int]:
        """The inputs whose gradient is wrong."""
        return [p for p in range(len(self.function.point))
                if not same(self.claimed(p), self.right(p))]

    def claimed(self, place: int, v: np.ndarray | None = None, arrays: Arrays | None = None
                ) -> np.ndarray:
        """The gradient of one input by the rule."""
        v = self.v[0] if v is None else v
        arrays = self.arguments() if arrays is None else [array.copy() for array in arrays]
        result = self.function.vjp(arrays, split(v, self.outputs))[place]
        return np.asarray(result, np.float64).reshape(self.function.point[place].shape)

    def right(self, place: int, v: np.ndarray | None = None, arrays: Arrays | None = None
              ) -> np.ndarray:
        """The gradient of one input by the measured Jacobian."""
        v = self.v[0] if v is None else v
        shape = self.function.point[place].shape
        return (v @ self.jacobian(place, arrays)).reshape(shape)

    def jacobian(self, place: int, arrays: Arrays | None = None) -> np.ndarray:
        """∂F/∂x of one input, m×n, measured here or at another point."""
        if arrays is None:
            if place not in self._jacobians:
                self._jacobians[place] = _measured(self.function, place)
            return self._jacobians[place]
        return _measured(replace(self.function, point=arrays), place)

    def with_input(self, place: int, array: np.ndarray) -> Arrays:
        """The inputs with one replaced."""
        arrays = self.arguments()
        arrays[place] = np.ascontiguousarray(array)
        return arrays

    # -- functions of one output array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the only output; of a vector if there are several."""
        return self.outputs[0].shape if len(self.outputs) == 1 else (self.m,)

    @property
    def out(self) -> np.ndarray:
        return flat(self.outputs).reshape(self.shape)

    def upstream(self, i: int = 0) -> np.ndarray:
        return self.v[i].reshape(self.shape)

    def elementwise(self, place: int) -> bool:
        """Whether each output depends on the input element at its own place only."""
        jacobian = self.jacobian(place)
        if self.function.point[place].shape != self.shape:
            return False
        off = jacobian - np.diag(np.diag(jacobian))
        return bool(np.abs(off).max(initial=0.0) <= _MATCH * max(np.abs(jacobian).max(), 1e-300))


def _measured(function: Differentiable, place: int) -> np.ndarray:
    """A measured Jacobian; NaN where the function is not finite."""
    point = function.point[place]
    locator = Locator(function, place, scales(point).ravel(), best=6)
    if not point.size:
        return np.zeros((locator.m, 0))
    return np.stack([locator.column(i) for i in range(point.size)], axis=1)


def same(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two arrays agree to one part in a million of the largest element."""
    one, two = np.asarray(one), np.asarray(two)
    if one.shape != two.shape or not (np.isfinite(one).all() and np.isfinite(two).all()):
        return False
    size = max(np.abs(one).max(initial=0.0), np.abs(two).max(initial=0.0))
    return bool(np.abs(one - two).max(initial=0.0) <= _MATCH * size)


def ratio(one: np.ndarray, two: np.ndarray) -> float | None:
    """The constant k with one = k·two, or None."""
    one, two = np.ravel(one), np.ravel(two)
    if one.shape != two.shape or not np.isfinite(two).all() or not two.any():
        return None
    k = float(one @ two / (two @ two))
    return k if k and same(one, k * two) else None
