"""Compare gradients claimed by the rules with finite differences.

Small problems (inputs × outputs up to `full_limit`) compare the whole Jacobian, element by element,
and then Jᵀv for random v. Large problems compare vᵀJu for random v and u, one input at a time, and
bisect a disagreement down to one element of an input and one of an output. Upstream gradients are
random and of both signs. An upstream gradient of ones would hide a missing gradient of softmax (the
columns of its Jacobian sum to zero) and a rule that is not linear in g.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from minigrad.check.kinks import Classification, classify
from minigrad.check.numeric import Line, jacobian, step
from minigrad.check.plain.locate import bisect
from minigrad.check.problem import Arrays, Problem, flat

MAX_CLASSIFIED = 200    # disagreeing elements that are examined closely
MAX_KINKS = 32          # elements at a kink that are excluded along one random direction


@dataclass
class Settings:
    """Parameters of a comparison; see `minigrad.check.gradcheck`."""

    eps: float
    rtol: float
    atol: float
    directions: int
    full_limit: int

    def allowed(self, measured: float | np.ndarray) -> float | np.ndarray:
        """Tolerance for the difference from a measured value."""
        return self.atol + self.rtol * np.abs(measured)


@dataclass
class Disagreement:
    """One element of the Jacobian (or one input as a whole) where both values differ.

    Attributes
    ----------
    place, index : the checked input and its element.
    output : index of the output element, counted over all outputs.
    claimed, measured : ∂output/∂input by the rule and by differences.
    classification : result of a closer examination.
    """

    place: int
    index: int
    output: int
    claimed: float
    measured: float
    classification: Classification | None = None

    @property
    def size(self) -> float:
        gap = abs(self.claimed - self.measured)
        return gap if np.isfinite(gap) else np.inf


@dataclass
class Comparison:
    """The result: the worst disagreement of each kind, and the largest error."""

    method: str = ""
    max_error: float = 0.0
    worst_by_kind: dict[str, Disagreement] = field(default_factory=dict)

    def note_errors(self, claimed: np.ndarray, measured: np.ndarray) -> None:
        gap = np.abs(claimed - measured) / np.maximum(1.0, np.abs(measured))
        if gap.size:
            worst = float(np.max(gap))
            self.max_error = worst if np.isnan(worst) else max(self.max_error, worst)

    def add(self, item: Disagreement, kind: str) -> None:
        known = self.worst_by_kind.get(kind)
        if known is None or item.size > known.size:
            self.worst_by_kind[kind] = item

    def worst(self) -> tuple[str, Disagreement] | None:
        """The worst disagreement; a wrong rule comes before a kink at another element."""
        for kind in ("not finite", "wrong", "noise", "jump", "kink"):
            if kind in self.worst_by_kind:
                return kind, self.worst_by_kind[kind]
        return None


class Comparer:
    """Compares the rules' gradients with finite differences, for one problem."""

    def __init__(self, problem: Problem, settings: Settings, rng: np.random.Generator) -> None:
        self.problem = problem
        self.settings = settings
        self.rng = rng
        self.leaves, self.outputs = problem.call(problem.point)
        self.values = flat([output._array for output in self.outputs])
        self.precision = max(np.finfo(output.dtype).eps for output in self.outputs)
        self.result = Comparison()

    def run(self) -> Comparison:
        n = sum(array.size for array in self.problem.point)
        if n * self.values.size <= self.settings.full_limit:
            self.result.method = f"full Jacobian, {self.values.size}×{n}"
            self._compare_jacobian()
        else:
            count = max(3, self.settings.directions)
            self.result.method = f"{count} random directions in {n} dimensions"
            for _ in range(count):
                self._compare_along_random_directions()
        return self.result

    def claimed(self, upstream: np.ndarray) -> Arrays:
        return self.problem.gradients(self.leaves, self.outputs, upstream)

    # -- the whole Jacobian

    def _compare_jacobian(self) -> None:
        measured = jacobian(self.problem, self.settings.eps)
        claimed = self._claimed_jacobian()
        items = []
        for place, (a, b) in enumerate(zip(claimed, measured)):
            if a.size:
                self.result.note_errors(a, b)
                items += self._differing(place, a, b)
        self._classify_all(items)
        if not items:
            self._compare_random_upstream(measured)

    def _claimed_jacobian(self) -> Arrays:
        """∂F/∂x by the rules: row i comes from an upstream gradient that is nonzero only at i."""
        rows = [np.zeros((self.values.size, array.size)) for array in self.problem.point]
        for i, factor in enumerate(random_signed(self.rng, self.values.size)):
            upstream = np.zeros(self.values.size)
            upstream[i] = factor
            for row, gradient in zip(rows, self.claimed(upstream)):
                row[i] = gradient.ravel() / factor
        return rows

    def _differing(self, place: int, claimed: np.ndarray, measured: np.ndarray
                   ) -> list[Disagreement]:
        gap = np.abs(claimed - measured)
        bad = np.argwhere(~(gap <= self.settings.allowed(measured)))
        return [Disagreement(place, int(j), int(i), float(claimed[i, j]), float(measured[i, j]))
                for i, j in bad]

    def _classify_all(self, items: list[Disagreement]) -> None:
        """Classify the worst element of each column of the Jacobian first, then the others."""
        items.sort(key=lambda item: -item.size)
        seen: set[tuple[int, int]] = set()
        first: list[Disagreement] = []
        rest: list[Disagreement] = []
        for item in items:
            column = (item.place, item.index)
            (rest if column in seen else first).append(item)
            seen.add(column)
        for item in (first + rest)[:MAX_CLASSIFIED]:
            self._classify(item)
            if self.result.worst_by_kind.keys() & {"not finite", "wrong"}:
                return      # the next ones differ by less

    def _classify(self, item: Disagreement) -> None:
        if not np.isfinite(item.claimed):
            self.result.add(item, "not finite")
            return
        line = Line.along_element(self.problem, item.place, item.index)
        weights = np.zeros(self.values.size)
        weights[item.output] = 1.0
        item.classification = self._classification(line, weights, item.claimed)
        if item.classification.kind != "agrees":
            item.measured = item.classification.samples.slope
            self.result.add(item, item.classification.kind)

    def _classification(self, line: Line, weights: np.ndarray, claimed: float) -> Classification:
        used = weights != 0
        rounding = self.precision * float(np.abs(weights[used]) @ np.abs(self.values[used]))
        return classify(lambda t: float(weights[used] @ (line(t) - self.values)[used]), claimed,
                     step(self.problem, line.place, self.settings.eps), self.settings.allowed,
                     rounding)

    def _compare_random_upstream(self, measured: Arrays) -> None:
        """Check that rules are linear in g: compare Jᵀv for random v with the measured Jacobian."""
        for _ in range(max(3, self.settings.directions)):
            upstream = random_signed(self.rng, self.values.size)
            for place, (gradient, block) in enumerate(zip(self.claimed(upstream), measured)):
                expected = upstream @ block if block.size else np.zeros(gradient.size)
                slack = self.settings.allowed(np.abs(upstream) @ np.abs(block)) if block.size else 0
                gap = np.abs(gradient.ravel() - expected)
                if (~(gap <= slack)).any():
                    j = int(np.argmax(gap - slack))
                    line = Line.along_element(self.problem, place, j)
                    claimed = float(gradient.ravel()[j])
                    item = Disagreement(place, j, -1, claimed, float(expected[j]))
                    item.classification = self._classification(line, upstream, claimed)
                    if item.classification.kind != "agrees":
                        self.result.add(item, item.classification.kind)

    # -- random directions

    def _compare_along_random_directions(self) -> None:
        upstream = random_signed(self.rng, self.values.size)
        gradients = self.claimed(upstream)
        for place, (array, gradient) in enumerate(zip(self.problem.point, gradients)):
            if array.size:
                u = random_signed(self.rng, array.size).reshape(array.shape)
                self._compare_along(place, u, upstream, gradient)

    def _compare_along(self, place: int, u: np.ndarray, upstream: np.ndarray,
                       gradient: np.ndarray) -> None:
        """Compare along u; exclude elements at kinks until the rest agrees or is wrong."""
        h = step(self.problem, place, self.settings.eps)
        for attempt in range(MAX_KINKS):
            line = Line(self.problem, place, u)
            claimed = float(np.sum(gradient * u))
            measured = float(upstream @ line.slope(h))
            if not attempt:
                self.result.note_errors(np.array(claimed), np.array(measured))
            if abs(claimed - measured) <= self.settings.allowed(measured) or (
                    self._classification(line, upstream, claimed).kind == "agrees"):
                return
            item = self._isolate(place, u, upstream, gradient, h)
            self._classify(item)
            kind = item.classification.kind if item.classification is not None else "not finite"
            if kind == "agrees":
                # Each element agrees but the sum does not: single errors are too small to see.
                item.claimed, item.measured, item.output = claimed, measured, -1
                self.result.add(item, "wrong")
            if kind not in ("kink", "jump"):
                return
            u = u.copy()
            u.reshape(-1)[item.index] = 0.0

    def _isolate(self, place: int, u: np.ndarray, upstream: np.ndarray, gradient: np.ndarray,
                 h: float) -> Disagreement:
        """Bisect a disagreement down to one element of the input and one of the output."""
        def input_gap(part: np.ndarray) -> float:
            direction = np.zeros(u.size)
            direction[part] = u.reshape(-1)[part]
            shaped = direction.reshape(u.shape)
            slope = upstream @ Line(self.problem, place, shaped).slope(h)
            return abs(float(slope - np.sum(gradient * shaped)))

        j = bisect(np.flatnonzero(u), input_gap)
        column = Line.along_element(self.problem, place, j).slope(h)

        def row(part: np.ndarray) -> float:
            weights = np.zeros(self.values.size)
            weights[part] = upstream[part]
            return float(self.claimed(weights)[place].reshape(-1)[j])

        i = bisect(np.arange(self.values.size),
                  lambda part: abs(float(upstream[part] @ column[part]) - row(part)))
        return Disagreement(place, j, i, row(np.array([i])) / upstream[i], float(column[i]))


def random_signed(rng: np.random.Generator, n: int) -> np.ndarray:
    """n numbers of random sign and absolute value 0.5 to 1.5, so that none is near zero."""
    return rng.uniform(0.5, 1.5, n) * rng.choice([-1.0, 1.0], n)


def sampled_gradient(comparer: Comparer, place: int, upstream: np.ndarray, limit: int = 128
                     ) -> Iterator[tuple[int, float]]:
    """Yield measured `(index, (Jᵀ·upstream)[index])` of one input: all, or a random choice."""
    size = comparer.problem.point[place].size
    indices = np.arange(size) if size <= limit else np.sort(
        comparer.rng.choice(size, limit, replace=False))
    h = step(comparer.problem, place, comparer.settings.eps)
    for j in indices:
        line = Line.along_element(comparer.problem, place, int(j))
        yield int(j), float(upstream @ line.slope(h))
