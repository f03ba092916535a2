"""Measure gradients: compute again with one number nudged, and see how far the loss moves.

The recorded operations are called again in float64, on the values that they had. Nothing of the
user's program runs again, so random numbers and constants stay as they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minigrad.backend import is_array, to_device
from minigrad.core.graph import Node, topological_order
from minigrad.core.mode import recording
from minigrad.core.tensor import Tensor
from minigrad.inspect.record import Values
from minigrad.inspect.stretch import Stretch, key_of

Kind = Literal["agrees", "kink", "differs", "undefined"]
TABLE = 16              # elements; in larger arrays, one element and one direction are measured
NUDGE = 1e-3            # relative to the size of the numbers that are nudged
MAX_VISITS = 300_000    # of operations, and of array elements, for one page
MAX_ELEMENTS = 5e7
_WORST: tuple[Kind, ...] = ("undefined", "differs", "kink", "agrees")


@dataclass(frozen=True)
class Nudge:
    """One measurement.

    Attributes
    ----------
    index : the element that was nudged; None if all were, each by ± `by`.
    by : how far.
    moved : how far the loss moved.
    slope : the derivative, from both sides.
    left, right : the derivative from each side; they differ at a kink.
    claimed : the same derivative by the backward pass.
    """

    index: tuple[int, ...] | None
    by: float
    moved: float
    slope: float
    left: float
    right: float
    claimed: float
    kind: Kind


@dataclass(frozen=True)
class Measured:
    """The measurements of one gradient; `slopes` is the whole of it, if it is small."""

    nudges: tuple[Nudge, ...]
    slopes: Any = None

    @property
    def kind(self) -> Kind:
        """The worst of all nudges."""
        found = {nudge.kind for nudge in self.nudges}
        return next(kind for kind in _WORST if kind in found)

    @property
    def telling(self) -> Nudge:
        """The nudge to report: the worst, then the one that moves the loss most."""
        return min(self.nudges, key=lambda n: (_WORST.index(n.kind), n.index is None,
                                               -abs(n.claimed)))


class Replay:
    """A computation in float64, to be repeated with some of its values replaced.

    Attributes
    ----------
    unknown : the first operation whose operands are not known, so that nothing can be measured; or
        None.
    too_large : whether the arrays are so large that nothing is measured.
    changed : whether the leaves now give a different loss than when it was computed.
    """

    def __init__(self, loss: Tensor, gradient: Any, values: Values) -> None:
        self.nodes = topological_order(loss)[::-1]
        self.position = {id(node): i for i, node in enumerate(self.nodes)}
        self._arguments: dict[int, list] = {}
        self._values: dict[int, Any] = {}
        self._seed = _double(gradient)
        self._visits, self._elements = 0, 0.0
        self._measured: dict[Any, Measured | None] = {}
        self._sizes = [math.prod(node.shape) for node in self.nodes]
        self.changed = False
        self.too_large = 10 * sum(self._sizes) > MAX_ELEMENTS
        self.unknown: Node | None = None if self.too_large else self._find_values(values)
        if self.unknown is None and not self.too_large:
            self._values.update(self._results({}, 0))
            self.start = self._loss({})
            self.changed = self._differs(_double(loss._array))

    def _find_values(self, values: Values) -> Node | None:
        for node in self.nodes:
            arguments = values.all_arguments(node)
            if arguments is None:
                values.result(node)
                return node
            self._arguments[id(node)] = [_double(value) for value in arguments]
            for position, parent in zip(node.plan.inputs, node.parents):
                if type(parent) is not Node:
                    self._values.setdefault(id(parent), self._arguments[id(node)][position])
            values.result(node)
        return None

    def _differs(self, then: Any) -> bool:
        """Whether the loss has changed by more than its element type's rounding explains."""
        now = self._values[id(self.nodes[-1])]
        largest = max(float(np.abs(value).max(initial=0.0, where=np.isfinite(value)))
                      for value in self._values.values())
        finite = np.isfinite(now) & np.isfinite(then)
        rounding = max(float(np.finfo(node.dtype).eps) for node in self.nodes)
        return bool((np.abs(now - then)[finite] > max(1e-3, 50 * rounding) * largest).any())

    # -- running again

    def _call(self, node: Node, results: dict[int, Any], position: int = -1, operand: Any = None
              ) -> Any:
        """The result of `node`, given changed results of others, or another operand."""
        arguments = list(self._arguments[id(node)])
        for at, parent in zip(node.plan.inputs, node.parents):
            known = results.get(id(parent))
            arguments[at] = self._values[id(parent)] if known is None else known
        if position >= 0:
            arguments[position] = operand
        return np.asarray(node.primitive(*arguments))

    def _results(self, changed: dict[int, Any], first: int) -> dict[int, Any]:
        """The results of all operations from number `first` that depend on changed ones."""
        results = dict(changed)
        with np.errstate(all="ignore"), recording(False):
            for node in self.nodes[first:]:
                if id(node) not in results and (not changed or any(
                        id(parent) in results for parent in node.parents)):
                    results[id(node)] = self._call(node, results)
        return results

    def _loss(self, results: dict[int, Any]) -> float:
        root = id(self.nodes[-1])
        value = results.get(root)
        return float((self._seed * (self._values[root] if value is None else value)).sum())

    def _with(self, owner: Any, value: Any) -> float:
        """The loss, if a leaf, a result or one operand has another value."""
        if isinstance(owner, tuple):
            node, position = owner
            first = self.position[id(node)] + 1
            with np.errstate(all="ignore"), recording(False):
                changed = {id(node): self._call(node, {}, position, value)}
        else:
            first = self.position.get(id(owner), -1) + 1
            changed = {id(owner): value}
        return self._loss(self._results(changed, first))

    def _value(self, owner: Any) -> Any:
        if isinstance(owner, Stretch):
            return np.broadcast_to(self._values[id(owner.source)], owner.shape)
        if isinstance(owner, tuple):
            node, position = owner
            known = dict(zip(node.plan.inputs, node.parents)).get(position)
            return self._values[id(known)]
        return self._values[id(owner)]

    # -- measuring

    def measure(self, owner: Any, gradient: Any) -> Measured | None:
        """Compare a gradient with the measured one.

        Parameters
        ----------
        owner : a node, for its result; a leaf; a Stretch; or (node, position), for one operand of
            one operation, on this path alone.
        gradient : ∂L/∂owner.

        Returns
        -------
        None where something is unknown, or where too much has been computed already.
        """
        # The only path into a value is measured as that value, unless a hook has changed it.
        place = (id(owner[0]), owner[1]) if isinstance(owner, tuple) else key_of(owner)
        key = place, to_device(gradient, "cpu").tobytes()
        if key not in self._measured:
            self._measured[key] = self._measure(owner, gradient)
        return self._measured[key]

    def _measure(self, owner: Any, gradient: Any) -> Measured | None:
        if self.unknown is not None or self.too_large:
            return None
        value = _double(self._value(owner))
        place = (owner.node, owner.node.plan.inputs[owner.rule]) if isinstance(owner, Stretch) \
            else owner
        claimed = _double(gradient)
        directions = list(_directions(value, claimed))
        if not directions or not self._affordable(place, 5 * len(directions)):
            return None
        scale = _size(value)
        floor = 1e-6 * max(1.0, abs(self.start)) / scale + 1e-4 * float(np.abs(claimed).max())
        nudges = tuple([self._nudged(place, value, index, direction, claimed, scale, floor)
                        for index, direction in directions])
        slopes = None
        if value.size <= TABLE:
            slopes = np.array([nudge.slope for nudge in nudges]).reshape(value.shape)
        return Measured(nudges, slopes)

    def _affordable(self, place: Any, evaluations: int) -> bool:
        owner = place[0] if isinstance(place, tuple) else place
        first = self.position.get(id(owner), 0)
        self._visits += evaluations * (len(self.nodes) - first)
        self._elements += evaluations * float(sum(self._sizes[first:]))
        return self._visits <= MAX_VISITS and self._elements <= MAX_ELEMENTS

    def _nudged(self, place: Any, value: Any, index: Any, direction: Any, gradient: Any,
                scale: float, floor: float) -> Nudge:
        by = NUDGE * scale
        claimed = float((gradient * direction).sum())
        moved = self._with(place, value + by * direction) - self.start
        # The slope is measured with far smaller steps: their errors are below 1e-8 in float64.
        left, right = self._sides(place, value, direction, by / 128)
        slope = (left + right) / 2
        if not all(map(math.isfinite, (moved, left, right, claimed))):
            kind: Kind = "undefined"
        elif abs(right - left) > max(floor, 1e-3 * max(abs(left), abs(right))) \
                and self._is_kink(place, value, direction, by / 1024, right - left):
            kind = "kink"
        else:
            close = abs(slope - claimed) <= floor + 5e-3 * max(abs(slope), abs(claimed))
            kind = "agrees" if close else "differs"
        return Nudge(index, by, moved, slope, left, right, claimed, kind)

    def _sides(self, place: Any, value: Any, direction: Any, h: float) -> tuple[float, float]:
        left = (self.start - self._with(place, value - h * direction)) / h
        return left, (self._with(place, value + h * direction) - self.start) / h

    def _is_kink(self, place: Any, value: Any, direction: Any, h: float, bend: float) -> bool:
        """Whether both sides differ as much at an eighth of the step; else the curve is steep."""
        left, right = self._sides(place, value, direction, h)
        return abs(right - left) > 0.5 * abs(bend)


