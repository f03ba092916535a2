"""Reductions over all dimensions, one, or several.

`dim` is None (all), an integer or a tuple; `keepdim` leaves reduced dimensions with length 1.
Every rule spreads the gradient over the elements that were reduced.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import sums as kernels
from minigrad.kernels.element_types import number_type
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import (
    clone,
    deviation_root,
    equal,
    exp,
    kept,
    maximum,
    minimum,
    not_equal,
    power,
    sign,
    square,
    where,
)
from minigrad.ops.half import HALF, in_float32, wide, wide_array
from minigrad.ops.shape import (
    broadcast_to,
    cast,
    concatenate,
    gather_along,
    normal_dim,
    permute,
    reshape,
    select,
    sum_to,
)
from minigrad.ops.ufunc import in_floats

MAX_HALF = int(np.finfo(np.float16).max)


def normal_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """The reduced dimensions as a tuple counted from the front."""
    if dim is None or (isinstance(dim, tuple) and not dim):     # none means all, as in PyTorch
        return tuple(range(ndim))
    dims = tuple(normal_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(dims)) != len(dims):
        raise ShapeError(f"a dimension is named twice in {dim}")
    return dims if ndim else ()


def named_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """As :func:`normal_dims`, but a tuple of no dimensions is none, as in PyTorch's any and all."""
    return () if isinstance(dim, (tuple, list)) and not dim else normal_dims(dim, ndim)


def keepdim_shape(shape: tuple, dim: Any) -> tuple[int, ...]:
    """`shape` with the reduced dimensions at length 1, from which the result broadcasts."""
    dims = normal_dims(dim, len(shape))
    return tuple(1 if i in dims else length for i, length in enumerate(shape))


def spread(reduced: Any, shape: tuple, dim: Any) -> Any:
    """A reduced array (or its gradient) with its dimensions back, at length 1."""
    return reshape(reduced, keepdim_shape(shape, dim))


@primitive
def sum(x, dim=None, keepdim=False, dtype=None):
    """Sum over `dim`, accumulated and returned as `dtype` if given.

    The losses of this project pass `dtype=float64`: they reach 10¹³, where float32 has steps
    of 10⁶.
    """
    return kernels.sum_over(x, normal_dims(dim, x.ndim), keepdim,
                            None if dtype is None else number_type(dtype))


sum.derivative(x=lambda g, x_shape, dim: broadcast_to(spread(g, x_shape, dim), x_shape))


@primitive
def mean(x, dim=None, keepdim=False):
    """Arithmetic mean over `dim`."""
    return kernels.mean_over(x, normal_dims(dim, x.ndim), keepdim)


mean.derivative(x=lambda g, x_shape, dim: broadcast_to(
    divided(spread(g, x_shape, dim), count(x_shape, dim)), x_shape))


def divided(g: Any, n: int) -> Any:
    """g / n, for more than the largest float16 as well."""
    return (g if n < MAX_HALF else wide(g)) / n


def count(shape: tuple, dim: Any) -> int:
    """The number of elements that are reduced to one."""
    return math.prod(shape[d] for d in normal_dims(dim, len(shape)))


def _check_not_empty(x: Any, dim: Any, name: str) -> None:
    if count(x.shape, dim) == 0:
        raise ShapeError(f"{name} of no elements does not exist: shape {tuple(x.shape)}, dim {dim}")


@primitive
def amax(x, dim=None, keepdim=False):
    """Largest element over `dim`; equal ones share the gradient evenly."""
    _check_not_empty(x, dim, "amax")
    return x.max(axis=normal_dims(dim, x.ndim), keepdims=keepdim)


@primitive
def amin(x, dim=None, keepdim=False):
    """Smallest element over `dim`; equal ones share the gradient evenly."""
    _check_not_empty(x, dim, "amin")
    return x.min(axis=normal_dims(dim, x.ndim), keepdims=keepdim)


amax.derivative(x=lambda g, x, out, dim: shared(g, x, out, dim))
amin.derivative(x=lambda g, x, out, dim: shared(g, x, out, dim))


