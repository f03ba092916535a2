"""Tensors in NumPy's functions and operators: `array + tensor`, `np.exp(tensor)`, `axis=`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.core import operations
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError
from minigrad.kernels.boundary import guarded, takes_dim

# The method of the right operand, for each function that NumPy's operators call.
_REFLECTED = {"add": "radd", "subtract": "rsub", "multiply": "rmul", "divide": "rtruediv",
              "power": "rpow", "matmul": "rmatmul", "floor_divide": "rfloordiv",
              "remainder": "rmod", "bitwise_and": "rand", "bitwise_or": "ror",
              "bitwise_xor": "rxor", "left_shift": "rlshift", "right_shift": "rrshift",
              "equal": "eq", "not_equal": "ne", "less": "gt", "less_equal": "ge", "greater": "lt",
              "greater_equal": "le"}


# Methods without a parameter `dim` that are guarded as well, see :mod:`minigrad.kernels.boundary`.
_GUARDED = {"to": "to", "expand": "expand", "clip": "clip", "take": "take",
            "__getitem__": "x[i]", "__matmul__": "a @ b", "__rmatmul__": "a @ b"}


def from_numpy_function(self: Tensor, function: Any, method: str, *inputs: Any, **options: Any
                        ) -> Any:
    """`array + tensor` is an operation of minigrad; `np.exp(tensor)` is refused."""
    name = function.__name__
    reflected = _REFLECTED.get(name)
    if reflected and method == "__call__" and not options and inputs[1] is self \
            and not isinstance(inputs[0], Tensor):
        operation = getattr(self, f"__{reflected}__", None)
        return NotImplemented if operation is None else operation(inputs[0])
    remedy = f"use mg.{name}" if hasattr(operations, name) else "convert with .numpy() first"
    raise DTypeError(f"np.{name} takes arrays, not tensors; {remedy}")


def attach() -> None:
    """Give Tensor's methods NumPy's argument names, and answer NumPy's functions."""
    for owner in Tensor.__mro__:
        if owner.__module__.startswith("minigrad"):
            for name, value in list(vars(owner).items()):
                if name in _GUARDED or (not name.startswith("_") and takes_dim(value)):
                    setattr(owner, name, guarded(value, _GUARDED.get(name, name)))
    Tensor.__array_ufunc__ = _NumPyFunctions()      # type: ignore[assignment]


class _NumPyFunctions:
    """The attribute `__array_ufunc__`: a function on the class, None on a tensor.

    NumPy asks the class, and calls what it finds. CuPy asks the tensor, and leaves `array + tensor`
    to the tensor if it finds None; a function could not be told which operation was meant.
    """

    def __get__(self, tensor: Tensor | None, owner: type) -> Callable[..., Any] | None:
        return from_numpy_function if tensor is None else None
