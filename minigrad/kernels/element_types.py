"""What elements may be: numbers in every tensor, and real ones where no complex number fits.

NumPy would store objects, and drop imaginary parts.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from minigrad.dtypes import DEFAULT_FLOAT
from minigrad.errors import ArgumentError, DTypeError
from minigrad.kernels.refusal import FOREIGN
from minigrad.printable import shown

NUMBERS = "biufc"           # kinds of NumPy's element types
Number = TypeVar("Number", int, float)


def number_type(dtype: Any) -> np.dtype:
    """NumPy's element type for what a user wrote, such as `"float64"`.

    Raises
    ------
    DTypeError : its elements are no numbers.
    """
    try:
        found = np.dtype("" if dtype is None else dtype)    # NumPy takes None for float64
    except (*FOREIGN, SyntaxError) as error:
        raise DTypeError(f"an element type is float32, int64, bool and so on, not "
                         f"{shown(dtype)}") from error
    if found.kind not in NUMBERS:
        raise DTypeError(f"a tensor holds numbers, not elements of type {found}")
    return found


def need_real(label: str, *values: Any) -> None:
    """Raise a DTypeError if one of `values` is an array, a tensor or a number that is complex."""
    for value in values:
        dtype = getattr(value, "dtype", None)
        if isinstance(value, complex) or (isinstance(dtype, np.dtype) and dtype.kind == "c"):
            raise DTypeError(f"{label} takes real numbers, not "
                             f"{'complex ones' if dtype is None else dtype}")


def as_number(kind: type[Number], value: Any) -> Number:
    """`value` as an int or a float.

    Raises
    ------
    DTypeError, ArgumentError : it is complex, or an infinity or NaN for an int.
    """
    if isinstance(value, complex):
        raise DTypeError(f"{kind.__name__}() takes a real number, not {value}; take .real first")
    try:
        return kind(value)
    except (ValueError, OverflowError) as error:
        raise ArgumentError(f"{kind.__name__}() takes a finite number, not {value}") from error


def array_of(xp: Any, data: Any, dtype: Any) -> Any:
    """A copy of `data` as an array of the library `xp`; by default Python's floats are float32.

    Raises
    ------
    DTypeError : it does not hold numbers, or complex ones for a real `dtype`.
    """
    if dtype is not None:
        dtype = number_type(dtype)
        if dtype.kind != "c":
            need_real(f"a tensor of {dtype}", data)
    elif not hasattr(data, "dtype") and np.asarray(data).dtype == np.float64:
        dtype = DEFAULT_FLOAT
    array = xp.array(data, dtype=dtype)
    number_type(array.dtype)
    return array
