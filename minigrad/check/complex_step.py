"""The complex step: slopes of analytic functions to nearly all digits.

For an analytic F that is real on the real numbers,  F(x + ih·u) = F(x) + ih·F′(x)u + O(h²),
so  Im F(x + ih·u) / h  is the slope. Nothing is subtracted, so h can be 10⁻²⁰ and no digit is
lost, where finite differences keep about ten. Squire, Trapp, "Using complex variables to
estimate derivatives of real functions" (1998).

Not every function is analytic (|x| is not), and not every forward takes complex numbers. Such
a witness is not heard: its slopes are believed only if, to the few digits that differences
have, they agree with them, which |x|, a cast or a discarded imaginary part do not.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from minigrad.check.compare import Comparer, random_signed
from minigrad.check.numeric import Line, step
from minigrad.check.problem import Problem
from minigrad.check.report import Failure

STEP = 1e-20
_ALIKE = 1e-5       # how far differences and complex step may be apart, relative
_EXACT = 1e-9       # how far the rule and the complex step may be


@dataclass
class ComplexStepResult:
    """What the complex step says.

    Attributes
    ----------
    worst : the largest ratio of disagreement to tolerance, with the place, claimed and measured.
    """

    worst: float
    place: int
    claimed: float
    measured: float

    def failure(self, problem: Problem) -> Failure | None:
        """A disagreement that finite differences are too coarse to see, or None."""
        if self.worst <= 1:
            return None
        return Failure("wrong", [
            f"along a random direction of {problem.labels[self.place]}",
            f"claimed by the rule        {self.claimed:+.15g}",
            f"measured by complex step   {self.measured:+.15g}",
            "it looks like this: nearly right, the error is too small for finite differences; "
            "perhaps a constant has too few digits, or a part is computed in float32"])


def complex_step(comparer: Comparer) -> ComplexStepResult | None:
    """Compare vᵀ(Ju) for random v and u with the rules; None if the witness cannot be heard."""
    result = ComplexStepResult(0.0, 0, 0.0, 0.0)
    for _ in range(max(3, comparer.settings.directions)):
        upstream = random_signed(comparer.rng, comparer.values.size)
        gradients = comparer.claimed(upstream)
        for place, gradient in enumerate(gradients):
            u = random_signed(comparer.rng, gradient.size).reshape(gradient.shape)
            slope = _slope(comparer, place, u)
            if slope is None:
                return None
            claimed, measured = float(np.sum(gradient * u)), float(upstream @ slope)
            size = max(1.0, np.abs(gradient * u).sum(), np.abs(upstream * slope).sum())
            slack = _EXACT * size + 1e3 * comparer.precision * float(
                np.abs(upstream) @ np.abs(comparer.values))
            ratio = abs(claimed - measured) / slack
            if ratio > result.worst:
                result = ComplexStepResult(ratio, place, claimed, measured)
    return result


def _slope(comparer: Comparer, place: int, u: np.ndarray) -> np.ndarray | None:
    """dF/dt along u by a complex step; None if F is not analytic or takes no complex numbers."""
    problem = comparer.problem
    arrays = [array.astype(np.complex128) for array in problem.point]
    arrays[place] = arrays[place] + 1j * STEP * u
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            values = problem.complex_values(arrays)
    except Exception:       # whatever a forward makes of complex numbers, it is not its fault
        return None
    slope = values.imag / STEP
    same = values.shape == comparer.values.shape and np.allclose(
        values.real, comparer.values, rtol=1e-9, atol=1e-12)
    if not same or not np.isfinite(slope).all():
        return None
    differences = Line(problem, place, u).slope(step(problem, place, comparer.settings.eps))
    scale = max(1.0, float(np.abs(differences).max(initial=0.0)))
    return slope if np.abs(slope - differences).max(initial=0.0) <= _ALIKE * scale else None
