"""Slopes along a line with error bars, measured over forty-eight halvings of the step.

The function is sampled at x ± h·u for h = 2⁻¹ … 2⁻⁴⁸. A slope is fitted to each window of five
successive steps: a·t + b·t³ to the odd part of the function, a·|t| + b·t² to the even part, whose
a is half the bend of a kink. What a fit cannot explain, the residual, bounds its error: curvature
and rounding alike leave a residual that is at least a seventh of the error of the slope. So no step
has to be chosen. The best window is the one with the smallest error bar.

A residual that does not shrink while the step does is noise, and its size holds for all smaller
steps as well. That recognises functions that are computed in float32 or to a tolerance: at very
small steps they look like stairs, whose treads are perfectly smooth and have slope 0. A kink nearby
also leaves a residual, but one that shrinks at least in proportion to the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad.check.plain.differentiable import Differentiable

HALVINGS = 48
_WINDOW = 5                             # steps per fit
_T = 2.0 ** -np.arange(_WINDOW)
_ODD = np.stack([_T, _T ** 3], axis=1)
_EVEN = np.stack([_T, _T ** 2], axis=1)
_SOLVE_ODD, _SOLVE_EVEN = np.linalg.pinv(_ODD), np.linalg.pinv(_EVEN)
_BAR = 16.0     # residuals per error bar: 7 for a smooth function, for noise 19 once in 1,000
_EPS = float(np.finfo(np.float64).eps)
STEPS = 2.0 ** -np.arange(1, HALVINGS + 1)


@dataclass
class Samples:
    """Values on a line: `plus[k]` and `minus[k]` at ± `STEPS[k]`, vectors of m outputs each."""

    centre: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


@dataclass
class Slopes:
    """Slopes of one number φ along a line, by step; the arrays have one entry per window.

    Attributes
    ----------
    slope, bar : slope at the point and its error bar, with noise recognised at larger steps.
    raw_bar : error bar from the window alone.
    bend, bend_bar : slope from the right minus slope from the left.
    odd : half of φ(h) − φ(−h), by step.
    size, noise : size of the values of φ, and of what does not shrink with the step.
    varies : whether the values within a window differ at all.
    """

    slope: np.ndarray
    bar: np.ndarray
    raw_bar: np.ndarray
    bend: np.ndarray
    bend_bar: np.ndarray
    odd: np.ndarray
    size: float
    noise: float
    varies: np.ndarray

    @property
    def best(self) -> int:
        """The window with the smallest error bar."""
        return int(np.nanargmin(self.bar))

    @property
    def measurable(self) -> bool:
        """Whether the function is finite on both sides for at least one window."""
        return bool(np.isfinite(self.bar).any())


def scales(x: np.ndarray) -> np.ndarray:
    """A step for each element: its size; for zeros the smallest size of the others, or 1."""
    size = np.abs(x)
    others = size[size > 0]
    return np.where(size > 0, size, others.min() if others.size else 1.0)


def sample_line(function: Differentiable, place: int, u: np.ndarray,
                steps: np.ndarray = STEPS) -> Samples:
    """Evaluate a function along direction u of one input."""
    def at(t: float) -> np.ndarray:
        arrays = list(function.point)
        arrays[place] = arrays[place] + t * u
        return function.values([np.array(array) for array in arrays])

    def nearby(t: float) -> np.ndarray:
        try:
            return _like(centre, at(t))
        except Exception:       # outside the domain, some functions raise instead of giving NaN
            return np.full(centre.shape, np.nan)

    with np.errstate(all="ignore"):
        centre = at(0.0)
        plus = np.stack([nearby(h) for h in steps])
        minus = np.stack([nearby(-h) for h in steps])
    return Samples(centre, plus, minus)


def _like(centre: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values, or NaN if their number depends on the input."""
    return values if values.shape == centre.shape else np.full(centre.shape, np.nan)


