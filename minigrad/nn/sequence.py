"""Convolution and pooling of sequences N×C×L, and pooling of images to a given size."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F
from minigrad.core.tensor import Tensor
from minigrad.kernels.geometry import several
from minigrad.nn.conv import check_channels, options_text
from minigrad.nn.linear import weight_and_bias
from minigrad.nn.module import Module


class Conv1d(Module):
    """A convolution of sequences N×C×L with its filters; see `minigrad.functional.conv1d`.

    Parameters and attributes are those of `Conv2d`; the weight is
    out_channels×(in_channels/groups)×K, and the padding consists of zeros.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
                 padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True,
                 device: str | None = None, dtype: Any = None) -> None:
        kernel = several(kernel_size, 1, "kernel_size", 1)
        check_channels("Conv1d", in_channels, out_channels, groups, "zeros")
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups = groups
        self.weight, self.bias = weight_and_bias(
            (out_channels, in_channels // groups, *kernel), bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv1d(input, self.weight, self.bias, self.stride, self.padding, self.dilation,
                        self.groups)

    def extra_repr(self) -> str:
        return options_text(self, stride=1, padding=0, dilation=1, groups=1)


class MaxPool1d(Module):
    """The largest element of each window of N×C×L; see `minigrad.functional.max_pool1d`."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                 return_indices: bool = False, ceil_mode: bool = False) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.return_indices, self.ceil_mode = dilation, return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(Module):
    """The mean of each window of N×C×L; see `minigrad.functional.avg_pool1d`."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _ToSize(Module):
    """Base class of pooling to a size."""

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_ToSize):
    """Means of nearly equal parts of N×C×L, `output_size` of them."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_ToSize):
    """Means of nearly equal parts of images N×C×H×W, so that the result has `output_size`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool2d(_ToSize):
    """The largest pixels of nearly equal parts of images N×C×H×W."""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(input, self.output_size)


class PixelShuffle(Module):
    """N×(C·r²)×H×W to N×C×(H·r)×(W·r); see `minigrad.functional.pixel_shuffle`."""

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"
