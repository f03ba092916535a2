"""The backward pass, one node at a time: `for step in trace(loss): print(step)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.anomaly import SourceLine, created_at
from minigrad.backend import array_module, is_array, to_device
from minigrad.core.graph import Node, backward
from minigrad.core.hooks import Contribution, OperationCall, operation_hooks
from minigrad.core.mode import set_grad_enabled
from minigrad.core.tensor import Tensor
from minigrad.inspect.record import saved_by_name
from minigrad.inspect.rules import RuleSource, formula, rule_source


@dataclass(frozen=True)
class Saved:
    """A value that an operation saved for its rules; `nbytes` is 0 if it is not an array."""

    name: str
    value: Any
    nbytes: int


@dataclass(frozen=True)
class Sent:
    """The gradient that one rule sent to one input, and the total of that input.

    Attributes
    ----------
    name : the parameter with respect to which the rule differentiates.
    rule : the source of the rule.
    target : the node that made the input, or the leaf tensor.
    gradient : array, ∂L/∂input along this path alone, of the input's shape.
    norm : its Euclidean norm.
    before, total : the sum over the paths so far, without and with this one; `before` is None for
        the first path.
    """

    name: str
    rule: RuleSource
    target: Node | Tensor
    gradient: Any
    norm: float
    before: Any
    total: Any


@dataclass(frozen=True)
class Step:
    """One step of the backward pass: an operation or, at the end, a leaf.

    Attributes
    ----------
    order : 0, 1, 2 … in the order of the pass.
    operation : name of the primitive; `"leaf"` for a leaf.
    formula : first line of the operation's docstring.
    node : the node, or the leaf tensor.
    shape, dtype : of the result (of the leaf).
    gradient : array, ∂L/∂result, summed over all paths into this node.
    norm : its Euclidean norm.
    paths : number of contributions to `gradient`.
    saved : the values that the operation saved; empty for a leaf.
    sent : the gradients that its rules sent, in the order of the rules; empty for a leaf.
    created : the line that called the operation, if it was made under
        `minigrad.inspect.record` or `minigrad.detect_anomaly`.
    """

    order: int
    operation: str
    formula: str
    node: Node | Tensor
    shape: tuple[int, ...]
    dtype: np.dtype
    gradient: Any
    norm: float
    paths: int
    saved: tuple[Saved, ...] = ()
    sent: tuple[Sent, ...] = ()
    created: SourceLine | None = field(default=None)

    @property
    def saved_bytes(self) -> int:
        """Bytes of the saved arrays; an array under two names counts once."""
        arrays = {id(saved.value): saved.nbytes for saved in self.saved}
        return sum(arrays.values())

    def __str__(self) -> str:
        head = (f"{self.order:3} {self.operation}  {self.shape}  gradient {brief(self.gradient)}"
                + (f", the sum of {self.paths} paths" if self.paths > 1 else ""))
        lines = [head]
        for sent in self.sent:
            line = f"      to {sent.name} ({describe(sent.target)}): {brief(sent.gradient)}"
            if sent.before is not None:
                line += f"; total {brief(sent.before)} + {brief(sent.gradient)} = " \
                        f"{brief(sent.total)}"
            lines.append(f"{line}    {sent.rule.text}")
        if self.saved:
            lines.append(f"      saved {', '.join(k.name for k in self.saved)}: "
                         f"{self.saved_bytes} bytes")
        return "\n".join(lines)


def trace(loss: Tensor, gradient: Any = None, *, retain_graph: bool = True) -> Iterator[Step]:
    """Walk the backward pass of `loss` and yield one `Step` per node, then per leaf.

    This runs the engine's own pass, so the numbers are those of `backward()`, but no `.grad`
    changes. Hooks on tensors run as in any pass. The arrays in the steps belong to the pass: do not
    write to them.

    Parameters
    ----------
    loss : the tensor to differentiate.
    gradient : ∂L/∂loss, of its shape; optional for a single element.
    retain_graph : whether the graph can be used again afterwards.

    Raises
    ------
    GradientError : there is nothing to differentiate, or a required gradient is missing.
    """
    start = loss.start_gradient(gradient, recorded=False)
    return _steps(loss, start, retain_graph)


def _steps(loss: Tensor, start: Any, retain_graph: bool) -> Iterator[Step]:
    walk = backward([loss], [start], retain_graph=retain_graph)
    try:
        yield from _watched(walk)
    finally:        # also if the caller stops early: restore the mode
        with set_grad_enabled(False):
            walk.close()        # type: ignore[attr-defined]  # the pass is a generator


def _watched(walk: Iterator) -> Iterator[Step]:
    totals = _Totals()
    calls: list[OperationCall] = []
    order = 0
    pending = _advance(walk, calls)
    while pending is not None:
        target, g = pending
        # The rules of a node run when the pass advances: read the saved values before that, and the
        # gradients that were sent after it.
        saved = _saved(target) if type(target) is Node else ()
        paths = totals.count(target)
        pending = _advance(walk, calls)
        sent = tuple([totals.add(c) for call in calls if call.node is target
                      for c in call.contributions])
        calls.clear()
        yield _step(order, target, g, paths, saved, sent)
        order += 1


def _advance(walk: Iterator, calls: list) -> Any:
    """Advance the pass; outside of this call the caller's modes are in force."""
    def note(call: OperationCall) -> None:
        if call.phase == "backward":
            calls.append(call)

    with set_grad_enabled(False), operation_hooks(after=note):
        return next(walk, None)


