"""Derivatives as functions: gradients with respect to chosen tensors, leaving ``.grad`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import GradientError
from .graph import backward, topological_order
from .tensor import Tensor, wrap


def grad(outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor],
         grad_outputs: Any = None, *, retain_graph: bool | None = None, create_graph: bool = False,
         allow_unused: bool = False) -> tuple[Tensor | None, ...]:
    """Gradients of ``outputs`` with respect to ``inputs``, without touching any ``.grad``.

    Parameters
    ----------
    outputs : one tensor or several; scalars unless ``grad_outputs`` is given.
    inputs : tensors (leaves or results) that require gradients.
    grad_outputs : ∂L/∂output for each output, of its shape; ones for scalars.
    create_graph : record the pass, so that the gradients can be differentiated again.
    allow_unused : give None for an input that the outputs do not depend on.

    Raises
    ------
    GradientError : an output is no scalar and has no gradient, or an input is not used.
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    upstream = [None] * len(outputs) if grad_outputs is None else grad_outputs
    upstream = list(upstream) if isinstance(upstream, (list, tuple)) else [upstream]
    starts = [output.start_gradient(g, create_graph) for output, g in zip(outputs, upstream)]
    targets = {id(tensor.node or tensor): None for tensor in inputs}
    retain = create_graph if retain_graph is None else retain_graph
    for target, g in backward(outputs, starts, retain_graph=retain, create_graph=create_graph,
                              wanted=_leading_to(outputs, targets)):
        if id(target) in targets:
            targets[id(target)] = g if create_graph else wrap(g.copy())
    results = tuple(targets[id(tensor.node or tensor)] for tensor in inputs)
    if not allow_unused and any(result is None for result in results):
        position = next(i for i, result in enumerate(results) if result is None)
        raise GradientError(f"input {position} of grad() does not lead to the outputs; "
                            f"check that it requires a gradient and was used, or pass "
                            f"allow_unused=True to get None for it")
    return results


def _leading_to(outputs: Sequence[Tensor], targets: dict) -> set[int]:
    """The ids of all nodes and leaves from which a target is reached, targets included."""
    order = topological_order(*outputs)
    leading = set(targets)
    for node in reversed(order):
        if any(id(parent) in leading for parent in node.parents):
            leading.add(id(node))
    return leading
