"""Record the values of a computation: a graph saves only those that derivatives need."""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from minigrad.anomaly import created_at, user_line
from minigrad.backend import array_module, is_array
from minigrad.core.graph import Node
from minigrad.core.hooks import OperationCall, operation_hooks
from minigrad.core.tensor import Tensor
from minigrad.nn import Module


class Record(NamedTuple):
    """The operands and the result of a recorded operation, as arrays.

    Attributes
    ----------
    arguments : all of them, by position. Leaves and constants are copies, so that a later change in
        place (a training step) does not show.
    result : array.
    modules : the modules that were being computed, outermost first: (name in its parent, class).
    originals : the arguments themselves, by which the user's names for them are found.
    """

    arguments: tuple
    result: Any
    modules: tuple[tuple[str, str], ...] = ()
    originals: tuple = ()


_records: weakref.WeakKeyDictionary[Node, Record] = weakref.WeakKeyDictionary()


def record_of(node: Node) -> Record | None:
    """The record of `node`; None if it was made outside `record`."""
    return _records.get(node)


@contextmanager
def record() -> Iterator[None]:
    """Record operands, result and calling line of every operation within a `with` block.

    Trace, graph and page then show all values, also after `backward()`, and compare gradients with
    measured ones. Otherwise they show only leaves, saved arrays and what can be computed from them.
    The arrays live as long as their graph.
    """
    copies, modules = _Copies(), _Modules()

    def remember(call: OperationCall) -> None:
        if call.phase == "forward" and call.node is not None and call.result is not None:
            result = call.result._array
            _records[call.node] = Record(
                tuple([_argument(call, i, copies) for i in range(len(call.arguments))]),
                result.copy() if call.primitive.view else result,
                modules.running(sys._getframe(1)), call.arguments)
            created_at[call.node] = user_line()

    with operation_hooks(after=remember):
        yield


def _argument(call: OperationCall, position: int, copies: _Copies) -> Any:
    """An argument: the recorded result of another operation, or a copy."""
    value, node = call.arguments[position], call.node
    if not is_array(value):
        return value
    if position in node.plan.inputs:
        made_by = _records.get(node.parents[node.plan.inputs.index(position)])
        if made_by is not None and made_by.result.shape == value.shape:
            return made_by.result
    return copies.of(value)


class _Copies:
    """One copy of each array, for as long as it is not changed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def of(self, array: Any) -> Any:
        known = self._known.get(id(array))
        if known is None or not _same(known[1], array):
            known = self._known[id(array)] = (array, array.copy())
        return known[1]


def _same(copy: Any, array: Any) -> bool:
    return bool(((copy == array) | ((copy != copy) & (array != array))).all())


def running_modules(frame: FrameType | None) -> list[Module]:
    """The modules whose `forward` is running in a frame, outermost first."""
    found: list[Module] = []
    while frame is not None:
        if frame.f_code.co_name == "forward":
            module = frame.f_locals.get("self")
            if isinstance(module, Module) and (not found or found[-1] is not module):
                found.append(module)
        frame = frame.f_back
    return found[::-1]


class _Modules:
    """The names of running modules within one another."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Module, dict[int, str]]] = {}

    def running(self, frame: FrameType | None) -> tuple[tuple[str, str], ...]:
        """(name, class) of each, outermost first."""
        found = running_modules(frame)
        return tuple([(self._name(parent, module), type(module).__name__)
                      for parent, module in zip([None, *found], found)])

    def _name(self, parent: Module | None, module: Module) -> str:
        if parent is None:
            return ""
        if id(parent) not in self._names:
            self._names[id(parent)] = parent, {
                id(child): name for name, child in parent.named_modules()}
        return self._names[id(parent)][1].get(id(module), "")


# ------------------------------------------------------------- a graph that was released


def released(nodes: list[Node]) -> list[Node]:
    """The nodes whose saved values are gone or out of date, after an earlier pass or a change."""
    return [node for node in nodes if node.saved is None or node.saved_versions is None
            or any(cell[0] != version for cell, version in node.saved_versions)]


@contextmanager
def saved_again(nodes: list[Node]) -> Iterator[None]:
    """Give recorded nodes back the values that they saved, within a `with` block."""
    before = [(node, node.saved, node.saved_versions) for node in released(nodes)
              if node in _records]
    for node, _, _ in before:
        node.saved, node.saved_versions = _saved_values(node, _records[node]), []
    try:
        yield
    finally:
        for node, saved, versions in before:
            node.saved, node.saved_versions = saved, versions


