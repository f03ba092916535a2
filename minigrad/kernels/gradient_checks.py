"""What a gradient may be: a tensor, or an array to start from, that fits the one it belongs to."""

from __future__ import annotations

from typing import Any

from minigrad import backend
from minigrad.errors import (
    ArgumentError,
    DTypeError,
    GradientDTypeError,
    GradientShapeError,
    MixedDeviceError,
)
from minigrad.kernels.boundary import FOREIGN, translated
from minigrad.printable import printable, shown


def check_gradient(value: Any, tensor: Any, label: str, owner: str) -> None:
    """Raise unless `value` has the class, shape, type and device that the gradient must have.

    Parameters
    ----------
    tensor : a tensor that has them, called `owner` in messages.
    label : what `value` is.
    """
    if not hasattr(value, "requires_grad") or not backend.is_array(getattr(value, "_array", None)):
        raise DTypeError(f"{label} must be a tensor or None, not {shown(value)}")
    if value.shape != tensor.shape:
        raise GradientShapeError(f"{label} has shape {value.shape}, but {owner} has shape "
                                 f"{tensor.shape}; they must be equal")
    if value.dtype != tensor.dtype:
        raise GradientDTypeError(f"{label} is {value.dtype}, but {owner} is {tensor.dtype}; "
                                 f"convert it with .to({str(tensor.dtype)!r})")
    if value.device != tensor.device:
        raise MixedDeviceError(f"{label} is on {value.device}, but {owner} is on {tensor.device}; "
                               f"move it there with .to({tensor.device!r})")


def start_array(gradient: Any, like: Any, origin: str) -> Any:
    """The gradient of a backward pass from an array, as an array of its library and shape.

    Parameters
    ----------
    gradient : tensor, array, or what makes one.
    like : the array that the pass starts from, called `origin` in messages.
    """
    given, device = getattr(gradient, "_array", gradient), backend.device_of(like)
    if backend.is_array(given) and backend.device_of(given) != device:
        raise MixedDeviceError(
            f"the gradient is on {backend.device_of(given)}, but {origin} is on {device}; move "
            f"it there with .to({device!r})")
    try:
        array = backend.array_module(like).asarray(given)
    except FOREIGN as error:
        raise translated("backward", [gradient], error) from error
    if array.dtype.kind not in ("biufc" if like.dtype.kind == "c" else "biuf"):
        raise DTypeError(f"the gradient holds {array.dtype}, but {origin} is {like.dtype}; it must "
                         f"hold real numbers")
    if array.shape != like.shape:
        raise GradientShapeError(f"the gradient has shape {tuple(array.shape)}, but {origin} has "
                                 f"shape {like.shape}; they must be equal")
    return array


def name_of_hook(hook: Any) -> str:
    """The name of a function in messages.

    Raises
    ------
    ArgumentError : it is none.
    """
    if not callable(hook):
        raise ArgumentError(f"a hook is a function, not {shown(hook)}")
    return printable(getattr(hook, "__name__", type(hook).__name__), 60)
