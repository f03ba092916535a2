"""Normalization over groups of channels and by the root mean square, see :mod:`.normalization`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.kernels.arguments import one_or_more
from minigrad.ops.half import in_float32, is_half
from minigrad.ops.normalization import layer_norm
from minigrad.ops.reduce import mean
from minigrad.ops.shape import reshape
from minigrad.ops.smooth import rsqrt


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """(x − mean) / √(var + ε) · weight + bias over groups of channels of each example.

    Parameters
    ----------
    input : Tensor, N×C or N×C×…
    num_groups : int
        How many groups the channels are split into; a divisor of C.
    weight, bias : Tensor, C, optional
        1 and 0 by default.
    eps : float
        ε ≥ 0, in units of the variance.

    Notes
    -----
    Wu and He, "Group normalization" (2018), eq. 7.
    """
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise ShapeError(f"group_norm needs an input N×C×… with a multiple of {num_groups} "
                         f"channels, not shape {input.shape}")
    for tensor in (weight, bias):
        if tensor is not None and tensor.shape != input.shape[1:2]:
            raise ShapeError(f"group_norm: {input.shape[1]} channels need weight and bias of that "
                             f"many numbers, not of shape {tensor.shape}")
    if is_half(input, weight, bias):
        return in_float32(lambda *v: group_norm(v[0], num_groups, v[1], v[2], eps),
                          input, weight, bias)
    length = int(np.prod(input.shape[1:])) // num_groups
    z = layer_norm(reshape(input, (input.shape[0], num_groups, length)), length, eps=eps)
    z = reshape(z, input.shape)
    per_channel = (1, -1, *(1,) * (input.ndim - 2))
    z = z if weight is None else z * reshape(weight, per_channel)
    return z if bias is None else z + reshape(bias, per_channel)


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None,
             eps: float | None = None) -> Tensor:
    """x / √(mean of x² + ε) · weight over the last dimensions of each example.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of the dimensions to normalize over.
    eps : float, optional
        By default the smallest step of x's type at 1, for float16 that of float32.

    Notes
    -----
    Zhang and Sennrich, "Root mean square layer normalization" (2019), eq. 4.
    """
    shape = one_or_more(normalized_shape, "rms_norm: a length")
    if not shape or input.shape[-len(shape):] != shape:
        raise ShapeError(f"rms_norm over {shape} needs an input that ends in these lengths, not "
                         f"{input.shape}")
    if is_half(input, weight):
        return in_float32(lambda *v: rms_norm(v[0], shape, v[1], eps), input, weight)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    z = input * rsqrt(mean(input * input, tuple(range(-len(shape), 0)), True) + eps)
    return z if weight is None else z * weight
