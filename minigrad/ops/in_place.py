"""Changes in place: `x.add_(y)`, `x += y`, `x[i] = v`.

As in PyTorch a change keeps shape, element type and memory of the tensor, is seen through its
views, and counts as a new version, so a backward pass that needs the old values raises. The
graph does not record changes: they need `no_grad()` where a gradient is required. With recording
on, `x += y` makes a new tensor, unless no gradient is involved or x is a leaf that requires one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.backend import array_module, is_array, on_device_of
from minigrad.core.methods import Methods
from minigrad.core.mode import mode, no_grad
from minigrad.core.tensor import Tensor
from minigrad.dtypes import category
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError
from minigrad.kernels.boundary import guard_methods, guarded, translated
from minigrad.kernels.element_types import NUMBERS, need_real
from minigrad.kernels.refusal import FOREIGN, index_refusal, refusal
from minigrad.ops.arithmetic import add, divide, multiply, subtract
from minigrad.ops.shape_functions import in_steps, plain_index
from minigrad.ops.steps import div
from minigrad.printable import shown

# Operators with a form in place, and the function of array libraries that writes the result.
_OPERATORS = {"add": ("+", "add"), "sub": ("-", "subtract"), "mul": ("*", "multiply"),
              "truediv": ("/", "divide"), "pow": ("**", None), "matmul": ("@", None),
              "floordiv": ("//", None), "mod": ("%", None), "and": ("&", None), "or": ("|", None),
              "xor": ("^", None), "lshift": ("<<", None), "rshift": (">>", None)}


def update(x: Tensor, label: str, operation: Callable[..., Any], *args: Any, **named: Any
           ) -> Tensor:
    """Overwrite x with operation(x, …), which has x's shape and a type that fits into x's.

    Parameters
    ----------
    label : the change as the user wrote it, for messages.

    Raises
    ------
    ShapeError, DTypeError
        The result is larger than x, or a float for integers; PyTorch refuses both as well.
    GradientError
        x requires a gradient, and recording is on.
    """
    _refuse_recording(x)
    with no_grad():
        result = operation(x, *args, **named)
    if result.shape != x.shape:
        raise ShapeError(f"{label} in place keeps the shape {x.shape}, but the result has shape "
                         f"{result.shape}; make a new tensor instead")
    if category(result.dtype) > category(x.dtype) or x.dtype.kind + result.dtype.kind == "cf":
        raise DTypeError(f"{label} in place keeps the type {x.dtype}, but the result is "
                         f"{result.dtype}; make a new tensor instead")
    writable(x)[...] = result._array
    return x


def _combined(x: Tensor, label: str, function: str, operation: Callable[..., Any], other: Any
              ) -> Tensor:
    """`update` for sums, products and so on, written directly into x where that is safe."""
    array, term = x._array, _constant(other)
    number = type(term) in (int, float) and array.dtype.kind == "f"
    alike = array.dtype.kind == "f" and type(term) is type(array) \
        and term.dtype is array.dtype and term.shape == array.shape
    if not number and not alike:
        return update(x, label, operation, other)
    array = writable(x)
    try:
        getattr(array_module(array), function)(array, term, out=array)
    except FOREIGN as error:        # a number beyond the range of floats
        raise refusal(label, [array, term], error) from error
    return x


def _check_alpha(alpha: Any, name: str) -> None:
    if getattr(alpha, "ndim", 0):
        raise ArgumentError(f"{name} takes one number for alpha, not {shown(alpha)}; multiply the "
                            f"other tensor by it first")


def add_(x: Tensor, other: Any, alpha: float = 1) -> Tensor:
    """x ← x + alpha·other."""
    array = x._array
    _check_alpha(alpha, "add_")
    if type(other) is Tensor and other._array.dtype is array.dtype and array.dtype.kind == "f" \
            and other._array.shape == array.shape and type(other._array) is type(array):
        array = writable(x)        # the usual case, at once
        array += other._array if alpha == 1 else alpha * other._array
        return x
    if alpha == 1:
        return _combined(x, "add_", "add", add, other)
    return update(x, "add_", lambda x: add(x, multiply(other, alpha)))


def sub_(x: Tensor, other: Any, alpha: float = 1) -> Tensor:
    """x ← x − alpha·other."""
    _check_alpha(alpha, "sub_")
    return _combined(x, "sub_", "subtract", subtract, other) if alpha == 1 \
        else update(x, "sub_", lambda x: subtract(x, multiply(other, alpha)))


def mul_(x: Tensor, other: Any) -> Tensor:
    """x ← x·other."""
    return _combined(x, "mul_", "multiply", multiply, other)


def div_(x: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """x ← x / other, rounded as by :func:`minigrad.div`; integers need a `rounding_mode`."""
    if rounding_mode is not None:
        return update(x, "div_", lambda x: div(x, other, rounding_mode=rounding_mode))
    return _combined(x, "div_", "divide", divide, other)


def copy_(x: Tensor, source: Any) -> Tensor:
    """Overwrite x with `source`, broadcast and converted to x's type."""
    _assign(writable(x), ..., source, "copy_")
    return x


