"""Check that indices are in bounds, for libraries that do not check them.

NumPy raises an error. CuPy would wrap around and silently take a different element. The
check makes the host wait for the device.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from minigrad.backend import is_array
from minigrad.errors import OutOfRangeError


def check_indices(x: Any, index: Any) -> None:
    """Check the integer arrays in `index`, unless x (a Tensor) is on the host.

    Raises
    ------
    OutOfRangeError
        An index is out of bounds.
    """
    if isinstance(x._array, np.ndarray):
        return
    parts = index if isinstance(index, tuple) else (index,)
    named = builtins.sum(map(_dims, parts))
    dim = 0
    for part in parts:
        if is_array(part) and part.dtype.kind in "iu" and part.size and dim < x.ndim:
            _check(part, x.shape, dim)
        dim += x.ndim - named if part is Ellipsis else _dims(part)


def _dims(part: Any) -> int:
    """The number of dimensions of the indexed array that one part of an index stands for."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if is_array(part) and part.dtype.kind == "b" else 1


def _check(indices: Any, shape: tuple[int, ...], dim: int) -> None:
    low, high = int(indices.min()), int(indices.max())
    if low < -shape[dim] or high >= shape[dim]:
        raise OutOfRangeError(f"indexing a tensor of shape {tuple(shape)}: index "
                              f"{high if high >= shape[dim] else low} is out of bounds for "
                              f"dimension {dim} with length {shape[dim]}")
