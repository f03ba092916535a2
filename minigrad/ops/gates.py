"""Further activation functions, each a formula in terms of those of :mod:`.activation`.

Where pieces meet, the gradient is that of the piece named last in the formula.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.element_types import need_real
from minigrad.ops.activation import elu, leaky_relu, sigmoid, softmax, tanh
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import greater, greater_equal, less, less_equal, where
from minigrad.ops.loss import softplus as softplus_of
from minigrad.ops.parts import narrow
from minigrad.ops.shape import normal_dim, reshape
from minigrad.ops.smooth import expm1, ndtr
from minigrad.printable import shown
from minigrad.random import generator

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def softplus(input: Tensor, beta: float = 1.0, threshold: float | None = None) -> Tensor:
    """ln(1 + e^(βx)) / β, without overflow; with a `threshold` x itself where βx is above it."""
    if beta == 0:
        raise ArgumentError("softplus needs a beta other than 0")
    z = softplus_of(input) if beta == 1 else softplus_of(beta * input) / beta
    return z if threshold is None else where(greater(beta * input, threshold), input, z)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), Φ of the normal distribution; with `"tanh"` x·(1 + tanh(√(2/π)(x + 0.044715x³))) / 2.

    Hendrycks and Gimpel, "Gaussian error linear units (GELUs)" (2016), section 2.
    """
    if approximate == "none":
        return input * ndtr(input)
    if approximate != "tanh":
        raise ArgumentError(f"gelu takes approximate='none' or 'tanh', not {shown(approximate)}")
    inside = math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)
    return 0.5 * input * (1 + tanh(inside))


def silu(input: Tensor) -> Tensor:
    """x·σ(x), also called swish: Elfwing, Uchibe, Doya (2018), eq. 8."""
    return input * sigmoid(input)


def mish(input: Tensor) -> Tensor:
    """x·tanh(ln(1 + eˣ)): Misra (2019), eq. 1."""
    return input * tanh(softplus_of(input))


def logsigmoid(input: Tensor) -> Tensor:
    """ln σ(x) = −ln(1 + e⁻ˣ), without overflow."""
    return -softplus_of(-input)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return input / (1 + absolute(input))


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh x."""
    return input - tanh(input)


def selu(input: Tensor) -> Tensor:
    """λ·elu(x, α), whose fixed point is mean 0 and variance 1: Klambauer et al. (2017), eq. 2."""
    return SELU_SCALE * elu(input, SELU_ALPHA)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """α(e^(x/α) − 1) for x ≤ 0, x otherwise: Barron (2017), eq. 2."""
    if alpha == 0:
        raise ArgumentError("celu needs an alpha other than 0")
    positive = greater(input, 0)
    return where(positive, input, alpha * expm1(where(positive, 0.0, input) / alpha))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x limited to [min_val, max_val]; on the limits and beyond there is no gradient.

    Integers stay integers, and the limits are truncated to integers.
    """
    if not min_val <= max_val:
        raise ArgumentError(f"hardtanh needs min_val ≤ max_val, not {min_val} and {max_val}")
    if input.dtype.kind not in "iuf":
        raise DTypeError(f"hardtanh limits numbers, not {input.dtype}")
    low, high = (int(v) if input.dtype.kind != "f" else v for v in (min_val, max_val))
    if input.dtype.kind == "u" and low < 0:
        raise DTypeError(f"hardtanh: {input.dtype} has no number as small as {min_val}; convert "
                         f"the tensor to a signed type first")
    return where(less_equal(input, low), low, where(greater_equal(input, high), high, input))


def relu6(input: Tensor) -> Tensor:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0)


def hardsigmoid(input: Tensor) -> Tensor:
    """0 for x ≤ −3, 1 for x ≥ 3, (x + 3) / 6 between."""
    return hardtanh(input, -3.0, 3.0) / 6 + 0.5


