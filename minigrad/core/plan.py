"""The values that one call of a primitive saves, and the rules that its backward pass runs.

A plan is made once for each pattern of inputs that require gradients, from the parameter names
of the rules alone. A convolution with frozen weights, for example, runs one rule only, which
names the weights and a shape, so no image is saved.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from minigrad import backend
from minigrad.core.graph import Node
from minigrad.core.tensor import Tensor, wrap


class Plan:
    """The values to save and the rules to run, for one pattern of inputs that require gradients.

    Parameters
    ----------
    operation : Primitive
    mask : int
        The pattern: bit i is set if argument i requires a gradient.

    Attributes
    ----------
    inputs : tuple of int
        Positions of the arguments that get a gradient.
    rules : tuple
        For each of them `(rule, indices into the saved values, parameter name)`.
    saved_index : dict from str to int
        Index into the saved values, for each name that the rules use.
    needs_side_arrays : bool
        Whether a rule names an array that the forward function makes on the side.
    """

    def __init__(self, operation: Any, mask: int) -> None:
        self.inputs = tuple(i for i in range(mask.bit_length()) if mask >> i & 1)
        self.needs_side_arrays = False
        self.saved_index: dict[str, int] = {}
        self._sources: list[tuple[str, int]] = []       # where each saved value comes from
        self.rules = tuple(self._rule(operation, i) for i in self.inputs)

    def _rule(self, operation: Any, index: int) -> tuple[Callable, tuple[int, ...], str]:
        name = operation.parameters[min(index, len(operation.parameters) - 1)]
        rule = operation.rules[name]
        assert rule is not None
        names = list(inspect.signature(rule).parameters)[1:]
        if "position" in names:
            rule = functools.partial(rule, position=index - operation.fixed)
            names.remove("position")
        for wanted in names:
            if wanted not in self.saved_index:
                self.saved_index[wanted] = len(self._sources)
                self._sources.append(self._source(operation, wanted))
        return rule, tuple(self.saved_index[wanted] for wanted in names), name

    def _source(self, operation: Any, name: str) -> tuple[str, int]:
        """Where to find a named value at the time of the call."""
        if name == "out":
            return "out", 0
        if name in operation.saves:
            self.needs_side_arrays = True
            return "side", list(operation.saves).index(name)
        shape = name.endswith("_shape")
        base = name.removesuffix("_shape")
        kind = "rest" if base == operation.variadic else "argument"
        return (f"{kind} shape" if shape else kind), operation.parameters.index(base)

    def save(self, args: tuple, arrays: list, out: Tensor, sides: list) -> tuple[list, list]:
        """The saved values of one call, and the version of each saved tensor."""
        saved: list = []
        versions: list = []
        for source, i in self._sources:
            if source == "argument":
                saved.append(arrays[i])
                if isinstance(args[i], Tensor):
                    versions.append((args[i]._version, args[i]._version[0]))
            elif source == "out":
                saved.append(out._array)
                versions.append((out._version, out._version[0]))
            elif source == "argument shape":
                saved.append(getattr(arrays[i], "shape", ()))
            elif source == "side":
                saved.append(sides[i])
            elif source == "rest":
                saved.append(tuple(arrays[i:]))
                versions.extend((a._version, a._version[0]) for a in args[i:]
                                if isinstance(a, Tensor))
            else:
                saved.append([getattr(a, "shape", ()) for a in arrays[i:]])
        return saved, versions

    def saved_as_tensors(self, node: Node, saved: list) -> list:
        """Saved arrays as Tensors bound to the nodes that made them, for a recorded pass."""
        def bind(array: Any, maker: Any) -> Any:
            if not backend.is_array(array):
                return array
            return maker if isinstance(maker, Tensor) else wrap(array, node=maker)

        parents = dict(zip(self.inputs, node.parents))
        values = []
        for (source, i), value in zip(self._sources, saved):
            if source == "argument":
                value = bind(value, parents.get(i))
            elif source == "out":
                value = wrap(value, node=node)
            elif source == "rest":
                value = tuple(bind(array, parents.get(i + k)) for k, array in enumerate(value))
            values.append(value)
        return values
