"""The recorded graph, and the backward pass over it.

Every recorded operation is a :class:`Node`. Its parents are the nodes that made its inputs, or
leaf tensors. The graph holds no other tensor, so it has no cycles and keeps no array alive that
no rule needs. Nodes are numbered as they are made, and an operation can only use what was made
before it. So walking from the highest number to the lowest *is* a topological order: each node is
visited once, and its gradient is complete when its turn comes.
"""

from __future__ import annotations

import functools
import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core import operations
from minigrad.core.hooks import observed_backward, observers
from minigrad.core.mode import recording
from minigrad.errors import GradientShapeError, ModifiedError, ReleasedGraphError
from minigrad.kernels.addend import computed
from minigrad.kernels.elementwise import accumulate as accumulate_sum
from minigrad.kernels.order import along_memory

_numbers = itertools.count()


def next_number() -> int:
    """Draw a number from the sequence that nodes are numbered from."""
    return next(_numbers)


class Node:
    """One recorded operation.

    Attributes
    ----------
    order : int
        Number in order of creation.
    primitive, plan : Primitive, Plan
        The operation, and which rules run on which saved values (`minigrad.checkpoint` uses objects
        with the same attributes).
    parents : tuple of Node or Tensor
        For each rule, the node or leaf tensor that its gradient goes to.
    saved : list or None
        The values that the rules name; None once released.
    saved_versions : list or None
        `(version cell, version)` of each saved tensor, to detect changes in place.
    shape, dtype :
        Those of the result; its gradient must have them too.
    hooks : list of Callable or None
        Functions from the complete gradient of the result to the gradient to use.
    """

    __slots__ = ("__weakref__", "dtype", "hooks", "order", "parents", "plan", "primitive", "saved",
                 "saved_versions", "shape")

    def __init__(self, primitive: Any, plan: Any, parents: tuple, saved: list,
                 saved_versions: list, out: Any) -> None:
        self.order = next(_numbers)
        self.primitive = primitive
        self.plan = plan
        self.parents = parents
        self.saved: list | None = saved
        self.saved_versions: list | None = saved_versions
        self.shape: tuple[int, ...] = out.shape
        self.dtype = out.dtype
        self.hooks: list[Callable] | None = None

    def release(self) -> None:
        """Drop the values that were saved for the derivative."""
        self.saved = self.saved_versions = None

    def __repr__(self) -> str:
        return f"<{self.primitive.name} #{self.order}, shape {tuple(self.shape)}>"


# ----------------------------------------------------------------- one node, backward

def vjp(node: Node, g: Any, recorded: bool, wanted: set | None = None) -> list[tuple[Any, Any]]:
    """The vector-Jacobian products of one node: `(parent, gradient)` for each of its parents.

    Parameters
    ----------
    node : Node
    g : array or Tensor
        ∂L/∂result, complete.
    recorded : bool
        Whether the rules run on Tensors and are recorded, or on plain arrays.
    wanted : set of int, optional
        Only these parents, by `id`.
    """
    saved = _saved_values(node, recorded)
    along = type(g) is not np.ndarray and node.primitive.elementwise and backend.is_cuda(g)
    sent = []
    for parent, (rule, indices, name) in zip(node.parents, node.plan.rules):
        if wanted is not None and id(parent) not in wanted:
            continue
        values = [saved[i] for i in indices]
        gradient = along_memory(rule, g, *values) if along else rule(g, *values)
        if gradient.shape != parent.shape or gradient.dtype is not parent.dtype:
            gradient = _fit(gradient, node, parent, name)
        sent.append((parent, gradient))
    return sent


def _saved_values(node: Node, recorded: bool) -> list:
    if node.saved is None or node.saved_versions is None:
        raise ReleasedGraphError(
            f"{node.primitive.name} was already differentiated and its arrays were released; "
            f"pass retain_graph=True to the first backward to go through the graph twice")
    for cell, version in node.saved_versions:
        if cell[0] != version:
            raise ModifiedError(
                f"an array that {node.primitive.name} saved for its derivative was changed in "
                f"place afterwards (version {version} was saved, it is now {cell[0]}); "
                f"change a clone() of it, or change it before {node.primitive.name} uses it")
    return node.plan.saved_as_tensors(node, node.saved) if recorded else node.saved