def _directions(value: Any, claimed: Any) -> Iterator[tuple[Any, Any]]:
    """(index or None, direction): each element of a small array; two directions in a large one."""
    if not value.size:
        return
    flat: Sequence[int] = range(value.size)
    if value.size > TABLE:
        flat = [int(np.nan_to_num(np.abs(claimed), nan=np.inf).argmax())]
    for number in flat:
        direction = np.zeros(value.shape)
        direction.flat[number] = 1
        yield tuple(map(int, np.unravel_index(number, value.shape))), direction
    if value.size > TABLE:
        ends = np.random.default_rng(0).integers(0, 2, value.shape) * 2.0 - 1
        yield None, ends


def _size(value: Any) -> float:
    """A power of ten near the largest finite element; 1 for zeros."""
    finite = np.abs(value[np.isfinite(value)])
    largest = float(finite.max()) if finite.size else 0.0
    return 10.0 ** math.floor(math.log10(largest)) if largest > 0 else 1.0


def _double(value: Any) -> Any:
    """Floats in float64, on the host; a float type as an argument is float64, too."""
    if type(value) is tuple:        # named ones are windows and geometries, which have no arrays
        return tuple([_double(part) for part in value])
    if is_array(value):
        host = to_device(value, "cpu")
        return host.astype(np.float64) if host.dtype.kind == "f" else host
    if isinstance(value, np.dtype) and value.kind == "f":
        return np.dtype(np.float64)
    return value
