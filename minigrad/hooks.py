"""Looking at gradients, or changing them, while a backward pass goes by."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor


def run_hooks(hooks: Sequence[Callable], g: Any) -> Any:
    """Give ``g`` as a Tensor to each hook; what a hook returns replaces it."""
    from .tensor import Tensor, wrap
    for hook in tuple(hooks):
        tensor = g if isinstance(g, Tensor) else wrap(g)
        replaced = hook(tensor)
        if replaced is not None:
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
