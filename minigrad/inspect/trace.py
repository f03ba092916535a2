"""The backward pass, one node at a time: `for step in trace(loss): print(step)`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.anomaly import SourceLine, created_at
from minigrad.backend import array_module
from minigrad.core.graph import Node, backward, topological_order
from minigrad.core.hooks import Contribution, OperationCall, operation_hooks
from minigrad.core.mode import recording
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ReleasedGraphError
from minigrad.inspect.formula import formula as rule_formula
from minigrad.inspect.naming import find_names, operand_names, public_name
from minigrad.inspect.notebook import step_html
from minigrad.inspect.record import record_of, released, saved_again, saved_by_name
from minigrad.inspect.rules import RuleSource, formula, rule_source
from minigrad.inspect.stretch import Stretch, raw_gradients, sum_source
from minigrad.inspect.texts import arrays_in, brief, norm
from minigrad.printable import shown

if TYPE_CHECKING:
    from minigrad.nn import Module


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
    target : the node that made the input, the leaf tensor, or the `Stretch` between them.
    gradient : array, ∂L/∂input along this path alone, of the input's shape.
    norm : its Euclidean norm.
    before, total : the sum over the paths so far, without and with this one; `before` is None for
        the first path.
    to : what the target is called: the user's name, or the operation.
    formula : the rule as a formula, with the user's names; "" if it is not one expression.
    """

    name: str
    rule: RuleSource
    target: Node | Tensor | Stretch
    gradient: Any
    norm: float
    before: Any
    total: Any
    to: str = ""
    formula: str = ""


@dataclass(frozen=True)
class Step:
    """One step of the backward pass: an operation, a sum over what was stretched, or a leaf.

    Attributes
    ----------
    order : 0, 1, 2 … in the order of the pass.
    operation : name of the primitive; `"stretch"` for the sum that undoes broadcasting, `"leaf"`
        for a leaf.
    formula : first line of the operation's docstring.
    node : the node, the `Stretch`, or the leaf tensor.
    shape, dtype : of the result (of the leaf).
    gradient : array, ∂L/∂result, summed over all paths into this node.
    norm : its Euclidean norm.
    paths : number of contributions to `gradient`.
    saved : the values that the operation saved; empty for a leaf.
    sent : the gradients that its rules sent, in the order of the rules; empty for a leaf.
    created : the line that called the operation, if it was made under
        `minigrad.inspect.record` or `minigrad.detect_anomaly`.
    name : the user's name of the result or the leaf, or "".
    operands : what the rules' parameters are called by the user.
    """

    order: int
    operation: str
    formula: str
    node: Node | Tensor | Stretch
    shape: tuple[int, ...]
    dtype: np.dtype
    gradient: Any
    norm: float
    paths: int
    saved: tuple[Saved, ...] = ()
    sent: tuple[Sent, ...] = ()
    created: SourceLine | None = field(default=None)
    name: str = ""
    operands: Mapping[str, str] = field(default_factory=dict)

    @property
    def public_name(self) -> str:
        """The operation by the name under which users call it, such as `"matmul"`."""
        return self.operation if type(self.node) is not Node else public_name(self.operation)

    @property
    def saved_bytes(self) -> int:
        """Bytes of the saved arrays; an array under two names counts once."""
        arrays = {id(saved.value): saved.nbytes for saved in self.saved}
        return sum(arrays.values())

    def __str__(self) -> str:
        if isinstance(self.node, Stretch):
            (sent,) = self.sent
            return "\n".join([f"{self.order:3} {self.node.in_words()}", "      " + _line(sent)])
        head = (f"{self.order:3} {self._title()}  {self.shape}  gradient {brief(self.gradient)}"
                + (f", the sum of {self.paths} paths" if self.paths > 1 else ""))
        lines = [head]
        for sent in self.sent:
            stretched = ", stretched" if isinstance(sent.target, Stretch) else ""
            lines.append(f"      {_line(sent, stretched)}    {sent.rule.text}"
                         + self._renamed(sent))
        if self.saved:
            lines.append(f"      saved {', '.join(k.name for k in self.saved)}: "
                         f"{self.saved_bytes} bytes")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        stretched = isinstance(self.node, Stretch)
        return step_html(
            self.node.in_words() if isinstance(self.node, Stretch) else self._title(),
            self.formula, self.gradient,
            [{"to": sent.to + (", stretched" if isinstance(sent.target, Stretch) else ""),
              "formula": sent.formula, "rule": "" if stretched else sent.rule.text,
              "gradient": sent.gradient, "total": sent.total} for sent in self.sent],
            f"{', '.join(saved.name for saved in self.saved)}, {self.saved_bytes:,} bytes"
            if self.saved else "")

    def _title(self) -> str:
        if self.operation == "leaf":
            return f"leaf {self.name}".rstrip()
        return f"{self.name} = {self.public_name}" if self.name else self.public_name

    def _renamed(self, sent: Sent) -> str:
        """Which of the user's tensors the rule's parameters are, where they differ."""
        other = [f"{name} is {self.operands[name]}" for name in sent.rule.names
                 if self.operands.get(name, name) != name and name != "out"]
        return f"   ({', '.join(other)})" if other else ""


