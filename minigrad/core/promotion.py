"""Convert the inputs of one operation to a common element type (rules: :mod:`minigrad.dtypes`).

`ruled` is a bit mask of the argument positions that are differentiable inputs; the others (a
condition, a shape, an index) keep their types.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend, dtypes
from minigrad.core import operations
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError
from minigrad.kernels.refusal import FOREIGN, refusal

_SCALARS = frozenset({int, float, bool, complex, type(None)})


def common_dtype(name: str, arrays: list, ruled: int) -> np.dtype | None:
    """The type to promote to, or None if all inputs have it already (the usual case)."""
    if len(arrays) == 2:            # two arrays of one type: nothing more to look at
        left, right = arrays
        dtype = getattr(left, "dtype", None)
        if dtype is not None and dtype is getattr(right, "dtype", None):
            return None
    first = None
    agree = True
    for i, value in enumerate(arrays):
        if not ruled >> i & 1:
            continue
        dtype = getattr(value, "dtype", None)
        if not isinstance(dtype, np.dtype):     # a class has a `dtype`, too, which is none
            if type(value) not in _SCALARS:
                raise DTypeError(f"{name} takes tensors, arrays and numbers, not "
                                 f"{type(value).__name__}; wrap it in minigrad.tensor()")
            if type(value) is float:
                agree = agree and (first is None or first.kind in "fc")
        elif first is None:
            first = dtype
            agree = dtype.kind in "fc" or not any(type(v) is float for v in arrays)
        elif dtype is not first:
            agree = False
    if agree:
        return None
    operands = [value for i, value in enumerate(arrays) if ruled >> i & 1]
    common = dtypes.result_type(*operands)
    settled = all(hasattr(value, "dtype") and value.dtype == common for value in operands)
    return None if settled else common


def promoted(name: str, args: tuple, common: np.dtype, ruled: int) -> list:
    """The inputs converted to `common`; numbers become zero-dimensional arrays."""
    xp = backend.array_module(*[a._array for a in args if isinstance(a, Tensor)])

    def convert(value: Any) -> Any:
        return (operations.cast(value, common) if isinstance(value, Tensor)
                else xp.asarray(value, dtype=common))

    try:
        return [convert(value) if ruled >> i & 1 and value is not None else value
                for i, value in enumerate(args)]
    except FOREIGN as error:        # a number beyond the range of the type
        raise refusal(name, args, error) from error


def narrowed(result: Any, arrays: list) -> Any:
    """`result` as the default float type if NumPy made float64 of integers (a quotient, a mean)."""
    # A type was requested, perhaps by its name, or an operand has one.
    settled = any(isinstance(a, (np.dtype, type)) or (type(a) is str and a in np.sctypeDict)
                  or (hasattr(a, "dtype") and a.dtype.kind in "fc") for a in arrays)
    return result if settled else result.astype(dtypes.DEFAULT_FLOAT)
