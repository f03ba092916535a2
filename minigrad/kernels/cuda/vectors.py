"""Launching vectors.cu: float64 sums, and steps along vectors, in one kernel each."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import array_module
from ..order import memory_order, turned_back
from .compiler import launch

WIDTH = 256             # threads in a block of the sums, as vectors.cu has it
BLOCKS = 1024           # of one sum, at most


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
    """As :func:`minigrad.kernels.vectors.distance_gradient`; laid out in memory as x is."""
    xp = array_module(x)
    order = memory_order(x) or range(x.ndim)
    if not fits(x, y):
        x, y = (turned_back(xp.ascontiguousarray(part.transpose(order)), order)
                for part in (x, y))
    if total is not None and not fits(x, total):
        total += distance_gradient(x, y, g)
        return total
    result = total
    if total is None:
        result = turned_back(xp.empty([x.shape[axis] for axis in order], dtype=x.dtype), order)
    launch(xp, "vectors", "distance_gradient", x.size, x, y, g.astype(np.float64, copy=False),
           result, total is not None, np.int64(x.size), real=x.dtype.char)
    return result


def add_scaled(x: Any, factor: Any, y: Any) -> None:
    """x ← x + factor·y, in place; ``factor`` is a number, or a float64 one on the device."""
    if hasattr(factor, "dtype"):
        _step(x, y, plus=factor.astype(np.float64, copy=False))
    else:
        _step(x, y, number=float(factor))


def _step(x: Any, y: Any, plus: Any = None, minus: Any = None, number: float = 0.0) -> None:
    """x ← x + (plus − minus + number)·y; the first two lie on the device, or are None."""
    launch(array_module(x), "vectors", "add_scaled", x.size, x, plus, minus, np.float64(number),
           y, np.int64(x.size), real=x.dtype.char)


def two_loops(q: Any, pairs: list[tuple[Any, Any, Any]], scale: Any) -> None:
    """q ← H·q by the two loops of L-BFGS, without a number coming to the host.

    Parameters
    ----------
    q : a vector.
    pairs : (s, y, ⟨s, y⟩) of the steps known, the oldest first; products are float64.
    scale : γ of H₀ = γ·I, float64 on the device, or a number if there are no pairs.

    Notes
    -----
    Nocedal and Wright, "Numerical Optimization" (2006), algorithm 7.4; the plain twin is
    :meth:`minigrad.optim.curvature.Curvature.apply`.
    """
    xp = array_module(q)
    alphas = xp.empty(len(pairs), dtype=np.float64)
    betas = xp.empty(len(pairs), dtype=np.float64)
    for k, (s, y, product) in reversed(list(enumerate(pairs))):
        _sum("inner", s, q, divisor=product, out=alphas[k:k + 1])
        _step(q, y, minus=alphas[k:k + 1])
    q *= scale if isinstance(scale, float) else scale.astype(q.dtype)
    for k, (s, y, product) in enumerate(pairs):
        _sum("inner", y, q, divisor=product, out=betas[k:k + 1])
        _step(q, s, plus=alphas[k:k + 1], minus=betas[k:k + 1])


def adam(x: Any, g: Any, mean: Any, square: Any, *numbers: float) -> None:
    """One step of Adam; ``numbers`` are β₁, β₂, rate, root, ε and the weight decay."""
    xp = array_module(x)
    launch(xp, "vectors", "adam", x.size, x, g, mean, square, np.int64(x.size),
           *[x.dtype.type(number) for number in numbers], real=x.dtype.char)


def _sum(kernel: str, x: Any, y: Any, divisor: Any = None, out: Any = None) -> Any:
    """The sum that ``kernel`` makes, divided by a number on the device if one is given."""
    xp = array_module(x)
    total = xp.empty((), dtype=np.float64) if out is None else out
    if not x.size:
        total.fill(0)
        return total
    blocks = min(BLOCKS, -(-x.size // WIDTH))
    parts = xp.empty(blocks, dtype=np.float64)
    launch(xp, "vectors", kernel, blocks * WIDTH, x, y, parts, np.int64(x.size),
           real=x.dtype.char, block=WIDTH)
    launch(xp, "vectors", "total", WIDTH, parts, divisor, total, blocks, real=x.dtype.char,
           block=WIDTH)
    return total


def fits(*arrays: Any) -> bool:
    """Whether these kernels can take the arrays: float32 or float64, alike, and without gaps."""
    first = arrays[0]
    return first.dtype.char in "fd" and all(
        array.dtype == first.dtype and array.shape == first.shape
        and array.strides == first.strides for array in arrays) and _dense(first)


def _dense(array: Any) -> bool:
    """Whether the elements fill a stretch of memory, in whatever order."""
    expected = array.itemsize
    for stride, length in sorted((s, n) for s, n in zip(array.strides, array.shape) if n > 1):
        if stride != expected:
            return False
        expected *= length
    return True
