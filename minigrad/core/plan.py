"""What one call of a primitive keeps, and which rules its backward runs.

A plan is made once for each pattern of inputs that require gradients, from nothing but
the parameter names of the rules. A convolution with frozen weights, for example, runs
one rule only, which names the weights and a shape: so no image is kept.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minigrad import backend
from minigrad.core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from minigrad.core.graph import Node
    from minigrad.core.primitive import Primitive


class Plan:
    """What to keep and which rules to run, for one pattern of inputs that require gradients.

    Attributes
    ----------
    inputs : argument positions that get a gradient.
    rules : for each of them ``(rule, slots into the kept values, name)``.
    slots : where in the kept values each name that the rules use is found.
    """

    def __init__(self, operation: Primitive, mask: int) -> None:
        self.inputs = tuple(i for i in range(mask.bit_length()) if mask >> i & 1)
        self.wants_sides = False
        self.slots: dict[str, int] = {}
        self._fetch: list[tuple[str, int]] = []
        self.rules = tuple(self._rule(operation, i) for i in self.inputs)

    def _rule(self, operation: Primitive, index: int) -> tuple[Callable, tuple[int, ...], str]:
        name = operation.parameters[min(index, len(operation.parameters) - 1)]
        rule = operation.rules[name]
        assert rule is not None
        names = list(inspect.signature(rule).parameters)[1:]
        if "position" in names:
            rule = functools.partial(rule, position=index - operation.fixed)
            names.remove("position")
        for wanted in names:
            if wanted not in self.slots:
                self.slots[wanted] = len(self._fetch)
                self._fetch.append(self._source(operation, wanted))
        return rule, tuple(self.slots[wanted] for wanted in names), name

    def _source(self, operation: Primitive, name: str) -> tuple[str, int]:
        """Where a named value comes from at the time of the call."""
        if name == "out":
            return "out", 0
        if name in operation.saves:
            self.wants_sides = True
            return "side", list(operation.saves).index(name)
        shape = name.endswith("_shape")
        base = name.removesuffix("_shape")
        kind = "rest" if base == operation.variadic else "argument"
        return (f"{kind} shape" if shape else kind), operation.parameters.index(base)

    def keep(self, args: tuple, arrays: list, out: Tensor, sides: Any) -> tuple[list, list]:
        """The kept values of one call, and the version of each kept tensor."""
        kept: list = []
        guards: list = []
        for source, i in self._fetch:
            if source == "argument":
                kept.append(arrays[i])
                if isinstance(args[i], Tensor):
                    guards.append((args[i]._version, args[i]._version[0]))
            elif source == "out":
                kept.append(out._array)
                guards.append((out._version, out._version[0]))
            elif source == "argument shape":
                kept.append(getattr(arrays[i], "shape", ()))
            elif source == "side":
                kept.append(sides[i])
            elif source == "rest":
                kept.append(tuple(arrays[i:]))
                guards.extend((a._version, a._version[0]) for a in args[i:]
                              if isinstance(a, Tensor))
            else:
                kept.append([getattr(a, "shape", ()) for a in arrays[i:]])
        return kept, guards

    def as_tensors(self, node: Node) -> list:
        """Kept arrays as Tensors bound to the nodes that made them, for a recorded pass."""
        def bind(array: Any, maker: Any) -> Any:
            if not backend.is_array(array):
                return array
            return maker if isinstance(maker, Tensor) else wrap(array, node=maker)

        parents = dict(zip(self.inputs, node.parents))
        values = []
        for (source, i), value in zip(self._fetch, node.kept):
            if source == "argument":
                value = bind(value, parents.get(i))
            elif source == "out":
                value = wrap(value, node=node)
            elif source == "rest":
                value = tuple(bind(array, parents.get(i + k)) for k, array in enumerate(value))
            values.append(value)
        return values
