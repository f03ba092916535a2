"""Check a `Differentiable`: invariants, slopes along lines, layouts, exact integers.

A gradient is right if nothing contradicts it and, for every input, a line along all of its elements
confirms it. It is wrong if anything contradicts it. Otherwise the report says why it cannot tell.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from minigrad.check.mistakes.name import name_mistake
from minigrad.check.plain.arguments import need_seed, said
from minigrad.check.plain.arrangements import check_layouts
from minigrad.check.plain.decide import Judgement, assess, has_corner
from minigrad.check.plain.differentiable import (
    Arrays,
    Differentiable,
    flat,
    random_signed,
    split,
)
from minigrad.check.plain.exact import ExactResult, exact_integers
from minigrad.check.plain.explain import (
    explain_exact,
    explain_judgement,
    explain_undecided,
    name_in,
)
from minigrad.check.plain.invariants import check_calls, check_gradients
from minigrad.check.plain.line import Samples, Slopes, sample_line, scales, slopes
from minigrad.check.plain.rounding import rounding_of_claim
from minigrad.check.plain.stairs import on_stairs
from minigrad.check.report import Failure, Report

_MAX_KINKS = 16         # elements at a kink that are left out of a direction
_LITTLE = 2.0 ** -20    # a relative error that rounding may explain
_ELEMENTS = 32          # up to this many elements of very different sizes get their own lines


@dataclass
class Line:
    """One sampled direction of one input."""

    place: int
    u: np.ndarray
    samples: Samples


class Examiner:
    """Examines one function at one point."""

    def __init__(self, function: Differentiable, seed: int) -> None:
        self.function = function
        self.rng = np.random.default_rng(seed)
        self.report = Report(function.name, 1, function.labels, where=list(function.where),
                             compared_with="the order of convergence", notes=list(function.notes))
        self.confirmed: set[int] = set()
        self.kinked: set[int] = set()
        self.doubts: dict[int, tuple[Line, Judgement]] = {}

    def run(self) -> Report:
        """The whole check; never raises for a wrong gradient."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            failure = (check_calls(self.function, self.rng) or self._check_lines()
                       or self._check_layouts() or self._check_integers()
                       or self._check_elsewhere() or self._undecided())
            if failure is not None and not failure.undecided:
                self.report.mistake = name_mistake(self.function, failure)
                name_in(failure, self.report.mistake)
            self.report.failure = failure
        return self.report

    # -- slopes along lines

    def _check_lines(self) -> Failure | None:
        self.outputs = self.function.forward(self._point())
        self.m = flat(self.outputs).size
        self.v = random_signed(self.rng, self.m)
        self.gradients = self.claims(self.v)
        self.lines = [line for place in range(len(self.function.point))
                      for line in self._lines(place)]
        self.report.method = f"{len(self.lines)} lines"
        for line in self.lines:
            failure = self._check_line(line)
            if failure is not None:
                return failure
        return None

    def _point(self) -> Arrays:
        return [array.copy() for array in self.function.point]

    def claims(self, v: np.ndarray) -> Arrays:
        """The gradients by the rule for one upstream gradient."""
        return [np.asarray(g, np.float64)
                for g in self.function.vjp(self._point(), split(v, self.outputs))]

    def _lines(self, place: int) -> Iterator[Line]:
        """Directions in proportion to each element, of one size, and along single elements."""
        x = self.function.point[place]
        if not x.size:
            self.confirmed.add(place)
            return
        scale = scales(x)
        sizes = [scale, np.full(x.shape, float(np.median(scale)))]
        if x.size > 1 and np.ptp(scale) == 0:
            sizes[1] = scale * (self.rng.random(x.shape) < 0.5)
        for size in sizes:
            if size.any():
                yield self._line(place, random_signed(self.rng, x.size).reshape(x.shape) * size / 2)
        if 1 < x.size <= _ELEMENTS and scale.max() > 1e3 * scale.min():
            for index in range(x.size):
                u = np.zeros(x.shape)
                u.reshape(-1)[index] = scale.reshape(-1)[index]
                yield self._line(place, u)

    def _line(self, place: int, u: np.ndarray) -> Line:
        return Line(place, u, sample_line(self.function, place, u))

    def _check_line(self, line: Line) -> Failure | None:
        failure = self._judge(line, self.v, self.gradients)
        if failure is None and self.m > 1:
            scaled = self._equalising(line)
            if scaled is not None:
                failure = self._judge(line, scaled, self.claims(scaled), counts=False)
        return failure or self._check_tangent(line)

    def _equalising(self, line: Line) -> np.ndarray | None:
        """An upstream gradient that gives outputs of very different slopes the same weight."""
        h = 2.0 ** -11
        slope = np.nan_to_num(np.abs(line.samples.plus[10] - line.samples.minus[10])) / (2 * h)
        weight = slope + 2.0 ** -20 * np.abs(line.samples.centre)
        if not weight.any() or weight.max() <= 100 * weight.min():
            return None
        largest = weight.max()
        weight[weight < largest * 1e-60] = largest
        v = random_signed(self.rng, self.m) / weight
        return v / np.abs(v).max()

    def _judge(self, line: Line, v: np.ndarray, gradients: Arrays, counts: bool = True
               ) -> Failure | None:
        found, judgement = self._judgement(line, v, gradients[line.place])
        self._note(judgement)
        if judgement.kind in ("kink", "jump"):
            return self._without_kinks(line, v, gradients, judgement)
        if judgement.kind == "wrong":
            return explain_judgement(self.function, line.place, line.u, v, judgement, found,
                                     self.rng)
        if counts and judgement.kind == "right" and np.count_nonzero(line.u) > line.u.size // 2:
            self.confirmed.add(line.place)
        elif counts and judgement.kind != "right":
            self.doubts.setdefault(line.place, (line, judgement))
        return None

    def _judgement(self, line: Line, v: np.ndarray, gradient: np.ndarray
                   ) -> tuple[Slopes, Judgement]:
        parts = gradient.ravel() * line.u.ravel()
        x = self.function.point[line.place].ravel()
        rounding = float(np.abs(gradient.ravel()) @ np.abs(x))
        found = slopes(line.samples, v, rounding)
        magnitude = float(np.abs(parts).sum()) / max(1.0, np.sqrt(np.count_nonzero(parts)))
        judgement = assess(found, float(parts.sum()), magnitude)
        if judgement.kind == "wrong":
            if on_stairs(line.samples, v, judgement, magnitude):
                judgement.kind = "stairs"
            elif judgement.gap <= _LITTLE * magnitude and judgement.gap <= rounding_of_claim(
                    self.function, line.place, line.u, split(v, self.outputs)):
                judgement.kind = "right"
        return found, judgement

    def _note(self, judgement: Judgement) -> None:
        error = abs(judgement.claimed - judgement.measured) / max(1.0, abs(judgement.measured))
        if judgement.kind == "right":
            self.report.max_error = max(self.report.max_error, error)
            self.report.resolution = max(self.report.resolution, judgement.resolution)

    def _without_kinks(self, line: Line, v: np.ndarray, gradients: Arrays, first: Judgement
                       ) -> Failure | None:
        """Leave out the elements at kinks, one by one, and judge the others."""
        self.doubts[line.place] = (line, first)
        if line.place not in self.kinked:
            self.kinked.add(line.place)
            failure = self._beyond_both_sides(line)
            if failure is not None:
                return failure
        u = line.u.copy()
        for _ in range(_MAX_KINKS):
            index = self._kinked_element(line.place, u, v)
            if index is None:
                return None
            alone = np.zeros(u.shape)
            alone.reshape(-1)[index] = u.reshape(-1)[index]
            single = self._line(line.place, alone)
            judgement = self._judgement(single, v, gradients[line.place])[1]
            if judgement.kind in ("kink", "jump"):
                self.doubts[line.place] = (single, judgement)
            u.reshape(-1)[index] = 0.0
            if not u.any():
                return None
            rest = self._line(line.place, u)
            found, judgement = self._judgement(rest, v, gradients[line.place])
            if judgement.kind == "wrong":
                return explain_judgement(self.function, line.place, u, v, judgement, found,
                                         self.rng)
            if judgement.kind not in ("kink", "jump"):
                return None
        return None

    def _beyond_both_sides(self, line: Line) -> Failure | None:
        """A slope outside the range of both sides is wrong under every convention for a kink.

        This holds for one output at a time, and for elements that move the same way. With several
        outputs, or a difference of two kinks, a sum of conventions may leave the range.
        """
        samples = self._line(line.place, np.abs(line.u)).samples
        for j in range(min(self.m, _MAX_KINKS)):
            v = np.zeros(self.m)
            v[j] = 1.0
            if not has_corner(slopes(samples, v)):
                continue
            same_way = Line(line.place, np.abs(line.u), samples)
            found, judgement = self._judgement(same_way, v, self.claims(v)[line.place])
            if judgement.kind == "kink" and judgement.beyond:
                return explain_judgement(self.function, line.place, same_way.u, v, judgement, found,
                                         self.rng)
        return None

    def _kinked_element(self, place: int, u: np.ndarray, v: np.ndarray) -> int | None:
        """Bisect for one element along which the function has a kink or jump."""
        indices = np.flatnonzero(u)
        while len(indices) > 1:
            for half in np.array_split(indices, 2):
                part = np.zeros(u.shape)
                part.reshape(-1)[half] = u.reshape(-1)[half]
                line = self._line(place, part)
                if has_corner(slopes(line.samples, v)):
                    indices = half
                    break
            else:
                return None
        return int(indices[0]) if len(indices) else None

    def _check_tangent(self, line: Line) -> Failure | None:
        """Check a forward-mode rule along the line, if there is one."""
        if self.function.jvp is None:
            return None
        tangents = [np.zeros(array.shape) for array in self.function.point]
        tangents[line.place] = line.u.copy()
        try:
            claimed = float(self.v @ flat(self.function.jvp(self._point(), tangents)))
        except Exception as error:      # of the user's code
            return Failure("raised", [f"the jvp raises {said(error)}"])
        found = slopes(line.samples, self.v)
        judgement = assess(found, claimed, abs(claimed))
        if judgement.kind != "wrong":
            return None
        return Failure("wrong", [
            f"the jvp is wrong along a random direction of {self.function.labels[line.place]}",
            f"claimed by the jvp         {judgement.claimed:+.12g}",
            f"measured by differences    {judgement.measured:+.12g} ± {judgement.bar:.1g}"])

    # -- layouts

    def _check_layouts(self) -> Failure | None:
        return check_layouts(self.function, split(self.v, self.outputs), self.gradients,
                             self.report.resolution)

    # -- exact integers

    def _check_integers(self) -> Failure | None:
        results = exact_integers(self.function, self.rng)
        self.report.exact = {self.function.labels[r.place]: r.method for r in results}
        wrong: list[ExactResult] = [result for result in results if result.wrong]
        if wrong:
            return explain_exact(self.function, wrong[0])
        self.confirmed.update(result.place for result in results
                              if result.index is None)
        if results:
            self.report.compared_with += " and exact integers"
        return None

    # -- another point

    def _check_elsewhere(self) -> Failure | None:
        """Check one line per input through a nearby point: a rule may remember the first one."""
        moved = [np.array(array * (1 + self.rng.uniform(0.05, 0.2, array.shape)))
                 for array in self.function.point]
        nearby = replace(self.function, point=moved)
        try:
            values = nearby.values([array.copy() for array in moved])
        except Exception:       # outside the domain of the function
            return None
        if values.size != self.m or not np.isfinite(values).all():
            return None
        other = Examiner(nearby, 0)
        other.outputs, other.m, other.v = self.outputs, self.m, self.v
        gradients = other.claims(self.v)
        if check_gradients(nearby, gradients) is not None:
            return None
        for place, array in enumerate(moved):
            if not array.size:
                continue
            u = random_signed(self.rng, array.size).reshape(array.shape) * scales(array) / 2
            judgement = other._judgement(other._line(place, u), self.v, gradients[place])[1]
            if judgement.kind == "wrong":
                stale = np.array_equal(gradients[place], self.gradients[place])
                return Failure("stale" if stale else "elsewhere", [
                    f"right at this point, but wrong at one nearby, with respect to "
                    f"{self.function.labels[place]}: claimed {judgement.claimed:.6g}, measured "
                    f"{judgement.measured:.6g}"
                    + ("; the rule still uses the first point" if stale else "")])
        return None

    def _undecided(self) -> Failure | None:
        for place in range(len(self.function.point)):
            if place in self.kinked or (place not in self.confirmed and place in self.doubts):
                line, judgement = self.doubts[place]
                return explain_undecided(self.function, place, line.u, judgement)
        return None


def check_lines(function: Differentiable, seed: int = 0) -> Failure | None:
    """A failure if some line contradicts the gradient."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return Examiner(function, seed)._check_lines()


def converges(function: Differentiable, rtol: float, seed: int = 0) -> bool:
    """Whether lines, with error bars of their own, confirm every gradient to a relative `rtol`.

    For inputs and functions of unusual size, for which one step is too large or too small.
    """
    examiner = Examiner(function, seed)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return (examiner._check_lines() is None and examiner._undecided() is None
                and examiner.report.resolution <= rtol)


def examine(function: Differentiable, seed: int = 0) -> Report:
    """Check a function; the report says right, wrong, or why it cannot tell."""
    need_seed(seed)
    return Examiner(function, seed).run()
