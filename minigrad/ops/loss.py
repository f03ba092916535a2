"""Losses. `reduction` is `"mean"` (the default), `"sum"` or `"none"` in all of them.

Sums of squares are accumulated in float64: style losses reach 10¹³.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import elementwise, primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import result_type
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels import vectors as kernels
from minigrad.ops.activation import log_softmax, sigmoid
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import clip_between, equal, maximum, square, where
from minigrad.ops.deferred import scaled_difference
from minigrad.ops.reduce import mean, sum
from minigrad.ops.shape import cast, gather_along, reshape, select
from minigrad.ops.shape_functions import unsqueeze
from minigrad.printable import shown


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
    check_reduction(reduction, name)
    return mean(loss) if reduction == "mean" else sum(loss) if reduction == "sum" else loss


def same_shapes(x: Any, target: Any, name: str) -> None:
    """Raise if shapes differ: broadcasting in a loss is nearly always a mistake."""
    if tuple(x.shape) != tuple(target.shape):
        raise ShapeError(f"{name} needs equal shapes, not {tuple(x.shape)} and "
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
    if input.dtype.kind != "f":
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
                        f"not {shown(reduction)}")


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
        raise ArgumentError(f"huber_loss needs a delta above 0, not {shown(delta)}")
    return reduced(huber(input - target, delta), reduction, "huber_loss")


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, *,
             ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    """−w[t]·x[n, t[n]]: negative log-likelihood of log-probabilities.

    Parameters
    ----------
    input : Tensor, N×C×… or C
        Log-probabilities.
    target : Tensor of integers, N×… or a number
        Class indices.
    weight : Tensor, C, optional
        The weight of each class; 1 by default. `"mean"` divides by the sum of the weights used.
    ignore_index : int
        Examples of this class do not count.
    reduction : str
        `"mean"`, `"sum"` or `"none"`.
    """
    check_reduction(reduction, "nll_loss")
    if len(input.shape) == 1 and not len(target.shape):
        loss = nll_loss(unsqueeze(input, 0), unsqueeze(target, 0), weight,
                        ignore_index=ignore_index, reduction=reduction)
        return reshape(loss, ())
    indices, counts = _classes(input, target, ignore_index)
    picked = -gather_along(input, unsqueeze(indices, 1), 1, True)[:, 0]
    if weight is None and counts is None:
        return reduced(picked, reduction, "nll_loss")
    weights = _class_weights(input, weight, indices, counts)
    loss = where(equal(weights, 0), 0.0, picked * weights)
    return sum(loss) / sum(weights) if reduction == "mean" else reduced(loss, reduction, "nll_loss")


def check_reduction(reduction: Any, name: str) -> None:
    """Raise unless the reduction is a known one."""
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f"{name} supports the reductions mean, sum and none, not "
                            f"{shown(reduction)}")


def _classes(input: Tensor, target: Tensor, ignore_index: int) -> tuple[Any, Any]:
    """Class indices N×… with 0 for those that are ignored, and which count; None if all do."""
    if len(input.shape) < 2 or tuple(target.shape) != (input.shape[0], *input.shape[2:]):
        raise ShapeError(f"class indices for scores of shape {tuple(input.shape)} need shape "
                         f"{(input.shape[0], *input.shape[2:]) if len(input.shape) else ()}, not "
                         f"{tuple(target.shape)}")
    if target.dtype.kind not in "iu":
        raise DTypeError(f"class indices must be integers, not {target.dtype}")
    indices = target._array if isinstance(target, Tensor) else target
    counts = indices != ignore_index
    ignored = not bool(counts.all())
    if ignored:
        indices = array_module(indices).where(counts, indices, 0)
    if indices.size and not (int(indices.min()) >= 0 and int(indices.max()) < input.shape[1]):
        raise ArgumentError(f"class indices must lie in 0 … {input.shape[1] - 1}, not in "
                            f"{int(indices.min())} … {int(indices.max())}")
    return indices, counts if ignored else None


def _class_weights(input: Tensor, weight: Tensor | None, indices: Any, counts: Any) -> Tensor:
    """The weight of each example N×…; 0 for those that do not count."""
    if weight is not None and tuple(weight.shape) != (input.shape[1],):
        raise ShapeError(f"weights for {input.shape[1]} classes need shape ({input.shape[1]},), "
                         f"not {tuple(weight.shape)}")
    xp = array_module(indices)
    weights = wrap(xp.ones(indices.shape, input.dtype)) if weight is None \
        else select(weight, indices)
    return weights if counts is None else where(wrap(counts), weights, 0.0)


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, *,
                  ignore_index: int = -100, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """−Σ_c w_c · t_c · log softmax(x)_c; finite for scores of ±1000.

    Parameters
    ----------
    input : Tensor, N×C, N×C×… or C
        Scores (logits).
    target : Tensor
        Class indices N×… (integers), or class probabilities of the input's shape.
    weight, ignore_index, reduction :
        See :func:`nll_loss`; no class is ignored if the targets are probabilities.
    label_smoothing : float
        ε in 0 … 1: the targets are mixed with a share ε of a uniform distribution. Szegedy et al.,
        "Rethinking the inception architecture" (2016), section 7.
    """
    check_reduction(reduction, "cross_entropy")
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"cross_entropy needs a label_smoothing in 0 … 1, not "
                            f"{shown(label_smoothing)}")
    if not len(input.shape):
        raise ShapeError(f"cross_entropy needs scores N×C or N×C×…, not shape {tuple(input.shape)}")
    if len(input.shape) == 1:
        loss = cross_entropy(unsqueeze(input, 0), unsqueeze(target, 0), weight,
                             ignore_index=ignore_index, reduction=reduction,
                             label_smoothing=label_smoothing)
        return reshape(loss, ())
    log_probabilities = log_softmax(input, 1)
    if target.dtype.kind not in "iu":
        return _of_probabilities(log_probabilities, target, weight, reduction, label_smoothing)
    loss = nll_loss(log_probabilities, target, weight, ignore_index=ignore_index,
                    reduction=reduction)
    if not label_smoothing:
        return loss
    indices, counts = _classes(input, target, ignore_index)
    smooth = -sum(_by_class(log_probabilities, weight), 1)
    smooth = smooth if counts is None else where(wrap(counts), smooth, 0.0)
    if reduction == "mean":
        smooth = sum(smooth) / sum(_class_weights(input, weight, indices, counts))
    elif reduction == "sum":
        smooth = sum(smooth)
    return (1 - label_smoothing) * loss + label_smoothing / input.shape[1] * smooth


def _by_class(x: Tensor, weight: Tensor | None) -> Tensor:
    """x N×C×… times the weight of its class."""
    return x if weight is None else x * reshape(weight, (-1, *(1,) * (len(x.shape) - 2)))


def _of_probabilities(log_probabilities: Tensor, target: Tensor, weight: Tensor | None,
                      reduction: str, smoothing: float) -> Tensor:
    same_shapes(log_probabilities, target, "cross_entropy with class probabilities")
    if smoothing:
        target = target * (1 - smoothing) + smoothing / target.shape[1]
    loss = -sum(_by_class(target * log_probabilities, weight), 1)
    return reduced(loss, reduction, "cross_entropy")


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, *,
                         reduction: str = "mean") -> Tensor:
    """−t·log p − (1 − t)·log(1 − p) for probabilities p; logarithms are at least −100.

    A `weight`, if given, multiplies the loss of each element; it broadcasts.
    """
    same_shapes(input, target, "binary_cross_entropy")
    if input.numel() and not (input.data.min() >= 0 and input.data.max() <= 1):
        raise ArgumentError("binary_cross_entropy needs probabilities from 0 to 1; for scores use "
                            "binary_cross_entropy_with_logits")
    loss = -(target * bounded_log(input) + (1 - target) * bounded_log(1 - input))
    return reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                     *, reduction: str = "mean",
                                     pos_weight: Tensor | None = None) -> Tensor:
    """Binary cross-entropy of scores x with p = σ(x): log(1 + eˣ) − x·t, finite for any x.

    Parameters
    ----------
    weight : Tensor, optional
        Multiplies the loss of each element; it broadcasts.
    pos_weight : Tensor, optional
        Multiplies −t·log p only: above 1 it weighs missed positives more. It broadcasts.
    """
    name = "binary_cross_entropy_with_logits"
    same_shapes(input, target, name)
    if pos_weight is None:
        loss = softplus(input) - input * target
    else:
        loss = (1 - target) * input + (1 + (pos_weight - 1) * target) * softplus(-input)
    return reduced(loss if weight is None else loss * weight, reduction, name)
