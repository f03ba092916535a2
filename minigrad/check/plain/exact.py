"""Exact integers: a check without any tolerance, for whatever is linear in an input.

Integers up to 500 in float64 keep all products and sums of a linear operation below 2⁵³, so nothing
is rounded. Then F(x + u) − F(x) is exactly J·u, and ⟨v, J·u⟩ must equal ⟨Jᵀ·v, u⟩ bit for bit. A
factor of 1 + 10⁻¹² in the rule is found, which no difference quotient sees.

Whether a function is linear in an input is tested, not declared: differences along random integers
are compared at several scales, with both signs and from several points. If it is linear only along
single elements (a product of all elements), those are used. Whether nothing is rounded is tested,
too: all results must be multiples of 2⁻²⁰ below 2⁵³ of them. Elsewhere (0.1·x, a mean over three)
rounding is the bound, see `rounding.py`. A contradiction must show at the point of the check, too.

A wrong rule differs from the right one by a polynomial in v, u and the other inputs, of degree d.
By the lemma of Schwartz and Zippel, random integers from 1,001 values hit a zero of it with a
probability of at most d/1001 in each of three trials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minigrad.check.plain.differentiable import Arrays, Differentiable, flat, split
from minigrad.check.plain.line import scales
from minigrad.check.plain.rounding import USEFUL, Trial, bound_of, dot, gamma, value_at

LIMIT = 500             # the largest integer
TRIALS = 3
EXACT, BOUNDED = "exact", "rounding bound"
_SCALES = (-1.0, 0.5, 2.0, -3.0, 64.0, -1024.0, -0.125)
_GRID = 2.0 ** 20       # values are multiples of 1/_GRID
_LITTLE = 2.0 ** -20    # a relative error that finite differences overlook
_COLUMNS = 256          # elements along which a rounding bound is measured


@dataclass
class ExactResult:
    """The verdict of exact integers on one input.

    Attributes
    ----------
    place : the input.
    method : "exact" if the values had to be equal, "rounding bound" if they had to agree to it.
    claimed, measured, bound : ⟨Jᵀ·v, u⟩ by the rule, ⟨v, J·u⟩ by the function, the difference
        that is allowed; all from the worst trial.
    index : the element along which u points, if the function is linear along elements only.
    """

    place: int
    method: str
    claimed: float
    measured: float
    bound: float
    index: int | None = None

    @property
    def wrong(self) -> bool:
        return not abs(self.claimed - self.measured) <= self.bound

    @property
    def sound(self) -> bool:
        """Whether the verdict holds everywhere: right, or slightly wrong without any rounding."""
        return not self.wrong or (self.method == EXACT and self.little)

    @property
    def little(self) -> bool:
        """Whether the error is too small for finite differences to see."""
        return abs(self.claimed - self.measured) <= _LITTLE * abs(self.measured)


def exact_integers(function: Differentiable, rng: np.random.Generator, everywhere: bool = False
                   ) -> list[ExactResult]:
    """One result for each input in which the function is linear.

    Parameters
    ----------
    everywhere : the rule has to be right wherever the function can be computed; otherwise only at
        the point of the check.
    """
    results = []
    with np.errstate(all="ignore"):
        for place, array in enumerate(function.point):
            if array.size:
                results += _check_place(function, place, rng, everywhere)
    return results


def _check_place(function: Differentiable, place: int, rng: np.random.Generator,
                 everywhere: bool) -> list[ExactResult]:
    for others in _other_inputs(function, place, rng):
        for index in _supports(function.point[place], rng):
            if not _is_linear(function, others, place, index, rng):
                continue
            trials = [_trial(function, others, place, index, rng) for _ in range(TRIALS)]
            done = [trial for trial in trials if trial is not None]
            if done:
                worst = max(done, key=_excess)
                if any(trial.method != EXACT for trial in done):
                    worst.method = BOUNDED
                return [worst] if everywhere or worst.sound else _confirmed(function, worst, rng)
    return []


def _confirmed(function: Differentiable, elsewhere: ExactResult, rng: np.random.Generator
               ) -> list[ExactResult]:
    """Repeat the trials at the point of the check, to confirm a verdict from elsewhere.

    A rule may fail at integers that its function is not made for: negative lengths, a matrix that
    is not positive definite, a triangle of large numbers, which no computer solves.
    """
    trials = [_trial_at_point(function, elsewhere.place, elsewhere.index, rng)
              for _ in range(TRIALS)]
    telling = [trial for trial in trials
               if trial is not None and (trial.measured or trial.claimed)]
    if telling:
        return [max(telling, key=_excess)]
    return [elsewhere] if elsewhere.little else []


def _excess(result: ExactResult) -> float:
    """By how much a result exceeds its bound; infinite for NaN."""
    excess = abs(result.claimed - result.measured) - result.bound
    return excess if excess == excess else np.inf


def _other_inputs(function: Differentiable, place: int, rng: np.random.Generator
                  ) -> Iterator[Arrays]:
    """Points at which to look for linearity: all inputs integers, or the others as given."""
    yield [_integers(rng, array.shape) for array in function.point]
    if len(function.point) > 1:
        yield [_integers(rng, array.shape) if i == place else array
               for i, array in enumerate(function.point)]


def _supports(array: np.ndarray, rng: np.random.Generator) -> Iterator[int | None]:
    """Where a direction is nonzero: everywhere, or at one element."""
    yield None
    if array.size > 1:
        yield int(rng.integers(array.size))


def _integers(rng: np.random.Generator, shape: tuple[int, ...], limit: int = LIMIT) -> np.ndarray:
    return np.asarray(rng.integers(-limit, limit + 1, shape), np.float64)


def _direction(rng: np.random.Generator, shape: tuple[int, ...], index: int | None,
               limit: int = LIMIT) -> np.ndarray:
    u = _integers(rng, shape, limit)
    u[u == 0] = 1.0         # along which every function would look linear
    if index is not None:
        kept = u.reshape(-1)[index]
        u = np.zeros(shape)
        u.reshape(-1)[index] = kept
    return u


def _is_linear(function: Differentiable, others: Arrays, place: int, index: int | None,
               rng: np.random.Generator) -> bool:
    """Whether F(x + s·u) − F(x) is s times something that does not depend on s or x.

    One of the points holds no integers, since floor(x) and sin(πx) would look linear.
    """
    shape = function.point[place].shape
    small = 8           # whose multiples by the largest scale are still small
    u = _direction(rng, shape, index, small)
    start = np.zeros(shape) if index is None else others[place]
    fractions = u * rng.uniform(0.2, 0.9, shape)
    tried = [(start, u, _SCALES), (_integers(rng, shape), u, _SCALES[:2]),
             (rng.uniform(-small, small, shape), fractions, _SCALES[:2])]
    steps, size = [], 0.0
    for x, direction, factors in tried:
        base = value_at(function, others, place, x)
        first = value_at(function, others, place, x + direction)
        if base is None or first is None or base.shape != first.shape:
            return False
        for scale in factors:
            value = value_at(function, others, place, x + scale * direction)
            if not _follows(value, base, first, scale, u.size):
                return False
        steps.append(first - base)
        size = max(size, float(np.abs(base).max(initial=0.0)),
                   float(np.abs(first).max(initial=0.0)))
    apart = np.abs(steps[1] - steps[0]).max(initial=0.0)
    return index is not None or bool(apart <= 4 * gamma(u.size) * size)


def _follows(value: np.ndarray | None, base: np.ndarray, first: np.ndarray, scale: float, n: int
             ) -> bool:
    """Whether a value, s·u away from the base, lies on the line through base and first."""
    if value is None or value.shape != base.shape:
        return False
    size = max(float(np.abs(part).max(initial=0.0)) for part in (value, base, first))
    apart = np.abs(value - base - scale * (first - base)).max(initial=0.0)
    return bool(apart <= gamma(n) * (2 + abs(scale)) * size)


def _trial(function: Differentiable, others: Arrays, place: int, index: int | None,
           rng: np.random.Generator) -> ExactResult | None:
    """A trial at random integers."""
    shape = function.point[place].shape
    x, u = _integers(rng, shape), _direction(rng, shape, index)
    if index is None and u.size > _COLUMNS:     # so that a rounding bound can be measured
        kept = np.zeros(u.size)
        kept[rng.choice(u.size, _COLUMNS, replace=False)] = 1.0
        x, u = x * kept.reshape(shape), u * kept.reshape(shape)
    arrays = [np.array(other) for other in others]
    arrays[place] = x
    return _compared(function, arrays, place, u, index, rng)


def _trial_at_point(function: Differentiable, place: int, index: int | None,
                    rng: np.random.Generator) -> ExactResult | None:
    """A trial at the point of the check, whose numbers are cut off after six binary digits."""
    arrays = [_few_digits(array) for array in function.point]
    x = arrays[place]
    u = scales(x) * _integers(rng, x.shape, 4) / 16
    used = np.arange(x.size) if index is None else np.array([index])
    if len(used) > _COLUMNS:
        used = rng.choice(used, _COLUMNS, replace=False)
    kept = np.zeros(x.size)
    kept[used] = 1.0
    return _compared(function, arrays, place, u * kept.reshape(x.shape), index, rng)


def _few_digits(array: np.ndarray) -> np.ndarray:
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.trunc(mantissa * 64) / 64, exponent)


def _compared(function: Differentiable, arrays: Arrays, place: int, u: np.ndarray,
              index: int | None, rng: np.random.Generator) -> ExactResult | None:
    """⟨Jᵀ·v, u⟩ and ⟨v, J·u⟩ at one point; None if nothing can be said there."""
    x = arrays[place]
    base = value_at(function, arrays, place, x)
    moved = value_at(function, arrays, place, x + u)
    if base is None or moved is None or not all(_follows(
            value_at(function, arrays, place, x + scale * u), base, moved, scale, u.size)
            for scale in (-1.0, 0.5, 2.0)):
        return None
    v = _integers(rng, base.shape)
    try:
        outputs = function.forward([array.copy() for array in arrays])
        gradient = flat([function.vjp([array.copy() for array in arrays],
                                      split(v, outputs))[place]])
    except Exception:       # a rule need not be defined everywhere where the function is
        return None
    claimed, measured = dot(gradient, u.ravel()), dot(v, moved - base)
    if _on_grid(base, moved) and _on_grid(gradient) and _small(v, moved - base) \
            and _small(gradient, u.ravel()):
        return ExactResult(place, EXACT, claimed, measured, 0.0, index)
    trial = Trial(function, arrays, place, u, v, index)
    bound = bound_of(trial, gradient, exact=_on_grid(base, moved))
    if bound is None or bound > USEFUL * max(abs(claimed), abs(measured)):
        return None
    return ExactResult(place, BOUNDED, claimed, measured, bound, index)


def _on_grid(*arrays: np.ndarray) -> bool:
    """Whether all values are multiples of 2⁻²⁰ that float64 adds without rounding."""
    return all((np.abs(a) < 2.0 ** 32).all() and (a * _GRID == np.rint(a * _GRID)).all()
               for a in arrays)


def _small(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether the sum of the products is exact."""
    return bool(np.abs(one) @ np.abs(two) * _GRID < 2.0 ** 53)