def assign(x: Tensor, index: Any, value: Any) -> None:
    """x[index] = value, under `no_grad()` where a gradient is required."""
    if isinstance(value, Tensor) and value._requires_grad and mode.recording:
        raise GradientError("x[i] = v would lose the gradient of v; build the result with where() "
                            "or cat(), or assign under no_grad()")
    target = writable(x)
    try:
        steps = in_steps(plain_index(index), target.ndim)
        for step in steps[:-1]:
            target = target[step]
    except (IndexError, ValueError) as error:
        raise index_refusal(x.shape, error) from error
    _assign(target, steps[-1], value, "x[i] = v")


def _assign(target: Any, index: Any, value: Any, label: str) -> None:
    value = _numbers(_constant(value), label)
    if target.dtype.kind != "c" and not isinstance(value, (int, float)):
        need_real(label, value)
    try:
        value = on_device_of(target, value)
        target[index] = value
    except IndexError as error:
        raise index_refusal(target.shape, error) from error
    except FOREIGN as error:
        try:
            shape, part = np.shape(value), np.shape(target[index])
        except FOREIGN:         # rows of different lengths, or an index that does not exist
            raise translated(label, [value, index], error) from error
        if isinstance(error, OverflowError):
            raise refusal(label, [target, value], error) from error
        if _broadcasts(shape, part):        # so something else is wrong with it
            raise translated(label, [value], error) from error
        raise ShapeError(f"{label}: a value of shape {shape} does not fit into shape {part}; it "
                         f"must have that shape, or broadcast to it") from None


def _numbers(value: Any, label: str) -> Any:
    """`value` as a number or an array of numbers; NumPy would take dates and texts for some."""
    if isinstance(value, (int, float, complex)):
        return value
    try:
        array = value if is_array(value) else np.asarray(value)
    except FOREIGN as error:        # rows of different lengths, and what has no end
        raise translated(label, [value], error) from error
    if array.dtype.kind not in NUMBERS:
        given = f"elements of type {array.dtype}" if is_array(value) else shown(value)
        raise DTypeError(f"{label} takes numbers, not {given}")
    return array


def _broadcasts(shape: tuple[int, ...], part: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, part) == part
    except ValueError:
        return False


def _refuse_recording(x: Tensor) -> None:
    if x._requires_grad and mode.recording:
        x.array_for_writing()           # raises


def writable(x: Tensor) -> Any:
    """The array of x, to be changed; counts as a change."""
    array = x._array
    if type(array) is np.ndarray and not array.flags.writeable:
        raise ShapeError(f"a tensor of shape {x.shape} whose elements share memory (the result of "
                         f"expand, or a read-only array) cannot be changed in place; change a "
                         f"clone() of it")
    return x.array_for_writing()


def _constant(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else value


def _augmented(name: str) -> Callable[[Tensor, Any], Any]:
    """The method behind `x += y` and so on."""
    symbol, function = _OPERATORS[name]
    operation = getattr(operator, f"__{name}__")

    def assigned(self: Tensor, other: Any) -> Any:
        if not isinstance(other, Tensor) and not is_array(other) \
                and not isinstance(other, (int, float, complex)):
            return NotImplemented
        if mode.recording and (self._requires_grad or (
                isinstance(other, Tensor) and other._requires_grad)):
            if self._requires_grad and self.node is None:
                raise GradientError(
                    f"a {symbol}= b would change a leaf that requires a gradient, which the graph "
                    f"does not record; do it under no_grad(), or write a = a {symbol} b for a new "
                    f"tensor")
            return operation(self, other)
        label = f"a {symbol}= b"
        return update(self, label, operation, other) if function is None \
            else _combined(self, label, function, operation, other)

    return assigned


def guard(compositions: Iterable[str]) -> None:
    """Guard the methods of these names, and what makes a tensor of anything.

    Primitives guard themselves, and matmul does.
    """
    guard_methods([Tensor], ["__init__"])
    Tensor.__format__ = guarded(Tensor.__format__, "format")    # type: ignore[method-assign]
    for name in compositions:
        own = vars(Methods).get(name)
        if own is not None and name != "matmul":
            setattr(Methods, name, guarded(own, name))


def attach() -> None:
    """Give Tensor the in-place form of each of its operators."""
    for name in _OPERATORS:
        if hasattr(Tensor, f"__{name}__"):
            setattr(Tensor, f"__i{name}__", _augmented(name))
