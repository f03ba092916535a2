"""Is a disagreement the rule's fault, or has the function no derivative at this point?

Called only when a claimed slope and the measured one differ. The function is then looked at
along that line at seven step sizes, each with nine points; a parabola is fitted to either
side. What separates the cases is how things change as the step h shrinks:

    smooth      the two sides' slopes approach each other like h²
    kink        they keep a constant difference (relu at 0, a tie in max)
    jump        it grows like 1/h, the height of the step standing still (sign at 0)
    rounding    it grows like 1/h too, but is no larger than the scatter about the parabolas

So a smooth function is never taken for a kinked one, however wrong its rule. The idea of
judging by the residual of a fit is Chainer's (`gradient_check.py`, `_CheckBackward`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

FACTORS = tuple(8.0 ** k for k in range(4, -3, -1))     # times the usual step: large to small
_SIDE = np.arange(5) / 4                                # sample points on one side, times h
_PARABOLA = np.stack([np.ones(5), _SIDE, _SIDE ** 2], axis=1)
_CUBIC = np.stack([_SIDE[1:], _SIDE[1:] ** 3], axis=1)  # for the odd part of both sides
_FIT_SIDE = np.linalg.pinv(_PARABOLA)
_FIT_OUTSIDE = np.linalg.pinv(_PARABOLA[1:])            # the same without the point itself
_FIT_ODD = np.linalg.pinv(_CUBIC)


@dataclass
class Look:
    """What the function does at one step size.

    Attributes
    ----------
    slope : derivative at 0 from both sides together, exact for polynomials up to t⁴.
    left, right : one-sided derivatives.
    jump : difference of the two sides' values at 0, by extrapolation from outside.
    noise : how far off the one-sided slopes can be because of scatter and rounding.
    jump_noise : the same for `jump`.
    """

    h: float
    slope: float
    left: float
    right: float
    jump: float
    noise: float
    jump_noise: float

    @classmethod
    def nothing(cls, h: float) -> Look:
        """What is known where the function is not finite."""
        return cls(h, *[float("nan")] * 6)

    @property
    def bend(self) -> float:
        return self.right - self.left


@dataclass
class Verdict:
    """`kind` is "agrees", "kink", "jump", "noise" or "wrong"; `look` the best evidence,
    `looks` all of it, from the largest step to the smallest."""

    kind: str
    look: Look
    looks: list[Look] = field(default_factory=list)


def judge(phi: Callable[[float], float], claimed: float, h: float,
          allowed: Callable[[float], float], rounding: float) -> Verdict:
    """Decide between a wrong rule and a point without a derivative.

    Parameters
    ----------
    phi : t ↦ φ(t) − φ(0), the function along a line.
    claimed : dφ/dt at 0 as the rules have it.
    h : the usual step.
    allowed : tolerance for a measured slope.
    rounding : the rounding error to expect in one value of φ.
    """
    looks = [look_at(phi, h * factor, rounding) for factor in FACTORS]
    looks = [look for look in looks if np.isfinite([look.slope, look.bend]).all()]
    if not looks:
        return Verdict("wrong", Look.nothing(h))
    for look in reversed(looks):
        if abs(look.slope - claimed) <= allowed(look.slope):
            return Verdict("agrees", look)
    found = _stands_still(looks, [(look.bend, look.noise) for look in looks])
    if found is not None:
        return Verdict("kink", found)
    found = _stands_still(looks, [(look.jump, look.jump_noise) for look in looks])
    if found is not None:
        return Verdict("jump", found)
    best = min(looks, key=lambda look: look.noise + _drift(look, looks))
    doubt = best.noise + _drift(best, looks)
    return Verdict("noise" if 3 * doubt > abs(best.slope - claimed) else "wrong", best, looks)


def look_at(phi: Callable[[float], float], h: float, rounding: float) -> Look:
    """Sample nine points from −h to h and fit both sides."""
    with np.errstate(all="ignore"):
        right = np.array([phi(h * s) for s in _SIDE])
        left = np.array([0.0] + [phi(-h * s) for s in _SIDE[1:]])
        if not (np.isfinite(right).all() and np.isfinite(left).all()):
            return Look.nothing(h)
        fit_right, scatter_right = _fit(right, _PARABOLA, _FIT_SIDE)
        fit_left, scatter_left = _fit(left, _PARABOLA, _FIT_SIDE)
        odd, _ = _fit((right[1:] - left[1:]) / 2, _CUBIC, _FIT_ODD)
        from_right, off_right = _fit(right[1:], _PARABOLA[1:], _FIT_OUTSIDE)
        from_left, off_left = _fit(left[1:], _PARABOLA[1:], _FIT_OUTSIDE)
    return Look(h=h, slope=odd[0] / h, left=-fit_left[1] / h, right=fit_right[1] / h,
                jump=from_right[0] - from_left[0],
                noise=(6 * max(scatter_right, scatter_left) + 8 * rounding) / h,
                jump_noise=6 * max(off_right, off_left) + 8 * rounding)


def _fit(values: np.ndarray, design: np.ndarray, solve: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients of a least-squares fit, and the largest residual."""
    coefficients = solve @ values
    return coefficients, float(np.abs(design @ coefficients - values).max())


def _stands_still(looks: list[Look], measured: list[tuple[float, float]]) -> Look | None:
    """The smallest of three neighbouring step sizes at which a quantity is the same, above noise.

    From one size to the next a bend that comes from curvature shrinks at least eightfold,
    and one that comes from rounding grows eightfold.
    """
    for last in range(len(looks), 2, -1):
        values, noise = np.array(measured[last - 3:last]).T
        clear = (np.abs(values) > 5 * noise).all()
        if clear and np.ptp(values) <= 0.25 * np.abs(values).max():
            return looks[last - 1]
    return None


def _drift(look: Look, looks: list[Look]) -> float:
    """How much the slope changes to a neighbouring step size: a measure of its error."""
    i = looks.index(look)
    return min([abs(looks[k].slope - look.slope) for k in (i - 1, i + 1) if 0 <= k < len(looks)],
               default=0.0)
