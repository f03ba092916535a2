"""A tensor that is learned."""

from __future__ import annotations

from typing import Any

from minigrad.core.tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that a `minigrad.nn.Module` finds among its attributes.

    Parameters
    ----------
    data : numbers, nested lists, an array or a Tensor; always copied.
    requires_grad : True unless it is frozen.
    dtype, device : see `minigrad.Tensor`.
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None,
                 device: str | None = None) -> None:
        super().__init__(data, requires_grad, dtype, device)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"
