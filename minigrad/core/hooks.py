"""Hooks on operations: functions that are called before and after each one.

Hooks on the gradient of one tensor are in :mod:`minigrad.core.tensor`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from minigrad.kernels.addend import computed


class Contribution(NamedTuple):
    """The gradient that one derivative rule sent to one input.

    Attributes
    ----------
    name : str
        Parameter of the forward function that the rule belongs to.
    rule : Callable
        The rule itself.
    target : Node or Tensor
        The node that made the input, or a leaf.
    gradient : array or Tensor
        ∂L/∂input along this path, of the input's shape.
    """

    name: str
    rule: Callable
    target: Any
    gradient: Any


@dataclass(slots=True, eq=False)
class OperationCall:
    """One call of an operation; `before` and `after` are given the same object.

    Attributes
    ----------
    phase : str
        `"forward"` or `"backward"`.
    primitive : Primitive
        The operation.
    arguments : tuple
        Forward: the arguments, Tensors as their arrays. Backward: empty.
    result : Tensor or None
        Forward, after: the result.
    node : Node or None
        The recorded call. Forward: None before, and None if nothing was recorded.
    gradient : array, Tensor or None
        Backward: ∂L/∂result, an array (a Tensor in a recorded pass).
    contributions : tuple of Contribution
        Backward, after: what each rule sent to its input.
    """

    phase: str
    primitive: Any
    arguments: tuple = ()
    result: Any = None
    node: Any = None
    gradient: Any = None
    contributions: tuple[Contribution, ...] = ()


OperationHook = Callable[[OperationCall], None]


class _Observer(NamedTuple):
    thread: int
    before: OperationHook | None
    after: OperationHook | None


observers: list[_Observer] = []
_notifying = threading.local()


@contextmanager
def operation_hooks(before: OperationHook | None = None, after: OperationHook | None = None
                    ) -> Iterator[None]:
    """Call `before(call)` and `after(call)` around every operation of this thread.

    Forward calls on Tensors are reported one by one, recorded or not. In a backward pass one
    call is one node with all its rules. Operations on plain arrays within a rule are not
    reported; a recorded pass (`create_graph`) reports the operations within rules as forward
    calls. If an operation raises, `after` is not called. Operations that a hook itself calls
    are not reported.
    """
    observer = _Observer(threading.get_ident(), before, after)
    observers.append(observer)
    try:
        yield
    finally:
        observers.remove(observer)


def observed_forward(primitive: Any, args: tuple, arrays: list, kind: type, mask: int) -> Any:
    """Run `primitive._apply` with the hooks around it; returns its Tensor."""
    call = OperationCall("forward", primitive, tuple(arrays))
    _notify_before(call)
    call.result = result = primitive._apply(args, arrays, kind, mask)
    call.node = result.node
    _notify_after(call)
    return result


def observed_backward(vjp: Callable, node: Any, g: Any, recorded: bool, wanted: set | None
                      ) -> list[tuple[Any, Any]]:
    """Run `vjp(node, g, recorded, wanted)` with the hooks around it."""
    call = OperationCall("backward", node.primitive, node=node, gradient=g)
    _notify_before(call)
    sent = [(parent, computed(gradient)) for parent, gradient in vjp(node, g, recorded, wanted)]
    rules = [(name, rule) for parent, (rule, _, name) in zip(node.parents, node.plan.rules)
             if wanted is None or id(parent) in wanted]
    call.contributions = tuple([Contribution(name, rule, target, gradient)
                                for (name, rule), (target, gradient) in zip(rules, sent)])
    _notify_after(call)
    return sent


def _notify_before(call: OperationCall) -> None:
    _notify(call, [(each.thread, each.before) for each in observers])


def _notify_after(call: OperationCall) -> None:
    """In reverse order, so that pairs of hooks nest."""
    _notify(call, [(each.thread, each.after) for each in reversed(observers)])


def _notify(call: OperationCall, hooks: list[tuple[int, OperationHook | None]]) -> None:
    """Call the hooks of this thread, unless a hook itself called the operation."""
    if getattr(_notifying, "busy", False):
        return
    _notifying.busy = True
    try:
        for thread, hook in hooks:
            if hook is not None and thread == threading.get_ident():
                hook(call)
    finally:
        _notifying.busy = False
