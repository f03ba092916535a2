"""Remembering values: a graph keeps only what derivatives need, a study wants to see them all."""

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
    """What one recorded operation was called with, and what came out (arrays)."""

    arguments: tuple
    result: Any


_records: weakref.WeakKeyDictionary[Node, Record] = weakref.WeakKeyDictionary()


@contextmanager
def record() -> Iterator[None]:
    """Remember the operands, the result and the calling line of every operation made inside.

    Trace, graph and page then show all values. Without it they show what the graph still knows:
    leaves, kept arrays, and what follows from these. The arrays live as long as their graph does.
    """
    def remember(call: OperationCall) -> None:
        if call.phase == "forward" and call.node is not None:
            _records[call.node] = Record(call.arguments, call.result._array)
            created_at[call.node] = user_line()

    with operation_hooks(after=remember):
        yield


class Values:
    """What is known about the values in a graph, asked node by node.

    Operands are leaves, kept arrays or results of other nodes; where all operands of a small
    operation are known its forward is run again.
    """

    LARGEST = 4096      # elements: nothing larger is computed again

    def __init__(self, known: dict[Any, Any] | None = None) -> None:
        self._results: dict[Any, Any] = dict(known or {})

    def result(self, node: Node) -> Any:
        """The result of ``node``, or None if it cannot be told."""
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
            missing = [] if size_of(top.shape) > self.LARGEST else [
                p for p in top.parents if type(p) is Node and p not in self._results]
            if missing:
                stack.extend(missing)
            else:
                self._results[top] = self._evaluated(top)
        return self._results[node]

    def arguments(self, node: Node) -> dict[int, Any]:
        """The operands of ``node`` that are known, by position."""
        recorded = _records.get(node)
        if recorded is not None:
            return dict(enumerate(recorded.arguments))
        known = {}
        for position, parent in zip(node.plan.inputs, node.parents):
            value = self._results.get(parent) if type(parent) is Node else parent._array
            if value is not None:
                known[position] = value
        for name, value in (kept_by_name(node) or {}).items():
            parameters = node.primitive.parameters
            if name in parameters and name != node.primitive.variadic:
                known.setdefault(parameters.index(name), value)
        return known

    def _evaluated(self, node: Node) -> Any:
        """The forward run again, where every operand is known and it is small."""
        primitive = node.primitive
        kept = kept_by_name(node) or {}
        if "out" in kept:
            return kept["out"]
        if size_of(node.shape) > self.LARGEST or primitive.variadic or primitive.saves:
            return None
        arguments = {**primitive.defaults, **self.arguments(node)}
        if set(arguments) != set(range(primitive.fixed)):
            return None
        operands = [arguments[i] for i in range(primitive.fixed)]
        if any(is_array(value) and value.size > self.LARGEST for value in operands):
            return None
        with np.errstate(all="ignore"):         # whatever it was, it was reported the first time
            result = primitive.forward(*operands)
        result = array_module(*operands).asarray(result, dtype=node.dtype)
        return result if result.shape == node.shape else None


def kept_by_name(node: Node) -> dict[str, Any] | None:
    """The values that ``node`` keeps for its rules, by the names that the rules use."""
    if node.saved is None:
        return None
    return {name: node.saved[i] for name, i in node.plan.saved_index.items()}


def size_of(shape: tuple[int, ...]) -> int:
    """Number of elements."""
    return math.prod(shape)