def hardswish(input: Tensor) -> Tensor:
    """0 for x ≤ −3, x for x ≥ 3, x(x + 3) / 6 between: Howard et al., "MobileNetV3" (2019)."""
    inside = input * ((input + 3) / 6)
    return where(less_equal(input, -3), 0.0, where(greater_equal(input, 3), input, inside))


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 for |x| ≤ λ, x otherwise."""
    return where(less_equal(absolute(input), lambd), 0.0, input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x − λ for x > λ, x + λ for x < −λ, 0 between."""
    if lambd < 0:
        raise ArgumentError(f"softshrink needs a lambd of at least 0, not {lambd}")
    return where(greater(input, lambd), input - lambd,
                 where(less(input, -lambd), input + lambd, 0.0 * input.detach()))


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """x for x > threshold, `value` otherwise."""
    need_real("threshold", input, threshold, value)
    replaced = where(less_equal(input, threshold), value, input)
    return replaced if replaced.dtype == input.dtype else replaced.to(input.dtype)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a·σ(b) of the two halves a and b of x along `dim`: Dauphin et al. (2017), eq. 1."""
    dim = normal_dim(dim, input.ndim)
    if not input.ndim or input.shape[dim] % 2:
        raise ShapeError(f"glu halves a dimension of even length, not dimension {dim} of shape "
                         f"{input.shape}")
    half = input.shape[dim] // 2
    return narrow(input, dim, 0, half) * sigmoid(narrow(input, dim, half, half))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x for x > 0, w·x otherwise, with one learned w or one for each channel (dimension 1).

    He, Zhang, Ren, Sun, "Delving deep into rectifiers" (2015), eq. 1.
    """
    if weight.numel() != 1:
        if input.ndim < 2 or weight.shape != (input.shape[1],):
            raise ShapeError(f"prelu needs one weight, or one for each channel, not {weight.shape} "
                             f"for an input of shape {input.shape}")
        weight = reshape(weight, (1, -1, *(1,) * (input.ndim - 2)))
    elif weight.ndim:
        weight = reshape(weight, (1,) * input.ndim)
    return where(greater(input, 0), input, weight * input)


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False
          ) -> Tensor:
    """leaky_relu with a slope drawn for each element, or outside training with the mean of both.

    Xu, Wang, Chen, Li, "Empirical evaluation of rectified activations" (2015), section 2.4.
    """
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    slopes = generator().uniform(lower, upper, input.shape).astype(input.dtype)
    drawn = wrap(backend.to_device(np.asarray(slopes), input.device))
    return where(greater(input, 0), input, drawn * input)


def softmin(input: Tensor, dim: int = -1, dtype: Any = None) -> Tensor:
    """The softmax of −x along `dim`."""
    negated = -input
    return softmax(negated if dtype is None else negated.to(dtype), dim)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False) -> Tensor:
    """Dropout for selu: dropped elements become −λα, then all are shifted and scaled to keep mean
    and variance.

    Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks" (2017), eq. 5.
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"alpha_dropout needs a probability p between 0 and 1, not {shown(p)}")
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0
    dropped = -SELU_SCALE * SELU_ALPHA
    scale = ((1 - p) * (1 + p * dropped ** 2)) ** -0.5
    keep = generator().random(input.shape, dtype=np.float32) >= p
    mask = wrap(backend.to_device(np.asarray(keep), input.device))
    return where(mask, input, dropped) * scale - scale * dropped * p


def channel_dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Dropout of whole channels of N×C×…: all elements of a channel are kept or dropped together.

    Tompson et al., "Efficient object localization using convolutional networks" (2015), 3.2.
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout2d needs a probability p between 0 and 1, not {shown(p)}")
    if input.ndim < 2:
        raise ShapeError(f"dropout2d needs channels N×C×…, not shape {input.shape}")
    if not training or p == 0:
        return input
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    keep = wrap(backend.to_device(np.asarray(generator().random(shape) >= p), input.device))
    return where(keep, input * (1 / (1 - p) if p < 1 else 0.0), 0.0)
