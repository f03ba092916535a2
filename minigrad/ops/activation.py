"""Activation functions, each with the derivative that textbooks give."""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.core.primitive import Primitive, elementwise, primitive
from minigrad.core.tensor import Tensor
from minigrad.kernels import elementwise as kernels
from minigrad.kernels.arguments import number
from minigrad.kernels.sums import sum_over
from minigrad.ops.arithmetic import equal, exp, greater, where
from minigrad.ops.half import HALF, wide, wide_array
from minigrad.ops.reduce import sum
from minigrad.ops.shape import cast, normal_dim, reshape
from minigrad.ops.ufunc import in_floats, ufunc


@elementwise
def relu(x):
    """max(x, 0); the derivative at 0 is 0."""
    return kernels.relu(x)


@primitive
def where_positive(x, like):
    """x where `like` > 0, zero elsewhere; equal shapes."""
    return kernels.where_positive(x, like)


relu.derivative(x=lambda g, out: where_positive(g, out))
where_positive.derivative(x=lambda g, like: where_positive(g, like), like=None)


@elementwise
def leaky_relu(x, negative_slope=0.01):
    """x for x > 0, negative_slope·x otherwise; the derivative at 0 is `negative_slope`."""
    return array_module(x).where(x > 0, x, number(negative_slope) * x)


leaky_relu.derivative(
    x=lambda g, x, negative_slope: where(greater(x, 0), g, negative_slope * g),
)


@elementwise
def elu(x, alpha=1.0):
    """x for x > 0, α(eˣ − 1) otherwise; the derivative at 0 is α.

    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential
    linear units (ELUs)" (2016), eq. 13.
    """
    xp = array_module(x)
    return xp.where(x > 0, x, number(alpha) * xp.expm1(xp.minimum(x, 0)))


elu.derivative(      # for x ≤ 0 it is αeˣ = z + α, whose own derivative at 0 counts as 0
    x=lambda g, x, out, alpha: where(
        greater(x, 0), g, where(equal(x, 0), alpha * g, g * (out + alpha))),
)


tanh = ufunc("tanh", "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ);  derivative 1 − tanh².", floats=True,
             x=lambda g, out: g * (1 - out * out))


@elementwise
def sigmoid(x):
    """1 / (1 + e⁻ˣ), computed from e^−|x| so that nothing overflows;  derivative σ(1 − σ)."""
    xp, x = array_module(x), in_floats(x)
    if x.dtype.kind == "c":
        return 1 / (1 + xp.exp(-x))
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


sigmoid.derivative(x=lambda g, out: g * (out * (1 - out)))


def _from_largest(x: Any, dim: int) -> Any:
    """x minus its largest element along `dim`, which an empty dimension does not have."""
    return x - x.max(axis=dim, keepdims=True) if x.shape[dim] else x


@primitive
def softmax_along(x, dim):
    """eˣ / Σ eˣ along `dim`, with the largest x subtracted first."""
    x = in_floats(x)
    z = array_module(x).exp(_from_largest(x, dim))
    if z.dtype == HALF:         # the sum may be larger than its largest number
        return (z / sum_over(wide_array(z), (dim,), True)).astype(HALF)
    z /= sum_over(z, (dim,), True)
    return z


# Jᵀg = p ⊙ (g − Σ g⊙p)
softmax_along.derivative(x=lambda g, out, dim: out * (g - sum(wide(g) * out, dim, True)))


@primitive
def log_softmax_along(x, dim):
    """x − log Σ eˣ along `dim`, exact for x of ±1000 as well."""
    xp, x = array_module(x), in_floats(x)
    shifted = _from_largest(x, dim)
    total = xp.log(sum_over(wide_array(xp.exp(shifted)), (dim,), True))
    return (shifted - total).astype(x.dtype, copy=False)


# Jᵀg = g − softmax(x)·Σ g
log_softmax_along.derivative(x=lambda g, out, dim: g - exp(out) * sum(g, dim, True))


def softmax(input: Tensor, dim: int = -1, dtype: Any = None) -> Tensor:
    """e^xᵢ / Σⱼ e^xⱼ along `dim`; finite for any x. `dtype` is a type to convert x to first."""
    return _along(softmax_along, input, dim, dtype)


def log_softmax(input: Tensor, dim: int = -1, dtype: Any = None) -> Tensor:
    """xᵢ − log Σⱼ e^xⱼ along `dim`; finite for any x. `dtype` as for :func:`softmax`."""
    return _along(log_softmax_along, input, dim, dtype)


def _along(operation: Primitive, x: Tensor, dim: int, dtype: Any) -> Tensor:
    """`operation` along a dimension; a tensor without dimensions is one of one element."""
    x = x if dtype is None else cast(x, dtype)
    dim = normal_dim(dim, len(x.shape))
    return operation(x, dim) if x.shape else reshape(operation(reshape(x, (1,)), 0), ())