def _line(sent: Sent, note: str = "") -> str:
    line = f"to {sent.to}{note}: {brief(sent.gradient)}"
    if sent.before is not None:
        line += f"; total {brief(sent.before)} + {brief(sent.gradient)} = {brief(sent.total)}"
    return line


def trace(loss: Tensor, gradient: Any = None, *, retain_graph: bool = True,
          names: Mapping[str, Any] | Module | None = None) -> Iterator[Step]:
    """Walk the backward pass of `loss` and yield one `Step` per node, then per leaf.

    Where broadcasting stretched an operand, the sum that undoes it is a step of its own. Each step
    is yielded before its rules' gradients are used, so a caller may stop early. No `.grad`
    changes. Hooks on tensors run as in any pass. The arrays in the steps belong to the pass: do not
    write to them.

    Parameters
    ----------
    loss : the tensor to differentiate.
    gradient : ∂L/∂loss, of its shape; optional for a single element.
    retain_graph : whether the graph can be used again afterwards.
    names : names of the tensors: a mapping from names to tensors, or a Module. By default the
        variables of the calling function.

    Raises
    ------
    GradientError : there is nothing to differentiate, or a required gradient is missing.
    ReleasedGraphError : the graph was released by an earlier pass, and not made under `record`.
    """
    need_tensor("trace", loss)
    start = loss.start_gradient(gradient, recorded=False)
    return steps_of(loss, start, find_names(names, sys._getframe(1)), retain_graph)


def need_tensor(name: str, value: Any) -> None:
    """Raise unless a function of that name was given a tensor to look at."""
    if not isinstance(value, Tensor):
        raise ArgumentError(f"{name} takes the tensor that operations made, not {shown(value)}")


def require_saved(nodes: list[Node]) -> None:
    """Refuse a graph whose saved values are gone, and say how to look at it instead."""
    gone = [node for node in released(nodes) if node.saved is None and record_of(node) is None]
    if gone:
        raise ReleasedGraphError(
            f"{public_name(gone[0].primitive.name)} was already differentiated, and backward() "
            f"released what it had saved: look at the graph before backward(), call "
            f"backward(retain_graph=True), or compute it within `with inspect.record():`")


def steps_of(loss: Tensor, start: Any, names: dict[int, str], retain_graph: bool = True
             ) -> Iterator[Step]:
    """The steps of `trace`, given the gradient that it starts from and the names by `id`."""
    nodes = topological_order(loss)
    require_saved(nodes)
    with saved_again(nodes):
        walk = backward([loss], [start], retain_graph=retain_graph)
        try:
            yield from _watched(walk, names)
        finally:        # also if the caller stops early: restore the mode
            with recording(False):
                walk.close()        # type: ignore[attr-defined]  # the pass is a generator


