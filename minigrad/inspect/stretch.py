"""Broadcasting as a step of its own: operands that were stretched, and the sums that undo it."""

from __future__ import annotations

from typing import Any

from minigrad.core import graph
from minigrad.core.graph import Node
from minigrad.core.mode import recording
from minigrad.core.tensor import Tensor
from minigrad.inspect.naming import public_name
from minigrad.inspect.rules import RuleSource, rule_source
from minigrad.kernels.addend import computed


class Stretch:
    """An operand that broadcasting stretched, on its way into an operation.

    Attributes
    ----------
    node : the operation.
    rule : which of its rules belongs to the operand.
    source : the node that made the operand, or the leaf.
    name : what the operand is called.
    shape : after stretching; `source.shape` is that before.
    dims : the dimensions of `shape` along which the operand was repeated.
    """

    def __init__(self, node: Node, rule: int, name: str = "") -> None:
        self.node, self.rule = node, rule
        self.source: Node | Tensor = node.parents[rule]
        self.name = name or (f"the result of {public_name(self.source.primitive.name)}"
                             if type(self.source) is Node else "the leaf")
        shape = stretched_shape(node, rule)
        assert shape is not None
        self.shape: tuple[int, ...] = shape
        self.dtype = self.source.dtype
        missing = len(shape) - len(self.source.shape)
        self.dims = tuple(d for d in range(len(shape))
                          if d < missing or self.source.shape[d - missing] != shape[d])

    def dims_in_words(self) -> str:
        if len(self.dims) == 1:
            return f"dimension {self.dims[0]}"
        return "dimensions " + ", ".join(map(str, self.dims[:-1])) + f" and {self.dims[-1]}"

    def in_words(self) -> str:
        """The step of the backward pass here, and the reason for it."""
        return (f"summed over {self.dims_in_words()}: {self.name} was stretched from "
                f"{tuple(self.source.shape)} to {self.shape}")


def key_of(owner: Any) -> Any:
    """The key of a node, a leaf, or a Stretch, of which each pass makes a new object."""
    return (id(owner.node), owner.rule) if isinstance(owner, Stretch) else id(owner)


def stretched_shape(node: Node, rule: int) -> tuple[int, ...] | None:
    """The shape to which an operand was stretched; None if it was not."""
    primitive, shape, own = node.primitive, tuple(node.shape), tuple(node.parents[rule].shape)
    if not primitive.broadcasts:
        return None
    if primitive.name == "matrix_product":      # whose last two dimensions are not stretched
        if len(own) < 2 or len(shape) < 2:
            return None
        shape = shape[:-2] + own[-2:]
    fits = len(own) <= len(shape) and all(
        a in (1, b) for a, b in zip(reversed(own), reversed(shape)))
    return shape if fits and own != shape else None


def raw_gradients(node: Node, g: Any) -> dict[int, Any]:
    """The gradients that rules of stretched operands return before the sum, by rule number."""
    found: dict[int, Any] = {}
    if not node.primitive.broadcasts or node.saved is None:
        return found
    with recording(False):
        for number, (rule, indices, _) in enumerate(node.plan.rules):
            shape = stretched_shape(node, number)
            if shape is not None:
                gradient = computed(rule(g, *[node.saved[i] for i in indices]))
                if tuple(gradient.shape) == shape:
                    found[number] = gradient
    return found


def sum_source() -> RuleSource:
    """The line of the engine that sums a gradient back to the shape of an operand."""
    whole = rule_source(graph._fit)
    lines = whole.text.splitlines()
    offset, line = next((i, line.strip()) for i, line in enumerate(lines) if "sum_to" in line)
    return RuleSource(line.removeprefix("gradient = "), whole.file, whole.line + offset)