def _saved_values(node: Node, known: Record) -> list:
    """The values that the plan of `node` saves from its recorded call."""
    arguments, sides = list(known.arguments), []
    if node.plan.needs_side_arrays:
        _, *sides = node.primitive.forward(*arguments, saving=True)
    out = Tensor.__new__(Tensor)
    out._array, out._version = known.result, [0]
    saved, _ = node.plan.save(tuple(arguments), arguments, out, sides)
    return saved


# -------------------------------------------------------------------------- known values


class Values:
    """The known values of a graph, by node.

    Operands are leaves, saved arrays or results of other nodes. If all operands of a small
    operation are known, its forward is run again.
    """

    MAX_SIZE = 4096     # elements: nothing larger is computed again
    # Arguments that no rule has to name: the result's shape and type show their values.
    _VISIBLE = ("keepdim", "dtype")

    def __init__(self) -> None:
        self._results: dict[Node, Any] = {}

    def add(self, node: Node, result: Any) -> None:
        """Make a result known."""
        self._results.setdefault(node, result)

    def leaf(self, node: Node, position: int, leaf: Tensor) -> Any:
        """The value that a leaf had as an operand of `node`; it may have been changed since."""
        recorded = _records.get(node)
        return leaf._array if recorded is None else recorded.arguments[position]

    def result(self, node: Node) -> Any:
        """The result of `node`, or None if it is unknown."""
        stack = [node]
        while stack:        # not recursive: chains are long
            top = stack[-1]
            if top in self._results:
                stack.pop()
                continue
            recorded = _records.get(top)
            if recorded is not None:
                self._results[top] = recorded.result
                continue
            missing = [] if size_of(top.shape) > self.MAX_SIZE else [
                p for p in top.parents if type(p) is Node and p not in self._results]
            if missing:
                stack.extend(missing)
            else:
                self._results[top] = self._evaluated(top)
        return self._results[node]

    def original(self, node: Node, position: int, operand: Any) -> Any:
        """The user's own array, of which `operand` may be a copy."""
        recorded = _records.get(node)
        return operand if recorded is None else recorded.originals[position]

    def arguments(self, node: Node) -> dict[int, Any]:
        """The known operands of `node`, by position."""
        recorded = _records.get(node)
        if recorded is not None:
            return dict(enumerate(recorded.arguments))
        known = {}
        for position, parent in zip(node.plan.inputs, node.parents):
            value = self._results.get(parent) if type(parent) is Node else parent._array
            if value is not None:
                known[position] = value
        for name, value in (saved_by_name(node) or {}).items():
            parameters = node.primitive.parameters
            if name in parameters and name != node.primitive.variadic:
                known.setdefault(parameters.index(name), value)
        return known

    def all_arguments(self, node: Node) -> list[Any] | None:
        """Every argument of `node`, to call it again; None if one is unknown."""
        recorded = _records.get(node)
        if recorded is not None:
            return list(recorded.arguments)
        primitive = node.primitive
        if primitive.variadic:
            return None
        known = self.arguments(node)
        for position, default in primitive.defaults.items():
            if primitive.parameters[position] in self._VISIBLE:
                known.setdefault(position, default)
        if set(known) != set(range(primitive.fixed)):
            return None
        return [known[i] for i in range(primitive.fixed)]

    def _evaluated(self, node: Node) -> Any:
        """Run the forward again if it is small and every operand is known."""
        saved = saved_by_name(node) or {}
        if "out" in saved:
            return saved["out"]
        if size_of(node.shape) > self.MAX_SIZE or node.primitive.saves:
            return None
        operands = self.all_arguments(node)
        if operands is None or any(is_array(v) and v.size > self.MAX_SIZE for v in operands):
            return None
        with np.errstate(all="ignore"):         # warnings were given the first time
            result = node.primitive.forward(*operands)
        result = array_module(*operands).asarray(result, dtype=node.dtype)
        return result if result.shape == node.shape else None


def saved_by_name(node: Node) -> dict[str, Any] | None:
    """The values that `node` saved for its rules, by name."""
    if node.saved is None:
        return None
    return {name: node.saved[i] for name, i in node.plan.saved_index.items()}


def size_of(shape: tuple[int, ...]) -> int:
    """Number of elements."""
    return math.prod(shape)