def shared(g: Any, x: Any, extreme: Any, dim: Any) -> Any:
    """g/k at each of the k elements that equal the extreme one, exactly 0 elsewhere."""
    winners = equal(x, spread(extreme, x.shape, dim))
    number = sum_to(cast(winners, x.dtype), keepdim_shape(x.shape, dim))
    return kept(spread(g, x.shape, dim) / number, winners)


@primitive
def logsumexp(x, dim=None, keepdim=False):
    """log Σ eˣ over `dim`, with the largest x subtracted first so that nothing overflows.

    Its gradient is the softmax of x:  ∂z/∂xᵢ = e^(xᵢ − z).
    """
    xp, dims = array_module(x), normal_dims(dim, x.ndim)
    x = in_floats(x)
    if not count(x.shape, dims):                    # log 0
        return xp.log(x.sum(axis=dims, keepdims=keepdim))
    top = (x.real if x.dtype.kind == "c" else x).max(axis=dims, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0)        # −∞ − (−∞) would not be a number
    # Of float16 there may be more terms than the largest number.
    terms = wide_array(xp.exp(x - top))
    z = (xp.log(kernels.sum_over(terms, dims, True)) + top).astype(x.dtype, copy=False)
    return z if keepdim else xp.squeeze(z, dims)


logsumexp.derivative(
    x=lambda g, x, out, dim: spread(g, x.shape, dim) * exp(x - spread(out, x.shape, dim)),
)


@primitive
def p_norm(x, p, dim=None, keepdim=False):
    """(Σ|x|ᵖ)^(1/p) over `dim`, for finite p ≥ 1; the derivative at x = 0 is 0."""
    xp, dims = array_module(x), normal_dims(dim, x.ndim)
    terms = wide_array(x)           # 300² is too large for float16
    if p == 2:
        z = xp.sqrt(kernels.sum_over(terms * terms, dims, keepdim))
    else:
        z = kernels.sum_over(xp.abs(terms) ** p, dims, keepdim) ** (1 / p)
    return z.astype(x.dtype, copy=False)


p_norm.derivative(
    x=lambda g, x, out, p, dim: kept(spread(g, x.shape, dim), not_equal(
        spread(out, x.shape, dim), 0)) * p_norm_slope(x, spread(out, x.shape, dim), p),
)


def p_norm_slope(x: Any, norm: Any, p: float) -> Any:
    """∂‖x‖ₚ/∂xᵢ = sign(xᵢ)·(|xᵢ|/‖x‖)ᵖ⁻¹, and 0 where the norm is 0."""
    ratio = x / where(equal(norm, 0), 1.0, norm)
    if p >= 2:      # the same, in a form that can be differentiated again at xᵢ = 0
        return ratio if p == 2 else ratio * power(absolute(ratio), p - 2)
    return sign(x) * power(absolute(ratio), p - 1)


# ------------------------------------------------------------------ without a derivative


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the largest element (the first of equal ones)."""
    return _position(x, "argmax", dim, keepdim)


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Position of the smallest element (the first of equal ones)."""
    return _position(x, "argmin", dim, keepdim)


def _position(x: Tensor, name: str, dim: int | None, keepdim: bool) -> Tensor:
    if dim is not None:
        dim = normal_dim(dim, x.ndim)
    _check_not_empty(x, dim, name)
    array = x._array if x.ndim else x._array.reshape(1)
    if dim is not None and x.shape and not x._array.size:
        found = array_module(array).zeros(keepdim_shape(x.shape, dim), np.int64)
        found = found if keepdim else found.squeeze(dim)
    else:
        found = getattr(array, name)(axis=dim, keepdims=keepdim and x.ndim > 0)
    return wrap(array_module(array).asarray(found).reshape(() if not x.ndim else found.shape))


