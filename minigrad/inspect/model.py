"""A graph as lists of vertices and edges, with names and values, for drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minigrad.backend import array_module, is_array
from minigrad.core.graph import Node, topological_order
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError
from minigrad.inspect.naming import operand_names, ordinal, public_name
from minigrad.inspect.record import Values
from minigrad.inspect.stretch import Stretch, key_of, stretched_shape


@dataclass
class Vertex:
    """An operation, a leaf, a constant operand, or an operand that broadcasting stretches.

    Attributes
    ----------
    kind : `"operation"`, `"leaf"` (requires a gradient), `"constant"`, `"stretch"`, or `"group"`
        (operations that were folded into one box).
    title : the operation's public name, or the name of the user's variable.
    name : for an operation: the user's variable that holds its result, or "".
    value : the result as an array, if known.
    owner : the node, leaf or Stretch; None for a constant or a group.
    members : of a group: the nodes, leaves and stretched operands in it, in order.
    """

    kind: str
    title: str
    shape: tuple[int, ...]
    dtype: Any
    name: str = ""
    value: Any = None
    owner: Node | Tensor | Stretch | None = None
    members: list[Node | Tensor | Stretch] = field(default_factory=list)

    @property
    def called(self) -> str:
        """The name of the value: the user's name, or that of the operation."""
        return self.name or self.title


@dataclass
class Edge:
    """An edge: the result of vertex `source` is an operand of vertex `target` (indices).

    `name` is what the operand is called, `port` its position among the `ports` drawn operands,
    `rule` its position among the rules of the target's node, or None for a constant.
    """

    source: int
    target: int
    name: str
    port: int = 0
    ports: int = 1
    rule: int | None = None


@dataclass
class Model:
    """Vertices in the order of computation (operands first), and edges.

    `folded` is the number of operations that were folded into groups; 0 if each has its own box.
    """

    vertices: list[Vertex]
    edges: list[Edge]
    folded: int = 0

    def index(self) -> dict[Any, int]:
        """The vertex of a node, a leaf or a Stretch, by its key."""
        found = {key_of(vertex.owner): i for i, vertex in enumerate(self.vertices)
                 if vertex.owner is not None}
        for i, vertex in enumerate(self.vertices):
            found.update((key_of(owner), i) for owner in vertex.members)
        return found


def build(loss: Tensor, names: dict[int, str], values: Values | None = None) -> Model:
    """Build the graph of `loss`, each operation a vertex.

    Raises
    ------
    GradientError : nothing was recorded for `loss`.
    """
    if loss.node is None:
        raise GradientError("there is no graph to draw: this tensor is not the result of a "
                            "recorded operation; compute it from tensors with requires_grad=True")
    values = values or Values()
    values.add(loss.node, loss._array)
    builder = _Builder(names, values)
    for node in topological_order(loss)[::-1]:
        builder.add(node)
    return builder.model


class _Builder:
    def __init__(self, names: dict[int, str], values: Values) -> None:
        self.names, self.values = names, values
        self.model = Model([], [])
        self.places: dict[int, int] = {}            # of nodes and leaves, by id
        self.constants: dict[int, int] = {}

    def add(self, node: Node) -> None:
        """Add an operation, below its operands."""
        result = self.values.result(node)
        operands = self._operands(node)
        called = operand_names(node, self.names)
        edges = [self._edge(position, operand, node, called, len(operands))
                 for position, operand in sorted(operands.items())]
        place = self.places[id(node)] = self._append(Vertex(
            "operation", public_name(node.primitive.name), tuple(node.shape), node.dtype,
            self.names.get(id(node), ""), result, node))
        for port, edge in enumerate(edges):
            edge.target, edge.port, edge.ports = place, port, len(edges)
        self.model.edges.extend(edges)

    def _append(self, vertex: Vertex) -> int:
        self.model.vertices.append(vertex)
        return len(self.model.vertices) - 1

    def _operands(self, node: Node) -> dict[int, Any]:
        """Operands by position: a node, a leaf or a constant array."""
        differentiable = [i for i, name in enumerate(node.primitive.parameters)
                          if name in node.primitive.rules]
        operands = {position: value for position, value in self.values.arguments(node).items()
                    if is_array(value) or (position in differentiable and value is not None)}
        operands.update(zip(node.plan.inputs, node.parents))
        return operands

    def _edge(self, position: int, operand: Any, node: Node, called: Mapping[str, str],
              count: int) -> Edge:
        """The edge to an operand, whose vertex is added if it is new."""
        rule = node.plan.inputs.index(position) if position in node.plan.inputs else None
        original = operand if rule is not None else self.values.original(node, position, operand)
        user = self.names.get(id(original), "")
        # For net.0.weight, the box shows the whole name, the arrow only its end.
        name = user.rpartition(".")[2] or self._label(node, position, operand, called, count)
        if rule is None:
            return Edge(self._constant(operand, user), -1, name)
        source = self.places.get(id(operand), -1)
        if source < 0:
            source = self.places[id(operand)] = self._append(Vertex(
                "leaf", self.names.get(id(operand), "leaf"), tuple(operand.shape), operand.dtype,
                value=self.values.leaf(node, position, operand), owner=operand))
        if stretched_shape(node, rule) is not None:
            source = self._stretch(node, rule, source, name)
        return Edge(source, -1, name, rule=rule)

    def _label(self, node: Node, position: int, operand: Any, called: Mapping[str, str],
               count: int) -> str:
        """The operation's own name for an operand that the user has not named."""
        parameters = node.primitive.parameters
        if count == 1 or not (position in node.plan.inputs or is_array(operand)):
            return ""       # a single operand and a number need no label
        if position >= node.primitive.fixed:        # one of *xs
            position -= node.primitive.fixed
            return ordinal(position, count).removesuffix(" operand")
        return called[parameters[position]].removesuffix(" operand")

    def _stretch(self, node: Node, rule: int, source: int, name: str) -> int:
        """The vertex between an operand and an operation that stretches it."""
        stretch = Stretch(node, rule, self.names.get(id(node.parents[rule]), ""))
        value = self.model.vertices[source].value
        if value is not None:
            value = array_module(value).broadcast_to(value, stretch.shape)
        place = self._append(Vertex("stretch", "stretched", stretch.shape, stretch.dtype,
                                    value=value, owner=stretch))
        self.model.edges.append(Edge(source, place, name, rule=0))
        return place

    def _constant(self, operand: Any, name: str) -> int:
        place = self.constants.get(id(operand)) if is_array(operand) else None
        if place is None:
            title = name or "constant"
            shape, dtype = (tuple(operand.shape), operand.dtype) if is_array(operand) \
                else ((), type(operand).__name__)
            place = self.constants[id(operand)] = self._append(
                Vertex("constant", title, shape, dtype, value=operand))
        return place
