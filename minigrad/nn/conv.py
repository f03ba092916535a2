"""Convolution and pooling layers for images N×C×H×W."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.kernels.geometry import Convolution, Pooling, pair
from minigrad.nn.linear import weight_and_bias
from minigrad.nn.module import Module
from minigrad.printable import shown


class Conv2d(Module):
    """A convolution with its filters; see `minigrad.functional.conv2d`.

    Weight and bias start uniform in ±1/√(C/groups·K·L), as PyTorch's do.

    Parameters
    ----------
    in_channels, out_channels : C of the image and of the result; multiples of `groups`.
    kernel_size, stride, dilation : numbers or pairs (vertical, horizontal), in pixels.
    padding : a number, a pair, `"same"` or `"valid"`.
    groups : number of groups of channels and filters that are convolved separately.
    bias : whether each filter adds a learned bias.
    padding_mode : how the padding is filled: `"zeros"`, `"reflect"` or `"replicate"`.
    device, dtype : of the parameters.

    Attributes
    ----------
    weight : Parameter, out_channels×(in_channels/groups)×K×L
    bias : Parameter, out_channels; or None

    Raises
    ------
    ArgumentError : channels are not divisible by groups, or `padding_mode` is unknown.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True,
                 padding_mode: str = "zeros", device: str | None = None,
                 dtype: Any = None) -> None:
        kernel = pair(kernel_size, "kernel_size", 1)
        self.geometry = Convolution.of(stride, padding, dilation, groups, kernel)
        check_channels("Conv2d", in_channels, out_channels, groups, padding_mode)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups, self.padding_mode = groups, padding_mode
        self.weight, self.bias = weight_and_bias(
            (out_channels, in_channels // groups, *kernel), bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            top, bottom, left, right = self.geometry.padding
            input, padding = F.pad(input, (left, right, top, bottom), self.padding_mode), 0
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation,
                        self.groups)

    def extra_repr(self) -> str:
        return options_text(self, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros")


def check_channels(layer: str, in_channels: int, out_channels: int, groups: int,
                   padding_mode: str) -> None:
    """Check the options that convolution and transposed convolution have in common.

    Raises
    ------
    ArgumentError : channels are not divisible by groups, or `padding_mode` is unknown.
    """
    if groups < 1 or min(in_channels, out_channels) < 1 or in_channels % groups \
            or out_channels % groups:
        raise ArgumentError(f"{layer} needs numbers of channels that are multiples of groups "
                            f"({groups}), not {in_channels} and {out_channels}")
    if padding_mode not in ("zeros", "reflect", "replicate"):
        raise ArgumentError(f"{layer} supports the padding modes zeros, reflect and replicate, not "
                            f"{shown(padding_mode)}")


def options_text(layer: Any, **defaults: Any) -> str:
    """The channels and kernel of a layer, and its options that differ from the defaults."""
    text = f"{layer.in_channels}, {layer.out_channels}, kernel_size={layer.kernel_size}"
    text += "".join(f", {name}={getattr(layer, name)!r}" for name, value in defaults.items()
                    if getattr(layer, name) != value)
    return text + ("" if layer.bias is not None else ", bias=False")


class _Pool2d(Module):
    """Base class of both pooling layers: the geometry of the window."""

    def __init__(self, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool) -> None:
        Pooling.of(kernel_size, stride, padding, ceil_mode)     # rejects impossible values
        self.kernel_size, self.stride = kernel_size, stride
        self.padding, self.ceil_mode = padding, ceil_mode

    def extra_repr(self) -> str:
        stride = self.kernel_size if self.stride is None else self.stride
        return (f"kernel_size={self.kernel_size}, stride={stride}, padding={self.padding}, "
                f"ceil_mode={self.ceil_mode}")


class MaxPool2d(_Pool2d):
    """The largest pixel of each window; see `minigrad.functional.max_pool2d`."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                 return_indices: bool = False, ceil_mode: bool = False) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation, self.return_indices = dilation, return_indices

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            self.ceil_mode, self.return_indices)


class AvgPool2d(_Pool2d):
    """The mean of each window; see `minigrad.functional.avg_pool2d`."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True,
                 divisor_override: int | None = None) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad, self.divisor_override)
