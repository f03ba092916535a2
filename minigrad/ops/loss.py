"""Losses. `reduction` is `"mean"` (the default), `"sum"` or `"none"` in all of them.

Sums of squares are accumulated in float64: style losses reach 10¹³.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import elementwise, primitive
from minigrad.core.tensor import Tensor
from minigrad.dtypes import result_type
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels import vectors as kernels
from minigrad.ops.activation import log_softmax, sigmoid
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import clip_between, maximum, square
from minigrad.ops.deferred import scaled_difference
from minigrad.ops.reduce import mean, sum
from minigrad.ops.shape import cast, gather_along
from minigrad.ops.shape_functions import unsqueeze


@primitive
def squared_distance(x, y):
    """Σ (x − y)², as a float64 number."""
    return kernels.squared_distance(x, y)


squared_distance.derivative(
    x=lambda g, x, y: scaled_difference(g, x, y),
    y=lambda g, x, y: scaled_difference(g, y, x),
)


@primitive
def mean_squared_distance(x, y, n):
    """Σ (x − y)² / n, accumulated in float64, of the type of x; n is the number of elements."""
    difference = x - y
    difference *= difference
    return (difference.sum(dtype=np.float64) / n).astype(x.dtype)


mean_squared_distance.derivative(
    x=lambda g, x, y, n: g * (2 / n) * (x - y),
    y=lambda g, x, y, n: g * (2 / n) * (y - x),
    n=None,
)


@elementwise
def softplus(x):
    """log(1 + eˣ), without overflow;  derivative σ(x)."""
    return array_module(x).logaddexp(x, x * 0)


softplus.derivative(x=lambda g, x: g * sigmoid(x))


@elementwise
def bounded_log(x):
    """ln x, but at least −100: the loss is finite for a probability of 0."""
    xp = array_module(x)
    return xp.maximum(xp.log(xp.maximum(x, 1e-44)), -100)


bounded_log.derivative(x=lambda g, x: g / maximum(x, 1e-12))


@elementwise
def huber(x, delta):
    """½x² for |x| ≤ δ, else δ(|x| − ½δ): a parabola with straight arms;  derivative x within ±δ.

    Huber, "Robust estimation of a location parameter" (1964), section 1.
    """
    size = array_module(x).abs(x)
    return array_module(x).where(size <= delta, 0.5 * x * x, delta * (size - 0.5 * delta))


huber.derivative(x=lambda g, x, delta: g * clip_between(x, -delta, delta))


def reduced(loss: Tensor, reduction: str, name: str) -> Tensor:
    """The mean of the losses of all elements, their sum, or the losses themselves."""
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction == "none":
        return loss
    raise ArgumentError(f"{name} supports the reductions mean, sum and none, not {reduction!r}")


def same_shapes(x: Any, target: Any, name: str) -> None:
    """Raise if shapes differ: broadcasting in a loss is nearly always a mistake."""
    if tuple(x.shape) != tuple(target.shape):
        raise ShapeError(f"{name} compares equal shapes, not {tuple(x.shape)} and "
                         f"{tuple(target.shape)}")


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Squared error (x − t)², over equal shapes.

    `"half_sum"` is ½Σ(x − t)², the textbook's E and eq. 8 of style transfer. `"sum"` and
    `"half_sum"` are float64 numbers whatever the input, see docs/conventions.md.
    """
    same_shapes(input, target, "mse_loss")
    if input.dtype != target.dtype:
        common = result_type(input.data, target.data)
        input, target = cast(input, common), cast(target, common)
    if input.dtype.kind not in "fc":
        raise DTypeError(f"mse_loss needs floating-point numbers, not {input.dtype}; use .float()")
    if reduction == "none":
        return square(input - target)
    if reduction == "sum":
        return squared_distance(input, target)
    if reduction == "half_sum":
        return 0.5 * squared_distance(input, target)
    if reduction == "mean":
        return mean_squared_distance(input, target, math.prod(input.shape) or math.nan)
    raise ArgumentError(f"mse_loss supports the reductions mean, sum, half_sum and none, "
                        f"not {reduction!r}")


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Absolute error |x − t|, over equal shapes."""
    same_shapes(input, target, "l1_loss")
    return reduced(absolute(input - target), reduction, "l1_loss")


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean",
               delta: float = 1.0) -> Tensor:
    """½d² for |d| ≤ δ, else δ(|d| − ½δ), of the differences d = x − t, over equal shapes.

    Huber, "Robust estimation of a location parameter" (1964), section 1.
    """
    same_shapes(input, target, "huber_loss")
    if not delta > 0:
        raise ArgumentError(f"huber_loss needs a delta above 0, not {delta!r}")
    return reduced(huber(input - target, delta), reduction, "huber_loss")


def nll_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−x[n, t[n]]: negative log-likelihood of log-probabilities.

    Parameters
    ----------
    input : Tensor, N×C×…
        Log-probabilities.
    target : Tensor of integers, N×…
        Class indices.
    reduction : str
        `"mean"`, `"sum"` or `"none"`.
    """
    if len(input.shape) < 2 or tuple(target.shape) != (input.shape[0], *input.shape[2:]):
        raise ShapeError(f"class indices for scores of shape {tuple(input.shape)} need shape "
                         f"{(input.shape[0], *input.shape[2:]) if len(input.shape) else ()}, not "
                         f"{tuple(target.shape)}")
    if target.dtype.kind not in "iu":
        raise DTypeError(f"class indices must be integers, not {target.dtype}")
    indices = target._array if isinstance(target, Tensor) else target
    if indices.size and not (int(indices.min()) >= 0 and int(indices.max()) < input.shape[1]):
        raise ArgumentError(f"class indices must lie in 0 … {input.shape[1] - 1}, not in "
                            f"{int(indices.min())} … {int(indices.max())}")
    picked = gather_along(input, unsqueeze(indices, 1), 1, True)
    return reduced(-picked[:, 0], reduction, "nll_loss")


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−Σ_c t_c · log softmax(x)_c; finite for scores of ±1000.

    Parameters
    ----------
    input : Tensor, N×C or N×C×…
        Scores (logits).
    target : Tensor
        Class indices N×… (integers), or class probabilities of the input's shape.
    reduction : str
        `"mean"`, `"sum"` or `"none"`.
    """
    if len(input.shape) < 2:
        raise ShapeError(f"cross_entropy needs scores N×C or N×C×…, not shape {tuple(input.shape)}")
    log_probabilities = log_softmax(input, 1)
    if target.dtype.kind in "iu":
        return nll_loss(log_probabilities, target, reduction)
    same_shapes(input, target, "cross_entropy with class probabilities")
    return reduced(-sum(target * log_probabilities, 1), reduction, "cross_entropy")


def binary_cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−t·log p − (1 − t)·log(1 − p) for probabilities p; logarithms are at least −100."""
    same_shapes(input, target, "binary_cross_entropy")
    if input.numel() and not (input.data.min() >= 0 and input.data.max() <= 1):
        raise ArgumentError("binary_cross_entropy needs probabilities from 0 to 1; for scores use "
                            "binary_cross_entropy_with_logits")
    loss = -(target * bounded_log(input) + (1 - target) * bounded_log(1 - input))
    return reduced(loss, reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor,
                                     reduction: str = "mean") -> Tensor:
    """Binary cross-entropy of scores x with p = σ(x): log(1 + eˣ) − x·t, finite for any x."""
    same_shapes(input, target, "binary_cross_entropy_with_logits")
    return reduced(softplus(input) - input * target, reduction, "binary_cross_entropy_with_logits")
