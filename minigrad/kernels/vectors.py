"""Squared distance of two arrays, accumulated in float64, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.dispatch import on_cuda_too


@on_cuda_too
def squared_distance(x: Any, y: Any) -> Any:
    """Σ (x − y)², as a float64 number on the device."""
    difference = x - y
    difference *= difference
    return difference.sum(dtype=np.float64)


@on_cuda_too
def distance_gradient(x: Any, y: Any, g: Any, total: Any = None) -> Any:
    """2g·(x − y): gradient of `squared_distance` with respect to x; shapes and types are equal.

    g is a float64 number on the device. If `total` is given, the result is added to it in place,
    and `total` is returned.
    """
    gradient = (2 * g).astype(x.dtype) * (x - y)
    if total is None:
        return gradient
    total += gradient
    return total
