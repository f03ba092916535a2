"""Running sums, products and extremes along a dimension, and differences.

A running product takes log₂ n passes over the array: in each, every element is combined with the
one 1, 2, 4 … places before it (Hillis and Steele, "Data parallel algorithms", 1986). So its
derivatives need no division and are right where elements are 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import DEFAULT_FLOAT
from minigrad.errors import ArgumentError
from minigrad.ops.arithmetic import not_equal
from minigrad.ops.half import HALF, in_float32, is_half
from minigrad.ops.reduce import sum
from minigrad.ops.shape import cast, concatenate, flip, gather_along, normal_dim, select
from minigrad.ops.shape_functions import cat
from minigrad.ops.smooth import as_real, logaddexp

INT64 = np.dtype(np.int64)


@primitive
def running_sum(x, dim):
    """zᵢ = x₀ + … + xᵢ along `dim`."""
    xp = array_module(x)
    if x.dtype == HALF:         # in which 2048 + 1 is 2048
        return xp.cumsum(x, axis=dim, dtype=DEFAULT_FLOAT).astype(HALF)
    return xp.cumsum(x, axis=dim, dtype=x.dtype)


running_sum.derivative(x=lambda g, dim: flip(running_sum(flip(g, (dim,)), dim), (dim,)))


def part(x: Any, dim: int, start: int | None, stop: int | None) -> Any:
    """x[start:stop] along `dim`."""
    return select(x, (slice(None),) * dim + (slice(start, stop),))


def counted(x: Tensor, dtype: Any = None) -> Tensor:
    """x in the type that sums of it have: `dtype`, or int64 for all integers and bool."""
    if dtype is not None:
        return cast(x, np.dtype(dtype))
    return cast(x, INT64) if x.dtype.kind in "biu" else x


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """zᵢ = x₀ + … + xᵢ along `dim`; sums of integers are int64."""
    dim, x = normal_dim(dim, input.ndim), counted(input, dtype)
    return running_sum(x, dim) if x.ndim else x.clone()


def _scan(x: Tensor, dim: int, combine: Callable) -> Tensor:
    """Combine every element along `dim` with all that stand before it."""
    step, length = 1, x.shape[dim]
    while step < length:
        later = combine(part(x, dim, None, -step), part(x, dim, step, None))
        x = concatenate(dim, part(x, dim, None, step), later)
        step *= 2
    return x


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """zᵢ = x₀ · … · xᵢ along `dim`; products of integers are int64."""
    dim, x = normal_dim(dim, input.ndim), counted(input, dtype).clone()
    if x.dtype == HALF:
        return in_float32(lambda v: cumprod(v, dim), x)
    return _scan(x, dim, lambda before, here: before * here) if x.ndim else x


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """zᵢ = ln(e^x₀ + … + e^xᵢ) along `dim`, without overflow."""
    dim, x = normal_dim(dim, input.ndim), as_real(input).clone()
    if x.dtype == HALF:             # steps of 8 at 10,000 would lose most terms
        return in_float32(lambda v: logcumsumexp(v, dim), x)
    return _scan(x, dim, logaddexp) if x.ndim else x


def cummax(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The largest element so far along `dim`, and its position; of equal ones the last."""
    return _extreme(input, dim, lambda before, here: before > here)


def cummin(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The smallest element so far along `dim`, and its position; of equal ones the last."""
    return _extreme(input, dim, lambda before, here: before < here)


def _extreme(input: Tensor, dim: int, wins: Callable) -> tuple[Tensor, Tensor]:
    dim = normal_dim(dim, input.ndim)
    xp = array_module(input._array)
    if not input.ndim:
        return input.clone(), wrap(xp.zeros((), INT64))
    best = xp.moveaxis(input._array, dim, -1)
    places = xp.arange(best.shape[-1]) + xp.zeros(best.shape, INT64)
    missing = best != best
    step = 1
    while step < best.shape[-1]:
        won = (wins(best[..., :-step], best[..., step:]) | missing[..., :-step]) \
            & ~missing[..., step:]
        best, places, missing = (
            xp.concatenate([a[..., :step], xp.where(won, a[..., :-step], a[..., step:])], -1)
            for a in (best, places, missing))
        step *= 2
    indices = xp.moveaxis(places, -1, dim)
    return gather_along(input, indices, dim), wrap(indices)


# ------------------------------------------------------------------ differences and areas


def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
         append: Tensor | None = None) -> Tensor:
    """xᵢ₊₁ − xᵢ along `dim`, `n` times over; `prepend` and `append` are joined to x first.

    Raises
    ------
    ArgumentError
        n is negative, or x has no dimension.
    """
    if n < 0 or not input.ndim:
        raise ArgumentError(f"diff needs an n of at least 0 and a tensor with a dimension, not n = "
                            f"{n} and shape {input.shape}")
    dim = normal_dim(dim, input.ndim)
    if n == 0:
        return input.clone()
    x = cat([t for t in (prepend, input, append) if t is not None], dim)
    for _ in range(min(n, x.shape[dim])):
        later, earlier = part(x, dim, 1, None), part(x, dim, None, -1 if x.shape[dim] else None)
        x = not_equal(later, earlier) if x.dtype.kind == "b" else later - earlier
    return x


def _areas(y: Tensor, x: Tensor | None, dx: Any, dim: int) -> tuple[Tensor, int]:
    """Twice the areas of the trapezoids along `dim`, and `dim` counted from the end."""
    dim = normal_dim(dim, y.ndim)
    last = dim - y.ndim
    pairs = part(y, dim, 1, None) + part(y, dim, None, -1 if y.shape[dim] else None)
    if x is None:
        return (pairs if dx is None else pairs * dx), last
    if x.ndim == 1:
        x = x.reshape(-1, *(1,) * (y.ndim - dim - 1))
    along = last + x.ndim
    return pairs * (part(x, along, 1, None) - part(x, along, None, -1)), last


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """∫ y dx along `dim` by the trapezoidal rule: Σ (xᵢ₊₁ − xᵢ)(yᵢ₊₁ + yᵢ) / 2.

    Parameters
    ----------
    y : Tensor
        Values.
    x : Tensor, optional
        Where they were taken, of y's shape or one number for each along `dim`.
    dx : float, optional
        The distance of all neighbours, if x is not given; 1 by default.
    """
    if is_half(y, x, dx):
        return in_float32(lambda *v: trapezoid(*v, dx=dx, dim=dim), y, x)
    areas, dim = _areas(y, x, dx, dim)
    return sum(areas, dim) / 2


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1
                         ) -> Tensor:
    """The running sum of the areas that :func:`trapezoid` adds up: one less than y along `dim`."""
    if is_half(y, x, dx):
        return in_float32(lambda *v: cumulative_trapezoid(*v, dx=dx, dim=dim), y, x)
    areas, dim = _areas(y, x, dx, dim)
    return cumsum(areas, dim) / 2
