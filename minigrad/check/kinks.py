"""Distinguish a wrong rule from a point without a derivative.

This runs only if a claimed slope and the measured one differ. The function is sampled along that
line at seven step sizes, with nine points each, and a parabola is fitted to each side. The cases
differ in how the samples change as the step h shrinks:

    smooth      the difference between the slopes of both sides vanishes like h²
    kink        it stays constant (relu at 0, a tie in max)
    jump        it grows like 1/h while the height of the step stays constant (sign at 0)
    rounding    it grows like 1/h too, but stays within the scatter about the parabolas

So a smooth function is never mistaken for one with a kink, however wrong its rule. The use of a
fit's residual follows Chainer (`gradient_check.py`, `_CheckBackward`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Kind = Literal["agrees", "kink", "jump", "noise", "wrong"]
FACTORS = tuple(8.0 ** k for k in range(4, -3, -1))     # times the usual step, decreasing
_SIDE = np.arange(5) / 4                                # sample points on one side, times h
_PARABOLA = np.stack([np.ones(5), _SIDE, _SIDE ** 2], axis=1)
_CUBIC = np.stack([_SIDE[1:], _SIDE[1:] ** 3], axis=1)  # for the odd part of both sides
_FIT_SIDE = np.linalg.pinv(_PARABOLA)
_FIT_OUTSIDE = np.linalg.pinv(_PARABOLA[1:])            # the same without the point at 0
_FIT_ODD = np.linalg.pinv(_CUBIC)


@dataclass
class Samples:
    """Samples of the function at one step size, evaluated.

    Attributes
    ----------
    slope : derivative at 0 from both sides, exact for polynomials up to t⁴.
    left, right : one-sided derivatives.
    jump : difference of both sides' values at 0, extrapolated from the other points.
    noise : error bound of the one-sided slopes due to scatter and rounding.
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
    def undefined(cls, h: float) -> Samples:
        """Samples where the function is not finite."""
        return cls(h, *[float("nan")] * 6)

    @property
    def bend(self) -> float:
        return self.right - self.left


@dataclass
class Classification:
    """The kind of a disagreement, with the evidence.

    Attributes
    ----------
    kind : "agrees", "kink", "jump", "noise" or "wrong".
    samples : the best evidence.
    all_samples : all of it, from the largest step to the smallest.
    """

    kind: Kind
    samples: Samples
    all_samples: list[Samples] = field(default_factory=list)


def classify(phi: Callable[[float], float], claimed: float, h: float,
             allowed: Callable[[float], Any], rounding: float) -> Classification:
    """Decide between a wrong rule and a point without a derivative.

    Parameters
    ----------
    phi : t ↦ φ(t) − φ(0), the function along a line.
    claimed : dφ/dt at 0 by the rules.
    h : the usual step.
    allowed : tolerance for a measured slope.
    rounding : expected rounding error of one value of φ.
    """
    all_samples = [sample(phi, h * factor, rounding) for factor in FACTORS]
    all_samples = [s for s in all_samples if np.isfinite([s.slope, s.bend]).all()]
    if not all_samples:
        return Classification("wrong", Samples.undefined(h))
    for samples in reversed(all_samples):
        if abs(samples.slope - claimed) <= allowed(samples.slope):
            return Classification("agrees", samples)
    constant = _constant(all_samples, [(s.bend, s.noise) for s in all_samples])
    if constant is not None:
        return Classification("kink", constant)
    constant = _constant(all_samples, [(s.jump, s.jump_noise) for s in all_samples])
    if constant is not None:
        return Classification("jump", constant)
    best = min(all_samples, key=lambda s: s.noise + _drift(s, all_samples))
    doubt = best.noise + _drift(best, all_samples)
    kind: Kind = "noise" if 3 * doubt > abs(best.slope - claimed) else "wrong"
    return Classification(kind, best, all_samples)


def sample(phi: Callable[[float], float], h: float, rounding: float) -> Samples:
    """Sample φ at nine points from −h to h and fit both sides."""
    with np.errstate(all="ignore"):
        right = np.array([phi(h * s) for s in _SIDE])
        left = np.array([0.0] + [phi(-h * s) for s in _SIDE[1:]])
        if not (np.isfinite(right).all() and np.isfinite(left).all()):
            return Samples.undefined(h)
        fit_right, scatter_right = _fit(right, _PARABOLA, _FIT_SIDE)
        fit_left, scatter_left = _fit(left, _PARABOLA, _FIT_SIDE)
        odd, _ = _fit((right[1:] - left[1:]) / 2, _CUBIC, _FIT_ODD)
        from_right, off_right = _fit(right[1:], _PARABOLA[1:], _FIT_OUTSIDE)
        from_left, off_left = _fit(left[1:], _PARABOLA[1:], _FIT_OUTSIDE)
    return Samples(h=h, slope=odd[0] / h, left=-fit_left[1] / h, right=fit_right[1] / h,
                jump=from_right[0] - from_left[0],
                noise=(6 * max(scatter_right, scatter_left) + 8 * rounding) / h,
                jump_noise=6 * max(off_right, off_left) + 8 * rounding)


def _fit(values: np.ndarray, design: np.ndarray, solve: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients of a least-squares fit, and the largest residual."""
    coefficients = solve @ values
    return coefficients, float(np.abs(design @ coefficients - values).max())


def _constant(all_samples: list[Samples], measured: list[tuple[float, float]]) -> Samples | None:
    """The smallest of three successive step sizes over which a quantity is constant, above noise.

    From one step size to the next, a bend due to curvature shrinks at least eightfold, and one
    due to rounding grows eightfold.
    """
    for last in range(len(all_samples), 2, -1):
        values, noise = np.array(measured[last - 3:last]).T
        clear = (np.abs(values) > 5 * noise).all()
        if clear and np.ptp(values) <= 0.25 * np.abs(values).max():
            return all_samples[last - 1]
    return None


def _drift(samples: Samples, all_samples: list[Samples]) -> float:
    """Change of the slope to a neighbouring step size: an estimate of its error."""
    i = all_samples.index(samples)
    neighbours = [all_samples[k] for k in (i - 1, i + 1) if 0 <= k < len(all_samples)]
    return min([abs(other.slope - samples.slope) for other in neighbours], default=0.0)
