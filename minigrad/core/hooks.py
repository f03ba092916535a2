"""Looking at what goes by: hooks on the gradients of tensors, and hooks on operations."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from minigrad.errors import GradientShapeError
from minigrad.kernels.addend import computed

if TYPE_CHECKING:
    from minigrad.core.graph import Node
    from minigrad.core.primitive import Primitive
    from minigrad.core.tensor import Tensor

# ------------------------------------------------------------------- hooks on tensors


def run_hooks(hooks: Sequence[Callable], g: Any) -> Any:
    """Give ``g`` as a Tensor to each hook; what a hook returns replaces it."""
    from minigrad.core.tensor import Tensor, wrap
    for hook in tuple(hooks):
        tensor = g if isinstance(g, Tensor) else wrap(g)
        replaced = hook(tensor)
        if replaced is not None:
            if replaced.shape != tensor.shape:
                raise GradientShapeError(
                    f"the hook {getattr(hook, '__name__', hook)} was given a gradient of shape "
                    f"{tensor.shape} and returned shape {replaced.shape}; they must be equal")
            g = replaced if isinstance(g, Tensor) else replaced._array
    return g


def add_hook(tensor: Tensor, hook: Callable) -> Callable[[], None]:
    """Call ``hook(gradient)`` when the gradient of ``tensor`` is complete; returns the remover."""
    owner = tensor.node
    hooks = (owner.hooks if owner is not None else tensor._hooks) or []
    hooks.append(hook)
    if owner is not None:
        owner.hooks = hooks
    else:
        tensor._hooks = hooks
    return lambda: hooks.remove(hook)


def retain_grad(tensor: Tensor) -> None:
    """Ask a backward pass to store ``.grad`` on an inner tensor too."""
    reference = weakref.ref(tensor)

    def store(gradient: Tensor) -> None:
        target = reference()
        if target is not None:
            target.grad = gradient.clone() if target.grad is None else target.grad + gradient

    if tensor.node is not None:
        add_hook(tensor, store)


# ---------------------------------------------------------------- hooks on operations


class Contribution(NamedTuple):
    """What one derivative rule sent back: to which input, and how much."""

    name: str               # the parameter of the forward that the rule is for
    rule: Callable
    target: Node | Tensor   # the node that made the input, or a leaf
    gradient: Any           # ∂L/∂input by this path, of the input's shape


@dataclass(slots=True, eq=False)
class OperationCall:
    """One operation going by. The same object is given to ``before`` and to ``after``.

    Attributes
    ----------
    phase : ``"forward"`` or ``"backward"``.
    primitive : the operation.
    arguments : forward: what it was called with, Tensors as their arrays; backward: empty.
    result : forward, after: the Tensor that came out.
    node : the record of the call; forward: None before, and None if nothing was recorded.
    gradient : backward: ∂L/∂result, an array (a Tensor in a recorded pass).
    contributions : backward, after: what each rule sent to its input.
    """

    phase: str
    primitive: Primitive
    arguments: tuple = ()
    result: Tensor | None = None
    node: Node | None = None
    gradient: Any = None
    contributions: tuple[Contribution, ...] = ()


OperationHook = Callable[[OperationCall], None]

observers: list[tuple[int, OperationHook | None, OperationHook | None]] = []
_notifying = threading.local()


@contextmanager
def operation_hooks(before: OperationHook | None = None, after: OperationHook | None = None
                    ) -> Iterator[None]:
    """Call ``before(call)`` and ``after(call)`` around every operation of this thread.

    Forward calls on Tensors are seen one by one, recorded or not. Backward, one call is one
    node with all its rules; what a rule computes on plain arrays belongs to it, while a
    recorded pass (``create_graph``) shows the operations within as forward calls. An operation
    that raises has no ``after``. What a hook itself computes is not reported.
    """
    entry = (threading.get_ident(), before, after)
    observers.append(entry)
    try:
        yield
    finally:
        observers.remove(entry)


def observed_forward(primitive: Primitive, *call_arguments: Any) -> Tensor:
    """``primitive._apply`` with the hooks around it."""
    call = OperationCall("forward", primitive, tuple(call_arguments[1]))
    _notify(call, 1)
    call.result = result = primitive._apply(*call_arguments)
    call.node = result.node
    _notify(call, 2)
    return result


def observed_backward(node: Node, g: Any, recorded: bool, wanted: set | None
                      ) -> list[tuple[Any, Any]]:
    """``graph.pull_back`` with the hooks around it."""
    from minigrad.core.graph import pull_back
    call = OperationCall("backward", node.primitive, node=node, gradient=g)
    _notify(call, 1)
    sent = [(parent, computed(gradient))
            for parent, gradient in pull_back(node, g, recorded, wanted)]
    rules = [(name, rule) for parent, (rule, _, name) in zip(node.parents, node.plan.rules)
             if wanted is None or id(parent) in wanted]
    call.contributions = tuple([Contribution(name, rule, target, gradient)
                                for (name, rule), (target, gradient) in zip(rules, sent)])
    _notify(call, 2)
    return sent


def _notify(call: OperationCall, moment: int) -> None:
    """Run the hooks of this thread; ``after`` in reverse order, so that pairs nest."""
    if getattr(_notifying, "busy", False):
        return
    _notifying.busy = True
    try:
        for entry in observers[::-1] if moment == 2 else tuple(observers):
            hook = entry[moment]
            if entry[0] == threading.get_ident() and hook is not None:
                hook(call)
    finally:
        _notifying.busy = False
