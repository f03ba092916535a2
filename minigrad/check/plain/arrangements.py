"""Check that a rule reads elements, not memory: the gradient is the same in any layout."""

from __future__ import annotations

import numpy as np

from minigrad.check.plain.differentiable import Arrays, Differentiable, flat
from minigrad.check.plain.invariants import check_gradients, close
from minigrad.check.plain.layouts import broadcast, rearranged, row_major
from minigrad.check.report import Failure


def check_layouts(function: Differentiable, upstream: Arrays, usual: Arrays, resolution: float
                  ) -> Failure | None:
    """Check that every layout of upstream gradients and inputs gives the row-major gradient.

    Parameters
    ----------
    usual : the gradients for `upstream`.
    resolution : relative errors below it are noise of the function.
    """
    layouts = _Layouts(function, usual, resolution)
    point = function.point
    for number, part in enumerate(upstream):
        for name, given in (*rearranged(part), *broadcast(part)):
            parts = list(upstream)
            parts[number] = given
            failure = layouts.compare(f"an upstream gradient that is {name}", point, parts)
            if failure is not None:
                return failure
    for place in range(function.parameters, len(point)):
        for name, given in rearranged(point[place]):
            arrays = list(point)
            arrays[place] = given
            failure = layouts.compare(f"{function.labels[place]} {name}", arrays, upstream)
            if failure is not None:
                return failure
    return None


class _Layouts:
    """Compares a function and its rule on arrays and on row-major copies of them."""

    def __init__(self, function: Differentiable, usual: Arrays, resolution: float) -> None:
        self.function = function
        self.sizes = [float(np.abs(gradient).max(initial=0.0)) for gradient in usual]
        self.resolution = resolution

    def compare(self, what: str, arrays: Arrays, upstream: Arrays) -> Failure | None:
        function, before = self.function, flat(upstream)
        point = [array.copy() for array in function.point]
        given = [array if array is not original else array.copy()
                 for array, original in zip(arrays, function.point)]
        try:
            values = function.values(given)
            gradients = function.vjp(given, upstream)
        except Exception as error:
            return Failure("layout", [f"{what} raises {type(error).__name__}: {error}"])
        failure = check_gradients(function, gradients)
        if failure is not None:
            failure.text[0] += f", for {what}"
            return failure
        if not np.array_equal(flat(upstream), before):
            return Failure("modified", [f"the rule wrote to the upstream gradient, for {what}"])
        if not self._alike(flat(function.forward(point)), values):
            return Failure("layout", [f"{what} gives a different result"])
        expected = function.vjp(point, [row_major(part) for part in upstream])
        for label, one, two, size in zip(function.labels, expected, gradients, self.sizes):
            if not self._alike(np.asarray(one, np.float64), np.asarray(two, np.float64), size):
                far = np.abs(np.asarray(one) - np.asarray(two)).max()
                return Failure("layout", [f"{what} gives a different gradient for {label}, by up "
                                          f"to {far:.3g}: the rule reads memory, not elements"])
        return None

    def _alike(self, one: np.ndarray, two: np.ndarray, size: float = 0.0) -> bool:
        """Whether noise and the order of summation can explain the difference of two results.

        Equal upstream gradients may cancel, so errors are relative to the usual gradients.
        """
        if close(one, two, size):
            return True
        size = np.abs(one).max(initial=size)
        return bool(np.abs(one - two).max(initial=0.0) <= 64 * self.resolution * size)
