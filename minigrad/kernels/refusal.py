"""Errors of an array library, translated into minigrad's words.

A library's message names neither the operation that the user called nor the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from minigrad.errors import (
    ArgumentError,
    DTypeError,
    GradientDTypeError,
    MinigradError,
    OutOfRangeError,
    ShapeError,
)
from minigrad.printable import shape_of, shown

FOREIGN = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError, RecursionError)

# Operations as users write them.
_WRITTEN = {"add": "a + b", "subtract": "a - b", "multiply": "a * b", "divide": "a / b",
            "negative": "-a", "power": "a ** b", "matrix_product": "a @ b", "equal": "a == b",
            "not_equal": "a != b", "less": "a < b", "less_equal": "a <= b", "greater": "a > b",
            "greater_equal": "a >= b", "floor_divide": "a // b", "remainder": "a % b",
            "bitwise_and": "a & b", "bitwise_or": "a | b", "bitwise_xor": "a ^ b",
            "bitwise_left_shift": "a << b", "bitwise_right_shift": "a >> b",
            "clip_between": "clip"}
_FOR_BOOL = {"subtract": "use != (exclusive or), or convert to integers or floats",
             "negative": "use ~ (not), or convert to integers or floats"}
NUMPY_NAMES = {"axis": "dim", "axes": "dim", "keepdims": "keepdim"}


def refusal(name: str, arrays: Sequence[Any], error: Exception) -> Exception:
    """minigrad's error for an array library's error in the operation `name`.

    Parameters
    ----------
    arrays : the arguments of the operation, arrays among them.
    """
    if isinstance(error, MinigradError):
        return error
    label, text = _WRITTEN.get(name, name), str(error)
    shapes = " and ".join(str(shape) for shape in map(shape_of, arrays) if shape is not None)
    types = " and ".join(dict.fromkeys(_type_of(value) for value in arrays))
    if isinstance(error, ValueError) and ("broadcast" in text or "mismatch" in text):
        return ShapeError(f"{label}: shapes {shapes} do not fit together; each length must be "
                          f"equal to the other's, or 1, counted from the last dimension")
    if isinstance(error, OverflowError):
        numbers = " and ".join(shown(value) for value in arrays if type(value) is int)
        return DTypeError(f"{label}: {numbers} is out of the range of {types}; convert the tensor "
                          f"to a wider type first")
    if isinstance(error, IndexError):
        return OutOfRangeError(f"{label}: an index or dimension does not exist in shape {shapes}")
    if isinstance(error, (TypeError, AttributeError)):
        remedy = _FOR_BOOL.get(name) if "bool" in types else None
        return DTypeError(f"{label} does not work with {types}; "
                          f"{remedy or 'convert the tensors to another type'}")
    if isinstance(error, RecursionError):
        return ArgumentError(f"{label}: an argument or the call itself is nested too deeply")
    return ArgumentError(f"{label} cannot be computed for shapes {shapes} of {types}")


def index_refusal(shape: Sequence[int], error: Exception, label: str = "") -> OutOfRangeError:
    """minigrad's error for an array library's error about an index of a tensor of this shape."""
    text, where = str(error), label or f"indexing a tensor of shape {tuple(shape)}"
    found = re.search(r"index (-?\d+) is out of bounds for axis (\d+)", text)
    if found:
        return OutOfRangeError(f"{where}: index {found[1]} is out of bounds for dimension "
                               f"{found[2]} of shape {tuple(shape)}")
    if "too many indices" in text:
        return OutOfRangeError(f"{where}: there are more indices than its {len(shape)} "
                               f"dimension(s)")
    if "boolean index" in text:
        return OutOfRangeError(f"{where}: a mask must have the shape of the dimensions that it "
                               f"selects from")
    return OutOfRangeError(f"{where}: an index is a number, a slice, None, ..., or a list or "
                           f"tensor of whole numbers or bool; lists used together must broadcast")


def _type_of(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return str(value.dtype) if hasattr(value, "dtype") else \
        "None" if value is None else f"a Python {type(value).__name__}"


def refuse_complex(name: str, inputs: list[Any]) -> None:
    """Raise if a real input that requires a gradient went into a complex result."""
    if any(value.dtype.kind == "f" for value in inputs):
        raise GradientDTypeError(f"{name} made complex numbers of a tensor that requires a "
                                 f"gradient, but complex numbers have no gradients here; detach() "
                                 f"it first, or compute with real and imaginary parts")


def renamed(named: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments with NumPy's names (`axis`, `keepdims`) replaced by PyTorch's."""
    return {NUMPY_NAMES.get(key, key): value for key, value in named.items()}
