"""Line search: find a step that satisfies the strong Wolfe conditions.

With φ(α) = f(x + α·d) a step α is good if

    φ(α) ≤ φ(0) + c₁·α·φ'(0)        (sufficient decrease)
    |φ'(α)| ≤ c₂·|φ'(0)|            (the slope is flatter: α is not too short)

Moré and Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20
(1994), keep an interval that holds good steps and shrink it by cubic and quadratic
interpolation; see also Nocedal and Wright, "Numerical Optimization" (2006), section 3.5.
The search requests one evaluation at a time, and its state is a few numbers, so the caller can
stop after any evaluation and save it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

MAX_TRIALS = 20
MAX_STEP = 1e10             # times the first step: beyond it the function has no minimum
FRACTION = 0.66             # of an interval: largest part covered by one step


class Point(NamedTuple):
    """φ at one step: its value and its slope φ'."""

    step: float
    value: float
    slope: float


SEARCHING, FOUND, STALLED = "searching", "found", "stalled"


class LineSearch:
    """A line search in progress; evaluate φ at `step` and `tell` the result.

    Parameters
    ----------
    loss, slope : φ(0) and φ'(0) < 0.
    step : the first trial, > 0.
    c1, c2 : constants of the Wolfe conditions, 0 < c₁ < c₂ < 1.
    narrowest : width of the interval, relative to its end, at which the search gives up; the
        iteration then takes the best step so far.
    noise : how far rounding may move a value of φ, in its units. Where two values differ by
        less, their difference is taken from the slopes: (φ'(0) + φ'(α))·α/2. The condition of
        sufficient decrease then reads (2c₁ − 1)·φ'(0) ≥ φ'(α), which is the "approximate Wolfe"
        condition of Hager and Zhang, SIAM J. Optim. 16 (2005), eq. 4.1, and the search does not
        stall where rounding hides the fall of a float32 loss.
    """

    def __init__(self, loss: float, slope: float, step: float, c1: float = 1e-3, c2: float = 0.9,
                 noise: float = 0.0, narrowest: float = 0.1) -> None:
        self.c1, self.c2, self.noise, self.narrowest = c1, c2, noise, narrowest
        self.step = step
        self.start = self.low = self.high = Point(0.0, loss, slope)
        self.bracketed = False          # whether [low, high] is known to hold a good step
        self.descending = True          # no decrease followed by a rising slope has been seen yet
        self.smallest, self.largest = 0.0, 5 * step         # bounds of the next trial
        self.limit = MAX_STEP * step
        self.width, self.width_before = self.limit, 2 * self.limit
        self.trials = 0

    def tell(self, loss: float, slope: float) -> str:
        """Process φ and φ' at `step`.

        Returns
        -------
        str : FOUND (the step is good), SEARCHING (evaluate at the new `step`), or STALLED
            (rounding hides any better step).
        """
        self.trials += 1
        if not (math.isfinite(loss) and math.isfinite(slope)):
            self._retreat()
            return STALLED if self.trials >= MAX_TRIALS else SEARCHING
        trial = Point(self.step, self._without_noise(loss, slope), slope)
        allowed = self._line(trial.step)
        if trial.value <= allowed and abs(slope) <= self.c2 * abs(self.start.slope):
            return FOUND
        at_limit = trial.step == self.limit and trial.value <= allowed and slope < 0
        if self.trials >= MAX_TRIALS or at_limit:
            return STALLED
        if self.descending and trial.value <= allowed and slope >= 0:
            self.descending = False
        try:
            if self.descending and allowed < trial.value <= self.low.value:
                self._update_tilted(trial)
            else:
                self._update(trial)
        except ArithmeticError:         # two points coincide, so there is nothing to interpolate
            return STALLED
        return SEARCHING if self._bound() else STALLED

    def _line(self, step: float) -> float:
        """The largest value with sufficient decrease at `step`."""
        return self.start.value + self.c1 * step * self.start.slope

    def _without_noise(self, loss: float, slope: float) -> float:
        if abs(loss - self.start.value) > self.noise:
            return loss
        return self.start.value + (self.start.slope + slope) * self.step / 2

    def _retreat(self) -> None:
        """After a loss that is not finite: go back to a tenth of the step and limit later ones."""
        self.limit = self.step
        self.step = self.low.step + 0.1 * (self.step - self.low.step)

    # -- the interval

    def _update_tilted(self, trial: Point) -> None:
        """Update with ψ(α) = φ(α) − c₁·α·φ'(0) in place of φ (the paper's first stage).

        While no step decreases φ enough, ψ leads to one that does; φ might not.
        """
        tilt = self.c1 * self.start.slope

        def tilted(p: Point, sign: float) -> Point:
            return Point(p.step, p.value - sign * p.step * tilt, p.slope - sign * tilt)

        self.low, self.high = tilted(self.low, 1), tilted(self.high, 1)
        self._update(tilted(trial, 1))
        self.low, self.high = tilted(self.low, -1), tilted(self.high, -1)

    def _update(self, trial: Point) -> None:
        """Choose the next step, then let `trial` replace an end of the interval."""
        low = self.low
        turned = trial.slope * low.slope < 0
        self.step = self._next_step(trial, turned)
        if trial.value > low.value:
            self.high = trial
            self.bracketed = True
        else:
            if turned:
                self.high = low
                self.bracketed = True
            self.low = trial

    def _next_step(self, trial: Point, turned: bool) -> float:
        """The likely minimum by the four cases of section 4 of the paper."""
        low, high = self.low, self.high
        if trial.value > low.value:
            # 1. It rose: the minimum lies between. The cubic, unless the quadratic is closer.
            cubic, square = cubic_minimum(low, trial), quadratic_minimum(low, trial)
            near = abs(cubic - low.step) < abs(square - low.step)
            return cubic if near else cubic + (square - cubic) / 2
        if turned:
            # 2. It fell, and the slope changed sign: between, too. The one farther from trial.
            cubic, secant = cubic_minimum(low, trial), secant_minimum(low, trial)
            return cubic if abs(cubic - trial.step) > abs(secant - trial.step) else secant
        beyond = self.largest if trial.step > low.step else self.smallest
        if abs(trial.slope) < abs(low.slope):
            # 3. It fell and the slope got flatter: the minimum lies ahead, if there is one.
            cubic, secant = cubic_minimum(low, trial, beyond), secant_minimum(low, trial)
            near = abs(cubic - trial.step) < abs(secant - trial.step)
            if not self.bracketed:
                farther = secant if near else cubic
                return min(max(farther, self.smallest), self.largest)
            step = cubic if near else secant
            bound = trial.step + FRACTION * (high.step - trial.step)
            return min(step, bound) if trial.step > low.step else max(step, bound)
        # 4. It fell ever more steeply: as far as allowed, or to the other end of the interval.
        return cubic_minimum(trial, high) if self.bracketed else beyond

    def _bound(self) -> bool:
        """Clip the next step to its bounds; return False if the interval is too small."""
        low, high = self.low.step, self.high.step
        if self.bracketed:
            if abs(high - low) >= FRACTION * self.width_before:     # it shrinks too slowly: bisect
                self.step = low + 0.5 * (high - low)
            self.width_before, self.width = self.width, abs(high - low)
            self.smallest, self.largest = min(low, high), max(low, high)
        else:
            self.smallest = self.step + 1.1 * (self.step - low)
            self.largest = self.step + 4 * (self.step - low)
        self.step = min(max(self.step, 0.0), self.limit)
        return not self.bracketed or (
            self.smallest < self.step < self.largest
            and self.largest - self.smallest > self.narrowest * self.largest)

    # -- saving

    def state(self) -> dict[str, Any]:
        """The complete state, as numbers."""
        return {name: tuple(value) if isinstance(value, Point) else value
                for name, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> LineSearch:
        """Restore a search from its `state`."""
        search = cls(0.0, -1.0, 1.0)
        for name in vars(search):
            value = state[name]
            setattr(search, name, Point(*value) if isinstance(value, (tuple, list)) else value)
        return search


# ------------------------------------------------------- minima of interpolations


def cubic_minimum(a: Point, b: Point, beyond: float | None = None) -> float:
    """The minimum of the cubic through the values and slopes at `a` and `b`.

    Nocedal and Wright, eq. 3.59. `beyond` is returned for a minimum that is not on the far
    side of `b` (seen from `a`) or does not exist; without it, the minimum between them is returned.
    """
    theta = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    largest = max(abs(theta), abs(a.slope), abs(b.slope))
    # Divided by the largest, the squares can neither overflow nor vanish.
    root = (theta / largest) ** 2 - (a.slope / largest) * (b.slope / largest)
    gamma = math.copysign(largest * math.sqrt(max(root, 0.0)), b.step - a.step)
    span = b.slope - a.slope + 2 * gamma
    ratio = (gamma + b.slope - theta) / span if span else 0.0
    if beyond is not None and not (ratio < 0 and gamma):
        return beyond
    return b.step - ratio * (b.step - a.step)


def quadratic_minimum(a: Point, b: Point) -> float:
    """The minimum of the parabola through both values and the slope at `a`."""
    width = b.step - a.step
    return a.step + a.slope * width / (2 * ((a.value - b.value) / width + a.slope))


def secant_minimum(a: Point, b: Point) -> float:
    """Where the slope vanishes if it changes linearly from `a` to `b`."""
    return b.step + b.slope * (a.step - b.step) / (b.slope - a.slope)