def _step(order: int, target: Any, g: Any, paths: int, saved: tuple, sent: tuple) -> Step:
    is_node = type(target) is Node
    return Step(order=order, operation=target.primitive.name if is_node else "leaf",
                formula=formula(target.primitive) if is_node else "",
                node=target, shape=tuple(target.shape), dtype=target.dtype, gradient=g,
                norm=norm(g), paths=paths, saved=saved, sent=sent,
                created=created_at.get(target) if is_node else None)


class _Totals:
    """Partial sums, separate from those of the engine, which adds in place."""

    def __init__(self) -> None:
        self._sums: dict[int, Any] = {}
        self._counts: dict[int, int] = {}

    def add(self, contribution: Contribution) -> Sent:
        name, rule, target, gradient = contribution
        gradient = array_module(gradient).asarray(gradient)
        before = self._sums.get(id(target))
        total = gradient if before is None else array_module(gradient).asarray(before + gradient)
        self._sums[id(target)] = total
        self._counts[id(target)] = self._counts.get(id(target), 0) + 1
        return Sent(name, rule_source(rule), target, gradient, norm(gradient), before, total)

    def count(self, target: Any) -> int:
        """Number of contributions to `target`, whose sum is complete and is dropped."""
        self._sums.pop(id(target), None)
        return self._counts.pop(id(target), 1)


def _saved(node: Node) -> tuple[Saved, ...]:
    return tuple([Saved(name, value, sum(array.nbytes for array in arrays_in(value)))
                  for name, value in (saved_by_name(node) or {}).items()])


# --------------------------------------------------------------- short texts


def norm(array: Any) -> float:
    """Euclidean norm, accumulated in float64."""
    flat = array_module(array).abs(array).ravel().astype(np.float64)
    return float((flat * flat).sum() ** 0.5)


def arrays_in(value: Any) -> list:
    """The arrays in a saved value: itself, or the members of `*xs`."""
    if is_array(value):
        return [value]
    return [v for v in value if is_array(v)] if isinstance(value, tuple) else []


def brief(array: Any, max_size: int = 6) -> str:
    """A small array as its elements, a large one as its norm."""
    if array.size <= max_size:
        host = to_device(array, "cpu")
        return np.array2string(host, precision=4, separator=", ", suppress_small=False)
    return f"‖·‖ = {norm(array):.4g}"


def describe(target: Any) -> str:
    """`leaf (3, 4)`, or the name of the operation that computed it."""
    return target.primitive.name if type(target) is Node else f"leaf {tuple(target.shape)}"
