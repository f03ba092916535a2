"""Element types, and the type that two of them combine to.

Promotion follows PyTorch. Types fall into categories, bool < integer < float < complex. The
operands of the highest rank decide: an array with dimensions outranks a zero-dimensional one,
which outranks a Python number. A lower rank matters only if its category is higher. So
`float32_image * float64_scalar` stays float32, and an integer tensor times 0.5 becomes float32,
not float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import DTypeError

DEFAULT_FLOAT = np.dtype(np.float32)
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_NUMBER_DTYPE = {bool: np.dtype(bool), int: np.dtype(np.int64), float: DEFAULT_FLOAT,
                 complex: np.dtype(np.complex64)}


def category(dtype: np.dtype) -> int:
    """0 for bool, 1 for integers, 2 for floats, 3 for complex."""
    if dtype.kind not in _CATEGORY:
        raise DTypeError(f"an operation takes numbers, not elements of type {dtype}")
    return _CATEGORY[dtype.kind]


def is_floating(dtype: np.dtype) -> bool:
    """Whether tensors of this type can have gradients (floats and complex numbers)."""
    return dtype.kind in "fc"


def result_type(*operands: Any) -> np.dtype:
    """The common type of arrays, zero-dimensional arrays and Python numbers."""
    ranks: list[list[np.dtype]] = [[], [], []]
    for operand in operands:
        dtype = getattr(operand, "dtype", None)
        if dtype is None:
            if type(operand) in _NUMBER_DTYPE:
                ranks[2].append(_NUMBER_DTYPE[type(operand)])
        else:
            ranks[0 if operand.shape else 1].append(dtype)
    result: np.dtype | None = None
    for dtypes in ranks:
        if dtypes:
            # Integers never widen floats of the same rank (NumPy would make float64 of them).
            highest = max(map(category, dtypes))
            here = np.result_type(*(dtype for dtype in dtypes if category(dtype) == highest))
            if result is None or category(here) > category(result):
                result = here
    return result if result is not None else DEFAULT_FLOAT
