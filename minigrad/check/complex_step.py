"""The complex step: slopes of analytic functions to almost full precision.

For an analytic F that is real on the real numbers,  F(x + ih·u) = F(x) + ih·F′(x)u + O(h²),
so  Im F(x + ih·u) / h  is the slope. Nothing is subtracted, so h can be 10⁻²⁰ without losing
digits, where finite differences keep about ten. Squire, Trapp, "Using complex variables to
estimate derivatives of real functions" (1998).

Not every function is analytic (|x| is not), and not every forward accepts complex numbers. So the
slopes are used only if they agree with finite differences to the accuracy of those. For |x|, a cast
or a discarded imaginary part they do not.
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
_ALIKE = 1e-5       # relative tolerance between finite differences and the complex step
_EXACT = 1e-9       # the same between the rule and the complex step


@dataclass
class ComplexStepResult:
    """Comparison of the rules with the complex step.

    Attributes
    ----------
    worst : the largest ratio of difference to tolerance.
    place, claimed, measured : where it occurs, and both values there.
    """

    worst: float
    place: int
    claimed: float
    measured: float

    def failure(self, problem: Problem) -> Failure | None:
        """The failure that finite differences are too coarse to see, or None."""
        if self.worst <= 1:
            return None
        return Failure("wrong", [
            f"along a random direction of {problem.labels[self.place]}",
            f"claimed by the rule        {self.claimed:+.15g}",
            f"measured by complex step   {self.measured:+.15g}",
            "diagnosis: nearly right, the error is too small for finite differences; "
            "perhaps a constant has too few digits, or a part is computed in float32"])


def complex_step(comparer: Comparer) -> ComplexStepResult | None:
    """Compare the rules with vᵀ(Ju) for random v and u.

    Returns
    -------
    ComplexStepResult or None
        None if the function is not analytic or does not accept complex numbers.
    """
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
    """dF/dt along u by a complex step; None if F is not analytic or not complex-valued."""
    problem = comparer.problem
    arrays = [array.astype(np.complex128) for array in problem.point]
    arrays[place] = arrays[place] + 1j * STEP * u
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            values = problem.complex_values(arrays)
    except Exception:       # a forward need not support complex numbers
        return None
    slope = values.imag / STEP
    same = values.shape == comparer.values.shape and np.allclose(
        values.real, comparer.values, rtol=1e-9, atol=1e-12)
    if not same or not np.isfinite(slope).all():
        return None
    differences = Line(problem, place, u).slope(step(problem, place, comparer.settings.eps))
    scale = max(1.0, float(np.abs(differences).max(initial=0.0)))
    return slope if np.abs(slope - differences).max(initial=0.0) <= _ALIKE * scale else None
