"""A graph as lists of vertices and edges, with names and values, for drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from minigrad.backend import is_array
from minigrad.core.graph import Node, topological_order
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, GradientError
from minigrad.inspect.record import Values
from minigrad.nn import Module

MAX_NODES = 3000    # a larger picture could not be read


@dataclass
class Vertex:
    """An operation, a leaf, or a constant operand.

    Attributes
    ----------
    kind : `"operation"`, `"leaf"` (requires a gradient) or `"constant"`.
    title : the operation's name, or that of the user's variable.
    name : for an operation: the user's variable that holds its result, or "".
    value : the result as an array, if known.
    owner : the node or leaf; None for a constant.
    """

    kind: str
    title: str
    shape: tuple[int, ...]
    dtype: Any
    name: str = ""
    value: Any = None
    owner: Node | Tensor | None = None


@dataclass
class Edge:
    """An edge: the result of vertex `source` is the operand `name` of vertex `target` (indices).

    `port` is its position among the `ports` drawn operands, `rule` its position among the rules of
    the target's node, or None for a constant.
    """

    source: int
    target: int
    name: str
    port: int = 0
    ports: int = 1
    rule: int | None = None


@dataclass
class Model:
    """Vertices in the order of computation (operands first), and edges."""

    vertices: list[Vertex]
    edges: list[Edge]

    def index(self) -> dict[int, int]:
        """The vertex of a node or leaf, by `id`."""
        return {id(vertex.owner): i for i, vertex in enumerate(self.vertices)
                if vertex.owner is not None}


def build(loss: Tensor, names: dict[int, str]) -> Model:
    """Build the graph of `loss`.

    Raises
    ------
    GradientError : nothing was recorded for `loss`.
    ArgumentError : the graph has more than `MAX_NODES` nodes.
    """
    if loss.node is None:
        raise GradientError("there is no graph to draw: this tensor is not the result of a "
                            "recorded operation; compute it from tensors with requires_grad=True")
    nodes = topological_order(loss)[::-1]
    if len(nodes) > MAX_NODES:
        raise ArgumentError(f"the graph has {len(nodes)} operations; pictures and pages are made "
                            f"of at most {MAX_NODES}: take a smaller part, or use trace()")
    values = Values({loss.node: loss._array})
    model = Model([], [])
    places: dict[int, int] = {}
    constants: dict[int, int] = {}
    for node in nodes:
        result = values.result(node)
        operands = _operands(node, values)
        edges = [_edge(model, places, constants, names, position, operand, node)
                 for position, operand in sorted(operands.items())]
        places[id(node)] = len(model.vertices)
        model.vertices.append(Vertex("operation", node.primitive.name, tuple(node.shape),
                                     node.dtype, names.get(id(node), ""), result, node))
        for port, edge in enumerate(edges):
            edge.target, edge.port, edge.ports = places[id(node)], port, len(edges)
        model.edges.extend(edges)
    return model


def _operands(node: Node, values: Values) -> dict[int, Any]:
    """Operands by position: a node, a leaf or a constant array."""
    differentiable = [i for i, name in enumerate(node.primitive.parameters)
                      if name in node.primitive.rules]
    operands = {position: value for position, value in values.arguments(node).items()
                if is_array(value) or (position in differentiable and value is not None)}
    operands.update(zip(node.plan.inputs, node.parents))
    return operands


def _edge(model: Model, places: dict[int, int], constants: dict[int, int], names: dict[int, str],
          position: int, operand: Any, node: Node) -> Edge:
    parameters = node.primitive.parameters
    parameter = parameters[min(position, len(parameters) - 1)]
    rule = node.plan.inputs.index(position) if position in node.plan.inputs else None
    if rule is None:
        source = constants.get(id(operand)) if is_array(operand) else None
        if source is None:
            source = constants[id(operand)] = len(model.vertices)
            model.vertices.append(_constant(operand, names))
    else:
        source = places.get(id(operand), -1)
        if source < 0:
            source = places[id(operand)] = len(model.vertices)
            model.vertices.append(Vertex(
                "leaf", names.get(id(operand), "leaf"), tuple(operand.shape), operand.dtype,
                value=operand._array, owner=operand))
    return Edge(source, -1, parameter, rule=rule)


def _constant(operand: Any, names: dict[int, str]) -> Vertex:
    title = names.get(id(operand), "constant")
    if is_array(operand):
        return Vertex("constant", title, tuple(operand.shape), operand.dtype, value=operand)
    return Vertex("constant", title, (), type(operand).__name__, value=operand)


# ------------------------------------------------------------------ the user's names


def find_names(names: Mapping[str, Tensor] | Module | None, frame: FrameType | None
               ) -> dict[int, str]:
    """The user's names of tensors, by `id` of their node, leaf or array.

    `names` is a mapping from names to tensors, or a Module. None stands for the variables of the
    calling function and the parameters of modules among them.
    """
    named: dict[str, Any]
    if isinstance(names, Module):
        named = {"": names}
    elif names is not None:
        named = dict(names)
    else:
        named = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
    result: dict[int, str] = {}
    for name, tensor in named.items():
        if isinstance(tensor, Tensor) and not name.startswith("_"):
            _add_name(result, name, tensor)
    for module in list(named.values()):
        if isinstance(module, Module):
            for name, tensor in module.named_parameters():
                _add_name(result, name, tensor)
    return result


def _add_name(names: dict[int, str], name: str, tensor: Tensor) -> None:
    names.setdefault(id(tensor.node if tensor.node is not None else tensor), name)
    names.setdefault(id(tensor._array), name)