def _watched(walk: Iterator, names: dict[int, str]) -> Iterator[Step]:
    totals = _Totals(names)
    calls: list[OperationCall] = []
    order = 0
    pending = _advance(walk, calls)
    while pending is not None:
        target, g = pending
        # The rules of a node run when the pass advances: read the saved values before that, and the
        # gradients that were sent after it.
        is_node = type(target) is Node
        saved = _saved(target) if is_node else ()
        called = operand_names(target, names) if is_node else {}
        raw = raw_gradients(target, g) if is_node else {}
        paths = totals.count(target)
        pending = _advance(walk, calls)
        contributions = [c for call in calls if call.node is target for c in call.contributions]
        calls.clear()
        sent: list[Sent] = []
        summed: list[tuple[Stretch, Any, Contribution]] = []
        for rule, contribution in enumerate(contributions):
            if rule in raw:
                stretch = Stretch(target, rule, names.get(id(contribution.target), ""))
                sent.append(totals.stretched(contribution, stretch, raw[rule], called))
                summed.append((stretch, raw[rule], contribution))
            else:
                sent.append(totals.add(contribution, called))
        yield _step(order, target, g, paths, saved, tuple(sent), names, called)
        order += 1
        for stretch, before, contribution in summed:
            total = totals.add(contribution, called, sum_source())
            yield _sum_step(order, stretch, before, total)
            order += 1


def _advance(walk: Iterator, calls: list) -> Any:
    """Advance the pass; outside of this call the caller's modes are in force."""
    def note(call: OperationCall) -> None:
        if call.phase == "backward":
            calls.append(call)

    with recording(False), operation_hooks(after=note):
        return next(walk, None)


def _step(order: int, target: Any, g: Any, paths: int, saved: tuple, sent: tuple,
          names: dict[int, str], called: dict[str, str]) -> Step:
    is_node = type(target) is Node
    return Step(order=order, operation=target.primitive.name if is_node else "leaf",
                formula=formula(target.primitive) if is_node else "",
                node=target, shape=tuple(target.shape), dtype=target.dtype, gradient=g,
                norm=norm(g), paths=paths, saved=saved, sent=sent,
                created=created_at.get(target) if is_node else None,
                name=names.get(id(target), ""), operands=called)


def _sum_step(order: int, stretch: Stretch, before: Any, sent: Sent) -> Step:
    return Step(order=order, operation="stretch", formula="", node=stretch, shape=stretch.shape,
                dtype=stretch.dtype, gradient=before, norm=norm(before), paths=1,
                sent=(replace(sent, formula=f"Σ g over {stretch.dims_in_words()}"),))


class _Totals:
    """Partial sums, separate from those of the engine, which adds in place."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self._sums: dict[int, Any] = {}
        self._counts: dict[int, int] = {}

    def add(self, contribution: Contribution, called: dict[str, str],
            source: RuleSource | None = None) -> Sent:
        """Count a contribution; `source` stands for the rule where that is not the last step."""
        name, rule, target, gradient = contribution
        gradient = array_module(gradient).asarray(gradient)
        before = self._sums.get(id(target))
        total = gradient if before is None else array_module(gradient).asarray(before + gradient)
        self._sums[id(target)] = total
        self._counts[id(target)] = self._counts.get(id(target), 0) + 1
        source = source or rule_source(rule)
        return Sent(name, source, target, gradient, norm(gradient), before, total,
                    describe(target, self.names), rule_formula(source, called))

    def stretched(self, contribution: Contribution, stretch: Stretch, gradient: Any,
                  called: dict[str, str]) -> Sent:
        """The gradient that a rule sent, before the sum: the only path to the stretched operand."""
        source = rule_source(contribution.rule)
        return Sent(contribution.name, source, stretch, gradient, norm(gradient), None, gradient,
                    describe(contribution.target, self.names), rule_formula(source, called))

    def count(self, target: Any) -> int:
        """Number of contributions to `target`, whose sum is complete and is dropped."""
        self._sums.pop(id(target), None)
        return self._counts.pop(id(target), 1)


def _saved(node: Node) -> tuple[Saved, ...]:
    return tuple([Saved(name, value, sum(array.nbytes for array in arrays_in(value)))
                  for name, value in (saved_by_name(node) or {}).items()])


def describe(target: Any, names: Mapping[int, str]) -> str:
    """The user's name, `leaf (3, 4)`, or the operation that computed it."""
    name = names.get(id(target), "")
    if name:
        return name
    return public_name(target.primitive.name) if type(target) is Node \
        else f"leaf {tuple(target.shape)}"
