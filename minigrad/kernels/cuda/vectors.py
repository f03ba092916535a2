"""Launch vectors.cu: float64 sums and vector updates, in one kernel each."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda.compiler import launch
from minigrad.kernels.order import memory_order, transposed_back

WIDTH = 256             # threads in a block of the sums, as in vectors.cu
MAX_BLOCKS = 1024       # of one sum


def inner(x: Any, y: Any) -> Any:
    """⟨x, y⟩ as a float64 number on the device."""
    return _sum("inner", x, y)


def squared_distance(x: Any, y: Any) -> Any:
    """Σ (x − y)² as a float64 number on the device."""
    if not fits(x, y):
        xp = array_module(x)
        x, y = (xp.ascontiguousarray(xp.broadcast_to(part, x.shape), dtype=x.dtype)
                for part in (x, y))
    return _sum("squared_distance", x, y)


def distance_gradient(x: Any, y: Any, g: Any, total: Any = None) -> Any:
    """As `minigrad.kernels.vectors.distance_gradient`; the result has the memory layout of x."""
    xp = array_module(x)
    order = memory_order(x) or range(x.ndim)
    if not fits(x, y):
        x, y = (transposed_back(xp.ascontiguousarray(part.transpose(order)), order)
                for part in (x, y))
    if total is not None and not fits(x, total):
        total += distance_gradient(x, y, g)
        return total
    result = total
    if total is None:
        result = transposed_back(xp.empty([x.shape[axis] for axis in order], dtype=x.dtype), order)
    launch(xp, "vectors", "distance_gradient", x.size, x, y, g.astype(np.float64, copy=False),
           result, total is not None, np.int64(x.size), real=x.dtype.char)
    return result


def step_along(x: Any, factor: float, y: Any, out: Any) -> None:
    """out ← x + factor·y."""
    launch(array_module(x), "vectors", "step_along", x.size, x, x.dtype.type(factor), y, out,
           np.int64(x.size), real=x.dtype.char)


def adam(x: Any, g: Any, mean: Any, square: Any, *numbers: float) -> None:
    """One step of Adam; `numbers` are β₁, β₂, rate, root, ε and the weight decay."""
    xp = array_module(x)
    launch(xp, "vectors", "adam", x.size, x, g, mean, square, np.int64(x.size),
           *[x.dtype.type(number) for number in numbers], real=x.dtype.char)


def _sum(kernel: str, x: Any, y: Any) -> Any:
    """The sum that `kernel` computes, as a float64 number on the device."""
    xp = array_module(x)
    total = xp.empty((), dtype=np.float64)
    if not x.size:
        total.fill(0)
        return total
    blocks = min(MAX_BLOCKS, -(-x.size // WIDTH))
    parts = xp.empty(blocks, dtype=np.float64)
    launch(xp, "vectors", kernel, blocks * WIDTH, x, y, parts, np.int64(x.size),
           real=x.dtype.char, block=WIDTH)
    launch(xp, "vectors", "total", WIDTH, parts, total, blocks, real=x.dtype.char,
           block=WIDTH)
    return total


def fits(*arrays: Any) -> bool:
    """Whether the arrays are float32 or float64 with equal type, shape and layout, and dense."""
    first = arrays[0]
    return first.dtype.char in "fd" and all(
        array.dtype == first.dtype and array.shape == first.shape
        and array.strides == first.strides for array in arrays) and _dense(first)


def _dense(array: Any) -> bool:
    """Whether the elements fill a range of memory without gaps, in any order."""
    expected = array.itemsize
    for stride, length in sorted((s, n) for s, n in zip(array.strides, array.shape) if n > 1):
        if stride != expected:
            return False
        expected *= length
    return True