def slopes(samples: Samples, v: np.ndarray, rounding: float = 0.0, noise: float = 0.0,
           steps: np.ndarray = STEPS) -> Slopes:
    """Slopes of φ = v·F.

    Parameters
    ----------
    rounding : sensitivity of φ to rounding of the input itself, Σ|∂φ/∂xᵢ·xᵢ|; it is multiplied
        by float64's precision.
    noise : of φ, if known beforehand.
    """
    with np.errstate(all="ignore"):
        plus, minus = (samples.plus - samples.centre) @ v, (samples.minus - samples.centre) @ v
        used = v != 0
        size = float(np.abs(v[used]) @ np.abs(samples.centre[used]))
        least = _EPS * (size + rounding) + noise
        odd = (plus - minus) / 2
        slope, odd_residual = _fits(odd, _ODD, _SOLVE_ODD, steps)
        bend, even_residual = _fits((plus + minus) / 2, _EVEN, _SOLVE_EVEN, steps)
        h = steps[:len(slope)]
        floor = np.fmax(_noise(odd_residual), _noise(even_residual))
        raw = _BAR * np.maximum(odd_residual, least) / h
        return Slopes(slope, _BAR * np.maximum(np.maximum(odd_residual, floor), least) / h, raw,
                      2 * bend, 2 * _BAR * np.maximum(np.maximum(even_residual, floor), least) / h,
                      odd, size, max(least, float(np.nanmax(floor, initial=0.0))),
                      _varies(plus) | _varies(minus))


def best_slopes(samples: Samples, steps: np.ndarray = STEPS) -> np.ndarray:
    """The slope of each output at its best window, (m,); NaN where it cannot be measured."""
    with np.errstate(all="ignore"):
        plus, minus = samples.plus - samples.centre, samples.minus - samples.centre
        slope, residual = _fits((plus - minus) / 2, _ODD, _SOLVE_ODD, steps)
        _, even_residual = _fits((plus + minus) / 2, _EVEN, _SOLVE_EVEN, steps)
        floor = np.fmax(_noise(residual), _noise(even_residual))
        least = _EPS * np.abs(samples.centre)
        bar = np.maximum(np.maximum(residual, floor), least) / steps[:len(slope), None]
    bar[~np.isfinite(bar)] = np.inf
    best = bar.argmin(axis=0)[None]
    found = np.take_along_axis(slope, best, axis=0)[0]
    return np.where(np.isfinite(bar).any(axis=0), found, np.nan)


# The functions below take arrays of steps × outputs, or of steps only.

def _fits(values: np.ndarray, design: np.ndarray, solve: np.ndarray, steps: np.ndarray
          ) -> tuple[np.ndarray, np.ndarray]:
    """First coefficient of a fit to each window, and its residual, see `_widest`."""
    windows = np.lib.stride_tricks.sliding_window_view(values, _WINDOW, axis=0)
    coefficients = windows @ solve.T
    residuals = np.abs(windows - coefficients @ design.T).max(axis=-1)
    h = steps[:len(windows)].reshape(-1, *[1] * (values.ndim - 1))
    return coefficients[..., 0] / h, _widest(residuals)


def _widest(residuals: np.ndarray) -> np.ndarray:
    """The largest residual of a window and its two neighbours: one may be small by accident."""
    padded = np.concatenate([residuals[:1], residuals, residuals[-1:]])
    return np.max([padded[:-2], padded[1:-1], padded[2:]], axis=0)


def _noise(residuals: np.ndarray) -> np.ndarray:
    """Noise known at each window: the largest residual so far that failed to shrink.

    Over four halvings the residual of a kink shrinks sixteenfold or vanishes; noise stays.
    """
    floor = np.zeros(residuals.shape)
    if len(residuals) >= 5:
        recent = np.lib.stride_tricks.sliding_window_view(residuals, 5, axis=0)
        stays = np.isfinite(recent).all(axis=-1) & (recent[..., -1] > recent[..., 0] / 4)
        floor[4:] = np.maximum.accumulate(np.where(stays, np.median(recent, axis=-1), 0.0))
    return floor


def _varies(values: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(values, _WINDOW, axis=0)
    return np.ptp(windows, axis=-1) > 0
