"""Transposed convolution, which enlarges images."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F
from minigrad.core.tensor import Tensor
from minigrad.kernels.geometry import pair
from minigrad.nn.conv import check_channels, options_text
from minigrad.nn.linear import weight_and_bias
from minigrad.nn.module import Module


class ConvTranspose2d(Module):
    """A transposed convolution; see `minigrad.functional.conv_transpose2d`.

    Weight and bias start uniform in ±1/√(O/groups·K·L), as PyTorch's do.

    Parameters
    ----------
    in_channels, out_channels : C of the image and O of the result; multiples of `groups`.
    kernel_size, stride, padding, output_padding, dilation : numbers or pairs (vertical,
        horizontal), in pixels.
    groups : number of groups of channels and filters that are convolved separately.
    bias : whether each filter adds a learned bias.
    padding_mode : how the image continues beyond its edges, where kernels of outside pixels
        reach into the result: `"zeros"`, `"reflect"` or `"replicate"`. The size of the
        result is the same. PyTorch supports zeros only, which darken the border.
    device, dtype : of the parameters.

    Attributes
    ----------
    weight : Parameter, in_channels×(out_channels/groups)×K×L
    bias : Parameter, out_channels; or None

    Raises
    ------
    ArgumentError : channels are not divisible by groups, or `padding_mode` is unknown.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
                 padding: Any = 0, output_padding: Any = 0, groups: int = 1, bias: bool = True,
                 dilation: Any = 1, padding_mode: str = "zeros", device: str | None = None,
                 dtype: Any = None) -> None:
        kernel = pair(kernel_size, "kernel_size", 1)
        check_channels("ConvTranspose2d", in_channels, out_channels, groups, padding_mode)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel
        self.stride, self.padding = pair(stride, "stride", 1), pair(padding, "padding", 0)
        self.output_padding = pair(output_padding, "output_padding", 0)
        self.dilation = pair(dilation, "dilation", 1)
        self.groups, self.padding_mode = groups, padding_mode
        self.weight, self.bias = weight_and_bias(
            (in_channels, out_channels // groups, *kernel), bias, device, dtype,
            bias_length=out_channels)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            rows, columns = self._reach()
            input = F.pad(input, (columns, columns, rows, rows), self.padding_mode)
            padding = (padding[0] + rows * self.stride[0], padding[1] + columns * self.stride[1])
        return F.conv_transpose2d(input, self.weight, self.bias, self.stride, padding,
                                  self.output_padding, self.groups, self.dilation)

    def _reach(self) -> tuple[int, int]:
        """Number of rows and columns beyond the edge that contribute to the result."""
        rows, columns = (max(0, -(-(d * (k - 1) + extra - p) // s)) for d, k, extra, p, s in zip(
            self.dilation, self.kernel_size, self.output_padding, self.padding, self.stride))
        return rows, columns

    def extra_repr(self) -> str:
        return options_text(self, stride=(1, 1), padding=(0, 0), output_padding=(0, 0),
                            dilation=(1, 1), groups=1, padding_mode="zeros")