def _fit(gradient: Any, node: Node, parent: Any, name: str) -> Any:
    """Undo broadcasting (where declared) and match the element type of the input."""
    if gradient.shape != parent.shape:
        if not node.primitive.broadcasts:
            raise GradientShapeError(
                f"the derivative rule of {node.primitive.name} for {name} returned shape "
                f"{tuple(gradient.shape)}, but {name} has shape {tuple(parent.shape)}")
        gradient = operations.sum_to(gradient, parent.shape)
    if gradient.dtype == parent.dtype:
        return gradient
    return operations.cast(gradient, parent.dtype)


# ---------------------------------------------------------------------- the whole pass

def backward(roots: Sequence[Any], gradients: Sequence[Any], *, retain_graph: bool = False,
             create_graph: bool = False, wanted: set | None = None
             ) -> Iterator[tuple[Any, Any]]:
    """Walk back from `roots` and yield `(node or leaf, its complete gradient)`.

    Inner nodes are yielded in topological order, leaves at the end. Gradients are arrays, or
    Tensors if `create_graph`. `Tensor.backward` adds them to `.grad`, :func:`minigrad.grad`
    returns them.

    Parameters
    ----------
    roots : sequence of Tensor
        The tensors to differentiate.
    gradients : sequence of array or Tensor
        ∂L/∂root for each of them.
    retain_graph, create_graph : bool
        See `Tensor.backward`.
    wanted : set of int, optional
        Send gradients to these nodes and leaves only, by `id`.
    """
    totals: dict[int, Any] = {}      # gradients summed up so far, by key
    targets: dict[int, Any] = {}     # the node or leaf that each belongs to
    heap: list[int] = []             # keys of nodes; the smallest one is next

    def send(target: Any, gradient: Any) -> None:
        is_node = type(target) is Node
        # Two kinds of keys that cannot collide: at most 0 for nodes, positive for leaves.
        key = -target.order if is_node else id(target)
        total = totals.pop(key, None)
        if total is None:
            totals[key] = gradient
            targets[key] = target
            if is_node:
                heapq.heappush(heap, key)
        else:
            totals[key] = total + gradient if create_graph else accumulate_sum(total, gradient)

    observed_vjp = functools.partial(observed_backward, vjp)
    with recording(create_graph):
        for root, gradient in zip(roots, gradients):
            send(root.node or root, gradient)
        while heap:
            key = heapq.heappop(heap)
            node = targets.pop(key)
            g = _complete(totals.pop(key), node.hooks)
            yield node, g
            run = observed_vjp if observers else vjp
            # The list has no name here, so a gradient that nothing else holds is summed in place.
            for parent, gradient in run(node, g, create_graph, wanted):
                send(parent, gradient)
            if not retain_graph:
                node.release()
        for key, leaf in targets.items():       # the leaves, in the order of arrival
            yield leaf, _complete(totals.pop(key), leaf._hooks)


def _complete(g: Any, hooks: list[Callable] | None) -> Any:
    """A gradient that all paths have contributed to: an array (or Tensor), after the hooks.

    NumPy's arithmetic on zero-dimensional arrays returns scalars, and an addend may not have been
    added to any other gradient. Both become arrays here.
    """
    if type(g) is not np.ndarray:
        g = np.asarray(g) if isinstance(g, np.generic) else computed(g)
        backend.use_device_of(g)        # the rules work there
    for hook in tuple(hooks) if hooks else ():      # a hook may remove itself
        g = hook(g)
    return g


def topological_order(*roots: Any) -> list[Node]:
    """All nodes that the tensors `roots` depend on, each before those that it was made from."""
    found: dict[int, Node] = {}
    stack = [root.node for root in roots if root.node is not None]
    while stack:
        node = stack.pop()
        if node.order not in found:
            found[node.order] = node
            stack.extend(parent for parent in node.parents if type(parent) is Node)
    return [found[order] for order in sorted(found, reverse=True)]
