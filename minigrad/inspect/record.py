"""Record the values of a computation: a graph saves only those that derivatives need."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minigrad.anomaly import created_at, user_line
from minigrad.backend import array_module, is_array
from minigrad.core.graph import Node
from minigrad.core.hooks import OperationCall, operation_hooks


class Record(NamedTuple):
    """The operands and the result of a recorded operation, as arrays."""

    arguments: tuple
    result: Any


_records: weakref.WeakKeyDictionary[Node, Record] = weakref.WeakKeyDictionary()


@contextmanager
def record() -> Iterator[None]:
    """Record operands, result and calling line of every operation within a `with` block.

    Trace, graph and page then show all values. Otherwise they show only leaves, saved arrays and
    what can be computed from them. The arrays live as long as their graph.
    """
    def remember(call: OperationCall) -> None:
        if call.phase == "forward" and call.node is not None and call.result is not None:
            _records[call.node] = Record(call.arguments, call.result._array)
            created_at[call.node] = user_line()

    with operation_hooks(after=remember):
        yield


class Values:
    """The known values of a graph, by node.

    Operands are leaves, saved arrays or results of other nodes. If all operands of a small
    operation are known, its forward is run again.
    """

    MAX_SIZE = 4096     # elements: nothing larger is computed again

    def __init__(self, known: dict[Any, Any] | None = None) -> None:
        self._results: dict[Any, Any] = dict(known or {})

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

    def _evaluated(self, node: Node) -> Any:
        """Run the forward again if it is small and every operand is known."""
        primitive = node.primitive
        saved = saved_by_name(node) or {}
        if "out" in saved:
            return saved["out"]
        if size_of(node.shape) > self.MAX_SIZE or primitive.variadic or primitive.saves:
            return None
        arguments = {**primitive.defaults, **self.arguments(node)}
        if set(arguments) != set(range(primitive.fixed)):
            return None
        operands = [arguments[i] for i in range(primitive.fixed)]
        if any(is_array(value) and value.size > self.MAX_SIZE for value in operands):
            return None
        with np.errstate(all="ignore"):         # warnings were given the first time
            result = primitive.forward(*operands)
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
