"""Judge one claimed slope: right, wrong, or cannot tell, with the reason.

Two readings of the same samples have to agree before a gradient is called wrong. The first treats
whatever does not shrink with the step as noise, the second trusts the smallest steps. They differ
for a function that is computed in float32 (the second sees stairs) and for one that oscillates
faster than the largest steps (the first sees noise).

The remainder of a right gradient, φ(h) − φ(−h) − 2h·claimed, falls like h³; that of a wrong
one like h. `order` is the exponent measured over all steps at which the remainder is above
the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from minigrad.check.plain.line import STEPS, Slopes

Kind = Literal["right", "wrong", "kink", "jump", "noise", "stairs", "undefined"]
_RUN = 3                    # successive windows that have to agree
_INFORMATIVE = 2.0 ** -10   # an error bar above this fraction of the slope is too wide
_ZERO = 2.0 ** -20          # the same for a slope of 0, as a fraction of the function's value
_EPS = float(np.finfo(np.float64).eps)


@dataclass
class Judgement:
    """The verdict of the samples along one line on one claimed slope.

    Attributes
    ----------
    kind : "right", "wrong", or the reason why it cannot be told.
    claimed, measured, bar : the slope by the rule, by the samples, and its error bar.
    resolution : a relative error of the claimed slope below this cannot be seen.
    order, halvings : the remainder falls like h to this power, over this many halvings of h.
    left, right : slopes from both sides, at a kink.
    """

    kind: Kind
    claimed: float
    measured: float
    bar: float
    resolution: float = 0.0
    order: float = np.nan
    halvings: int = 0
    left: float = np.nan
    right: float = np.nan

    @property
    def gap(self) -> float:
        return abs(self.claimed - self.measured)

    @property
    def beyond(self) -> bool:
        """Whether the claimed slope lies outside the range between those of both sides."""
        low, high = sorted((self.left, self.right))
        return not low - self.bar <= self.claimed <= high + self.bar


def assess(slopes: Slopes, claimed: float, magnitude: float, steps: np.ndarray = STEPS
           ) -> Judgement:
    """Judge a claimed slope.

    Parameters
    ----------
    magnitude : typical size of the slope if its parts do not cancel.
    """
    if not slopes.measurable:
        return Judgement("undefined", claimed, np.nan, np.inf)
    best = slopes.best
    measured, bar = float(slopes.slope[best]), float(slopes.bar[best])
    result = Judgement("noise", claimed, measured, bar)
    if not np.isfinite(claimed):
        result.kind = "wrong"
        return result
    scale = max(abs(measured), abs(claimed), magnitude)
    coarse = _reading(slopes.slope, slopes.bar, claimed, scale, slopes.size)
    finest = _resolved(slopes)
    fine = _reading(slopes.slope, finest, claimed, scale, slopes.size)
    if coarse != "confirms" and np.isfinite(finest).any():
        best = int(np.argmin(finest))
        result.measured, result.bar = float(slopes.slope[best]), float(finest[best])
    if scale:
        result.resolution = min(1.0, result.bar / scale)
    kink = _kink(slopes)
    if kink is not None:
        return _at_kink(slopes, claimed, kink, fine)
    result.order, result.halvings = _order(slopes, claimed, steps)
    if ("contradicts" not in (coarse, fine) and "confirms" in (coarse, fine)) or fine == "confirms":
        result.kind = "right"
    elif coarse != "confirms" and "contradicts" in (coarse, fine):
        result.kind = "wrong"
    if result.kind != "right" and _jumps(slopes):
        result.kind = "jump"
    return result


def _reading(slope: np.ndarray, bars: np.ndarray, claimed: float, scale: float, size: float) -> str:
    """Read one series of slopes with error bars: "confirms", "contradicts" or "unclear"."""
    if not np.isfinite(bars).any():
        return "unclear"
    best = int(np.nanargmin(np.where(np.isfinite(bars), bars, np.nan)))
    bar, gap = bars[best], abs(claimed - slope[best])
    if gap <= bar:
        informative = bar <= _INFORMATIVE * scale or (
            bar <= _ZERO * size and abs(claimed) <= _EPS * size)
        return "confirms" if informative else "unclear"
    apart = np.abs(claimed - slope) > 2 * bars
    starts = range(max(0, best - _RUN + 1), best + 1)
    return "contradicts" if any(apart[k:k + _RUN].all() and k + _RUN <= len(apart)
                                for k in starts) else "unclear"


def _resolved(slopes: Slopes) -> np.ndarray:
    """Error bars that ignore noise seen at larger steps; infinite except at the smallest steps.

    From the smallest step at which the function varies, windows are added as long as all of them
    agree on one slope.
    """
    bars = np.full(len(slopes.slope), np.inf)
    low, high = -np.inf, np.inf
    for k in range(len(bars) - 1, -1, -1):
        bar = slopes.raw_bar[k]
        if not slopes.varies[k] or not np.isfinite(bar):
            continue
        low, high = max(low, slopes.slope[k] - bar), min(high, slopes.slope[k] + bar)
        if low > high:
            break
        bars[k] = bar
    return bars


def _kink(slopes: Slopes) -> int | None:
    """The window with the clearest bend, if the bend persists at the smallest steps; else None."""
    bars = np.where(np.isfinite(slopes.bend_bar), slopes.bend_bar, np.inf)
    if not np.isfinite(bars).any():
        return None
    size = abs(slopes.bend[int(np.argmin(bars))])
    clear = np.flatnonzero(bars < size / 4)
    if len(clear) < _RUN:
        return None
    last = clear[-_RUN:]
    bends = slopes.bend[last]
    constant = np.ptp(bends) <= 0.25 * np.abs(bends).max() and (np.abs(bends) > bars[last]).all()
    return int(np.argmin(bars)) if constant else None


def _at_kink(slopes: Slopes, claimed: float, window: int, fine: str) -> Judgement:
    """Judge at a kink, where there is no derivative; a kink merely nearby does not count."""
    mean, half = float(slopes.slope[window]), float(slopes.bend[window]) / 2
    bar = float(slopes.bar[window] + slopes.bend_bar[window])
    result = Judgement("kink", claimed, mean, bar, left=mean - half, right=mean + half)
    flat = not slopes.varies[-_RUN - 2:].any()
    if fine == "confirms" or (flat and claimed == 0 and bar >= min(
            abs(result.left), abs(result.right))):
        result.kind = "right"       # the kink is near, not here
    return result


def has_corner(slopes: Slopes) -> bool:
    """Whether the function has a kink or a jump at the point."""
    return slopes.measurable and (_kink(slopes) is not None or _jumps(slopes))


def _jumps(slopes: Slopes) -> bool:
    """Whether the odd part of the function stays the same as the step goes to 0."""
    tail = slopes.odd[-8:]
    return bool(np.isfinite(tail).all() and np.abs(tail).min() > 0
                and np.ptp(tail) <= 0.1 * np.abs(tail).max())


def _order(slopes: Slopes, claimed: float, steps: np.ndarray) -> tuple[float, int]:
    """The exponent with which the remainder falls, and over how many halvings it was measured."""
    remainder = np.abs(slopes.odd - steps * claimed)
    above = np.isfinite(remainder) & (remainder > 32 * slopes.noise)
    chosen = np.flatnonzero(above)[-24:]
    if len(chosen) < _RUN:
        return np.nan, 0
    order = np.polyfit(np.log2(steps[chosen]), np.log2(remainder[chosen]), 1)[0]
    return float(order), len(chosen) - 1
