"""The fully connected layer."""

from __future__ import annotations

import math
from typing import Any

from minigrad import creation
from minigrad import functional as F
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class Linear(Module):
    """y = x·Wᵀ + b: input …×in_features, result …×out_features.

    Weight and bias start uniform in ±1/√in_features (LeCun and others, "Efficient BackProp"
    (1998), section 4.6, as PyTorch scales it).

    Parameters
    ----------
    in_features, out_features : lengths of the last dimension of x and y.
    bias : whether to add b.
    device, dtype : of the parameters.

    Attributes
    ----------
    weight : Parameter, out_features×in_features
    bias : Parameter, out_features; or None
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True,
                 device: str | None = None, dtype: Any = None) -> None:
        if in_features < 1 or out_features < 1:
            raise ArgumentError(f"Linear needs at least one feature on both sides, not "
                                f"{in_features} and {out_features}")
        self.in_features, self.out_features = in_features, out_features
        self.weight, self.bias = weight_and_bias((out_features, in_features), bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


def weight_and_bias(shape: tuple[int, ...], bias: bool, device: str | None, dtype: Any,
                    bias_length: int | None = None) -> tuple[Parameter, Parameter | None]:
    """A weight of `shape` and a bias (of its first length), both uniform in ±1/√fan_in."""
    weight = Parameter(creation.zeros(shape, dtype=dtype, device=device))
    init.kaiming_uniform_(weight, a=math.sqrt(5))       # √(6 / (1 + 5)) = 1
    if not bias:
        return weight, None
    bound = 1 / math.sqrt(init.fans(weight)[0])
    shift = Parameter(creation.zeros(bias_length or shape[0], dtype=dtype, device=device))
    init.uniform_(shift, -bound, bound)
    return weight, shift
