"""Reductions: many elements to one, over all dimensions, one, or several.

``dim`` is None (all), an integer or a tuple; ``keepdim`` leaves reduced dimensions with
length 1. Every rule spreads the gradient back over the elements that were reduced.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

from ..backend import array_module
from ..errors import ShapeError
from ..primitive import primitive
from ..tensor import Tensor, wrap
from .arithmetic import equal, sqrt, square
from .shape import broadcast_to, cast, gather, normal_dim, reshape, sum_to


def normal_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """The reduced dimensions as a tuple counted from the front."""
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(normal_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(dims)) != len(dims):
        raise ShapeError(f"a dimension is named twice in {dim}")
    return dims if ndim else ()


def kept_shape(shape: tuple, dim: Any) -> tuple[int, ...]:
    """``shape`` with the reduced dimensions at length 1: what the result broadcasts from."""
    dims = normal_dims(dim, len(shape))
    return tuple(1 if i in dims else length for i, length in enumerate(shape))


def spread(reduced: Any, shape: tuple, dim: Any) -> Any:
    """A reduced array (or its gradient) with its dimensions back, at length 1."""
    return reshape(reduced, kept_shape(shape, dim))


@primitive
def sum(x, dim=None, keepdim=False, dtype=None):
    """Sum over ``dim``, added up (and returned) as ``dtype`` if given.

    The losses of this project pass ``dtype=float64``: they reach 10¹³, where float32 has
    steps of 10⁶.
    """
    return x.sum(axis=normal_dims(dim, x.ndim), keepdims=keepdim, dtype=dtype)


sum.derivative(x=lambda g, x_shape, dim: broadcast_to(spread(g, x_shape, dim), x_shape))


@primitive
def mean(x, dim=None, keepdim=False):
    """Arithmetic mean over ``dim``."""
    return x.mean(axis=normal_dims(dim, x.ndim), keepdims=keepdim)


mean.derivative(x=lambda g, x_shape, dim: broadcast_to(
    spread(g, x_shape, dim) / count(x_shape, dim), x_shape))


def count(shape: tuple, dim: Any) -> int:
    """How many elements are reduced to one."""
    return math.prod(shape[d] for d in normal_dims(dim, len(shape)))


def _check_not_empty(x: Any, dim: Any, name: str) -> None:
    if count(x.shape, dim) == 0:
        raise ShapeError(f"{name} of no elements does not exist: shape {tuple(x.shape)}, dim {dim}")


@primitive
def amax(x, dim=None, keepdim=False):
    """Largest element over ``dim``; equal ones share the gradient evenly."""
    _check_not_empty(x, dim, "amax")
    return x.max(axis=normal_dims(dim, x.ndim), keepdims=keepdim)


@primitive
def amin(x, dim=None, keepdim=False):
    """Smallest element over ``dim``; equal ones share the gradient evenly."""
    _check_not_empty(x, dim, "amin")
    return x.min(axis=normal_dims(dim, x.ndim), keepdims=keepdim)


amax.derivative(x=lambda g, x, out, dim: spread(g, x.shape, dim) * share(x, out, dim))
amin.derivative(x=lambda g, x, out, dim: spread(g, x.shape, dim) * share(x, out, dim))


def share(x: Any, extreme: Any, dim: Any) -> Any:
    """1/k at each of the k elements that equal the extreme one, else 0."""
    winners = cast(equal(x, spread(extreme, x.shape, dim)), x.dtype)
    return winners / sum_to(winners, kept_shape(x.shape, dim))


# ------------------------------------------------------------------ without a derivative


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the largest element (the first of equal ones)."""
    _check_not_empty(x, dim, "argmax")
    return wrap(array_module(x._array).asarray(x._array.argmax(axis=dim, keepdims=keepdim)))


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the smallest element (the first of equal ones)."""
    _check_not_empty(x, dim, "argmin")
    return wrap(array_module(x._array).asarray(x._array.argmin(axis=dim, keepdims=keepdim)))


def all(x: Tensor) -> Tensor:
    """Whether every element is nonzero."""
    return wrap(array_module(x._array).asarray(x._array.all()))


def any(x: Tensor) -> Tensor:
    """Whether an element is nonzero."""
    return wrap(array_module(x._array).asarray(x._array.any()))


# ------------------------------------------------------------ compositions of the above


def max(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Largest element, or ``(values, indices)`` along ``dim``; the first of equal ones."""
    return amax(x) if dim is None else _pick(x, argmax(x, dim, keepdim=True), dim, keepdim)


def min(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Smallest element, or ``(values, indices)`` along ``dim``; the first of equal ones."""
    return amin(x) if dim is None else _pick(x, argmin(x, dim, keepdim=True), dim, keepdim)


def _pick(x: Tensor, indices: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    dim = normal_dim(dim, x.ndim)
    values = gather(x, indices, dim)
    if keepdim:
        return values, indices
    shape = x.shape[:dim] + x.shape[dim + 1:]
    return reshape(values, shape), reshape(indices, shape)


def var(x: Tensor, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """Variance Σ(x − x̄)² / (n − correction) over ``dim``; correction 0 is the population's."""
    n = count(x.shape, dim)
    squares = square(x - mean(x, dim, True))
    return sum(squares, dim, keepdim) / builtins.max(n - correction, 0)


def std(x: Tensor, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """Standard deviation: the root of :func:`var`."""
    return sqrt(var(x, dim, correction, keepdim))
