"""Recording operations, and walking back over the record.

Every recorded operation is a :class:`Node`. Its parents are the nodes that made
its inputs, or leaf tensors; the graph holds no other tensor, so it has no cycles
and keeps nothing by accident. Nodes are numbered as they are made, hence an
operation always has a higher number than everything it used: going from the
highest number down *is* a topological order, each node is visited once, and its
gradient is complete when its turn comes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import minigrad
from minigrad import backend
from minigrad.core.hooks import observed_backward, observers, run_hooks
from minigrad.core.mode import set_grad_enabled
from minigrad.errors import GradientShapeError, ModifiedError, ReleasedGraphError
from minigrad.kernels.addend import computed
from minigrad.kernels.elementwise import accumulate as accumulate_sum
from minigrad.kernels.order import along_memory

if TYPE_CHECKING:
    from minigrad.core.primitive import Plan, Primitive
    from minigrad.core.tensor import Tensor


_numbers = itertools.count()


class Node:
    """One recorded operation.

    Attributes
    ----------
    order : number in order of creation.
    primitive, plan : the operation, and which rules run over which kept values.
    parents : for each rule, the node (or leaf tensor) that its gradient goes to.
    kept : the values that the rules name; None once released.
    guards : (version cell, version) of each kept tensor, to notice changes in place.
    shape, dtype : those of the result, which its gradient must have.
    hooks : functions called with the finished gradient of the result.
    """

    __slots__ = ("__weakref__", "dtype", "guards", "hooks", "kept", "order", "parents", "plan",
                 "primitive", "shape")

    def __init__(self, primitive: Primitive, plan: Plan, parents: tuple, kept: list, guards: list,
                 out: Any) -> None:
        self.order = next(_numbers)
        self.primitive = primitive
        self.plan = plan
        self.parents = parents
        self.kept: list | None = kept
        self.guards: list | None = guards
        self.shape: tuple[int, ...] = out.shape
        self.dtype = out.dtype
        self.hooks: list[Callable] | None = None

    def release(self) -> None:
        """Let go of what was kept for the derivative."""
        self.kept = self.guards = None

    def __repr__(self) -> str:
        return f"<{self.primitive.name} #{self.order}, shape {tuple(self.shape)}>"


# ----------------------------------------------------------------- one node, backward

def pull_back(node: Node, g: Any, recorded: bool, wanted: set | None = None
              ) -> list[tuple[Any, Any]]:
    """``(parent, gradient)`` for every parent of ``node``, given its result's gradient ``g``.

    Rules run on plain arrays, or on Tensors if the pass is itself ``recorded``.
    ``wanted`` limits the work to these parents (by ``id``).
    """
    kept = _kept_values(node, recorded)
    along = type(g) is not np.ndarray and node.primitive.elementwise and backend.is_cuda(g)
    sent = []
    for parent, (rule, slots, name) in zip(node.parents, node.plan.rules):
        if wanted is not None and id(parent) not in wanted:
            continue
        values = [kept[slot] for slot in slots]
        gradient = along_memory(rule, g, *values) if along else rule(g, *values)
        if gradient.shape != parent.shape or gradient.dtype is not parent.dtype:
            gradient = _fit(gradient, node, parent, name)
        sent.append((parent, gradient))
    return sent


def _kept_values(node: Node, recorded: bool) -> Any:
    if node.kept is None:
        raise ReleasedGraphError(
            f"{node.primitive.name} was already differentiated and its arrays were released; "
            f"pass retain_graph=True to the first backward to go through the graph twice")
    for cell, version in node.guards:
        if cell[0] != version:
            raise ModifiedError(
                f"an array that {node.primitive.name} kept for its derivative was changed in place "
                f"afterwards (version {version} was kept, it is now {cell[0]}); "
                f"change a clone() of it, or change it before {node.primitive.name} uses it")
    return node.plan.as_tensors(node) if recorded else node.kept


def _fit(gradient: Any, node: Node, parent: Any, name: str) -> Any:
    """Undo broadcasting (where declared) and match the element type of the input."""
    if gradient.shape != parent.shape:
        if not node.primitive.broadcasts:
            raise GradientShapeError(
                f"the derivative rule of {node.primitive.name} for {name} returned shape "
                f"{tuple(gradient.shape)}, but {name} has shape {tuple(parent.shape)}")
        gradient = minigrad.ops.sum_to(gradient, parent.shape)
    if gradient.dtype == parent.dtype:
        return gradient
    return minigrad.ops.cast(gradient, parent.dtype)


# ---------------------------------------------------------------------- the whole pass

def backward(roots: Sequence[Tensor], gradients: Sequence[Any], *, retain_graph: bool = False,
             create_graph: bool = False, wanted: set | None = None
             ) -> Iterator[tuple[Any, Any]]:
    """Walk back from ``roots`` and yield ``(node or leaf, its complete gradient)``.

    Inner nodes are yielded in topological order, leaves at the end. Gradients
    are arrays, or Tensors if ``create_graph``. See :func:`accumulate` and
    :func:`minigrad.grad` for what is done with them.
    """
    totals: dict[int, Any] = {}      # gradients under way, by key
    targets: dict[int, Any] = {}     # the node or leaf that each belongs to
    heap: list[int] = []             # keys of nodes; the smallest one is next

    def send(target: Any, gradient: Any) -> None:
        is_node = type(target) is Node
        key = -target.order if is_node else id(target)      # negative or zero, and positive
        total = totals.pop(key, None)
        if total is None:
            totals[key] = gradient
            targets[key] = target
            if is_node:
                heapq.heappush(heap, key)
        else:
            totals[key] = total + gradient if create_graph else accumulate_sum(total, gradient)

    with set_grad_enabled(create_graph):
        for root, gradient in zip(roots, gradients):
            send(root.node or root, gradient)
        while heap:
            key = heapq.heappop(heap)
            node, g = targets.pop(key), _as_array(totals.pop(key))
            backend.share_device((g,))
            if node.hooks:
                g = run_hooks(node.hooks, g)
            yield node, g
            pull = observed_backward if observers else pull_back
            for parent, gradient in pull(node, g, create_graph, wanted):
                send(parent, gradient)
            if not retain_graph:
                node.release()
        for key, leaf in targets.items():       # what is left, in the order of arrival
            g = _as_array(totals.pop(key))
            backend.share_device((g,))
            yield leaf, run_hooks(leaf._hooks, g) if leaf._hooks else g


def _as_array(g: Any) -> Any:
    """NumPy's arithmetic on arrays without dimensions gives scalars: make them arrays again.

    And a term that was to be added to others has met none.
    """
    if type(g) is np.ndarray:
        return g
    return np.asarray(g) if isinstance(g, np.generic) else computed(g)


def accumulate(root: Tensor, gradient: Any, retain_graph: bool, create_graph: bool) -> None:
    """``Tensor.backward``: add the gradient of ``root`` to ``.grad`` of every leaf behind it."""
    from minigrad.core.tensor import wrap
    for target, g in backward([root], [gradient], retain_graph=retain_graph,
                              create_graph=create_graph):
        if type(target) is Node:
            continue
        if target.grad is not None and target.grad.shape != g.shape:
            raise GradientShapeError(
                f"backward() cannot add a gradient of shape {tuple(g.shape)} to a .grad that was "
                f"set to shape {target.grad.shape}; set it to None or to the leaf's shape")
        if create_graph:
            target.grad = g if target.grad is None else target.grad + g
        elif target.grad is None:
            # A copy: the array may be shared with another leaf (x + y sends one to both).
            target.grad = wrap(g.copy())
        else:
            total = target.grad._array.copy()
            total += g
            target.grad = wrap(total)


def topological_order(*roots: Tensor) -> list[Node]:
    """All nodes behind ``roots``, each before the nodes that it was made from."""
    found: dict[int, Node] = {}
    stack = [root.node for root in roots if root.node is not None]
    while stack:
        node = stack.pop()
        if node.order not in found:
            found[node.order] = node
            stack.extend(parent for parent in node.parents if type(parent) is Node)
    return [found[order] for order in sorted(found, reverse=True)]