def all(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether every element over `dim` is nonzero; over no dimension, `()`, of each element."""
    dims = named_dims(dim, x.ndim)
    return wrap(array_module(x._array).asarray(x._array.astype(bool).all(dims, keepdims=keepdim)))


def any(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any element over `dim` is nonzero; over no dimension, `()`, of each element."""
    dims = named_dims(dim, x.ndim)
    return wrap(array_module(x._array).asarray(x._array.astype(bool).any(dims, keepdims=keepdim)))


# ------------------------------------------------------------ compositions of the above


def max(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Largest element, or `(values, indices)` along `dim`; the first of equal ones.

    `max(x, y)` of two Tensors is :func:`maximum`, as in PyTorch.
    """
    if isinstance(dim, Tensor):
        return maximum(x, dim)
    return amax(x) if dim is None else _pick(x, argmax(x, dim, keepdim=True), dim, keepdim)


def min(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Smallest element, or `(values, indices)` along `dim`; the first of equal ones.

    `min(x, y)` of two Tensors is :func:`minimum`, as in PyTorch.
    """
    if isinstance(dim, Tensor):
        return minimum(x, dim)
    return amin(x) if dim is None else _pick(x, argmin(x, dim, keepdim=True), dim, keepdim)


def _pick(x: Tensor, indices: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    dim = normal_dim(dim, x.ndim)
    if not x.ndim:
        return clone(x), indices
    values = gather_along(x, indices, dim, True)
    if keepdim:
        return values, indices
    shape = x.shape[:dim] + x.shape[dim + 1:]
    return reshape(values, shape), reshape(indices, shape)


def prod(x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Product Π x over `dim`, as `dtype` if given (int64 for integers); 1 without elements.

    It is a tree of pairwise products. So its derivatives (the products of all other elements)
    are right at every order even where elements are 0; out / x would not be.
    """
    x = cast(x, dtype or "int64") if dtype or x.dtype.kind in "biu" else x
    if x.dtype == HALF:
        return in_float32(lambda v: prod(v, dim, keepdim), x)
    dims = normal_dims(dim, x.ndim)
    rest = [d for d in range(x.ndim) if d not in dims]
    shape = keepdim_shape(x.shape, dim) if keepdim else tuple(x.shape[d] for d in rest)
    n = count(x.shape, dim)
    z = reshape(permute(x, (*dims, *rest)), (n, *(x.shape[d] for d in rest)))
    if n == 0:
        return reshape(sum(z, 0), shape) + 1
    if n == 1:
        return clone(reshape(z, shape))     # a result of its own, not a view of x
    while n > 1:
        half = n // 2
        odd = [select(z, slice(2 * half, n))] if n % 2 else []
        z = concatenate(0, select(z, slice(half)) * select(z, slice(half, 2 * half)), *odd)
        n -= half
    return reshape(z, shape)


def var(x: Tensor, dim: Any = None, correction: float | None = 1, keepdim: bool = False, *,
        unbiased: bool | None = None) -> Tensor:
    """Variance Σ(x − x̄)² / (n − correction) over `dim`; correction 0 is the population's.

    PyTorch's older spellings work as well: `unbiased=False` is correction 0, and a bool in place
    of `dim` is `unbiased`.

    Raises
    ------
    DTypeError
        The elements are not floating-point numbers.
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if x.dtype.kind != "f":
        raise DTypeError(f"var and std need floating-point numbers, not {x.dtype}; use .float()")
    if unbiased is not None:
        correction = unbiased
    correction = 1 if correction is None else correction
    if x.dtype == HALF:
        return in_float32(lambda v: var(v, dim, correction, keepdim), x)
    n = count(x.shape, dim)
    squares = square(x - mean(x, dim, True))
    return sum(squares, dim, keepdim) / (builtins.max(n - correction, 0) if n else 0)


def std(x: Tensor, dim: Any = None, correction: float | None = 1, keepdim: bool = False, *,
        unbiased: bool | None = None) -> Tensor:
    """Standard deviation: the root of :func:`var`; its derivative is 0 for equal elements."""
    if x.dtype == HALF:
        return in_float32(lambda v: std(v, dim, correction, keepdim, unbiased=unbiased), x)
    return deviation_root(var(x, dim, correction, keepdim, unbiased=unbiased))
