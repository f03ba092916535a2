"""float16 tensors, computed in float32 as in PyTorch's kernels.

The largest float16 is 65,504, so a square of 300 is infinite, and a running sum of ones stops at
2048. Compositions that square or add up go through :func:`in_float32`; their results, and their
gradients, are rounded to float16 at the end only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.dtypes import DEFAULT_FLOAT
from minigrad.ops.shape import cast

HALF = np.dtype(np.float16)


def is_half(*values: Any) -> bool:
    """Whether the first of the arrays or tensors holds float16, and none of the others is wider."""
    return getattr(values[0], "dtype", None) == HALF and all(
        getattr(v, "dtype", HALF) == HALF or v.dtype.kind != "f" for v in values)


def wide(x: Any) -> Any:
    """An array or tensor of float16 as float32; anything else as it is."""
    return cast(x, DEFAULT_FLOAT) if getattr(x, "dtype", None) == HALF else x


def in_float32(function: Callable[..., Any], *values: Any) -> Any:
    """`function` of the values, those of float16 as float32, with its result cast to float16."""
    result = function(*map(wide, values))
    return cast(result, HALF)


def wide_array(x: Any) -> Any:
    """As :func:`wide`, within a forward function."""
    return x.astype(DEFAULT_FLOAT) if x.dtype == HALF else x
