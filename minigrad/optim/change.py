"""The change from one point of a descent to another."""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.optim.vectors import cuda_kernels, inner, largest, on_host

Place = tuple[Any, Any]         # a point x and the gradient there, two vectors of length n


def change(start: Place, end: Place, direction: Any, work: Any) -> Change:
    """The change from `start` to `end`, which lies along `direction`.

    `work` is a vector to compute in. On a CUDA device all numbers are computed at once, because
    the host waits as long for one as for five.
    """
    kernels = cuda_kernels("lbfgs", direction)
    if kernels:
        return ChangeOnDevice(kernels, start, end, direction)
    return Change(start, end, direction, work)


class Change:
    """The change from `start` to `end`: numbers are computed on request."""

    def __init__(self, start: Place, end: Place, direction: Any, work: Any) -> None:
        self.start, self.end, self.direction, self.work = start, end, direction, work

    def slope(self) -> float:
        """⟨gradient, direction⟩ at the end."""
        return float(inner(self.end[1], self.direction))

    def pair(self, s: Any, y: Any) -> list[float]:
        """Write the changes of x and of the gradient into `s` and `y`.

        Returns ⟨s, gradient at the start⟩, ⟨s, y⟩, max |s|, and max |gradient| at the end.
        """
        (x, gradient), (end, there) = self.start, self.end
        xp = array_module(s)
        # The actual step after rounding x; step·direction may differ in float32.
        xp.subtract(end, x, out=s)
        xp.subtract(there, gradient, out=y)
        return on_host(inner(s, gradient), inner(s, y), largest(s, self.work),
                       largest(there, self.work))


class ChangeOnDevice(Change):
    """A `Change` by CUDA kernels; creating one waits for the device once."""

    def __init__(self, kernels: Any, start: Place, end: Place, direction: Any) -> None:
        self.kernels, self.start, self.end = kernels, start, end
        self.numbers = kernels.compare(*start, *end, direction)

    def slope(self) -> float:
        return self.numbers[0]

    def pair(self, s: Any, y: Any) -> list[float]:
        self.kernels.pair(*self.start, *self.end, s, y)
        return self.numbers[1:]
