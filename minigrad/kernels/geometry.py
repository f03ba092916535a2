"""Sizes, strides and paddings of convolution and pooling; windows of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import is_whole
from minigrad.printable import shown

MAX_WINDOW = 1 << 21        # pixels of a pooling window, one step of work each; full HD fits


def is_omitted(value: Any) -> bool:
    """Whether an argument is None or names nothing: PyTorch takes () and [] for its default."""
    return value is None or (isinstance(value, (tuple, list)) and not value)


def several(value: Any, count: int, name: str, minimum: int) -> tuple[int, ...]:
    """A number, or one for each of `count` dimensions, as a tuple; each at least `minimum`."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    values = values * count if len(values) == 1 else values
    if len(values) != count or not all(is_whole(v) and v >= minimum for v in values):
        raise ArgumentError(f"{name} must be a whole number or {'a pair' if count == 2 else count} "
                            f"of them, at least {minimum}, not {shown(value)}")
    return tuple(map(int, values))


def pair(value: Any, name: str, minimum: int) -> tuple[int, int]:
    """A number or a pair (height, width) as a pair, see :func:`several`."""
    height, width = several(value, 2, name, minimum)
    return height, width


@dataclass(frozen=True)
class Convolution:
    """How a kernel moves over an image.

    Attributes
    ----------
    stride, dilation : (vertical, horizontal), in pixels.
    padding : zeros added (top, bottom, left, right), in pixels.
    groups : number of groups of channels that are convolved separately.
    """

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @staticmethod
    def of(stride: Any, padding: Any, dilation: Any, groups: int,
           kernel: tuple[int, int]) -> Convolution:
        """Build one from a user's arguments: numbers, pairs, `"same"` or `"valid"`."""
        stride, dilation = pair(stride, "stride", 1), pair(dilation, "dilation", 1)
        if not is_whole(groups) or groups < 1:
            raise ArgumentError(f"groups must be a whole number of at least 1, not {shown(groups)}")
        if not isinstance(padding, (str, tuple, list)):     # which could not be compared with texts
            padding = (padding,)
        if padding == "valid":
            sides = (0, 0, 0, 0)
        elif padding == "same":
            if stride != (1, 1):
                raise ArgumentError(f"padding 'same' needs stride 1, not {stride}; "
                                    f"give the padding as numbers")
            # An even kernel needs one more zero on one side: below and to the right.
            total = [d * (k - 1) for d, k in zip(dilation, kernel)]
            sides = (total[0] // 2, total[0] - total[0] // 2,
                     total[1] // 2, total[1] - total[1] // 2)
        elif isinstance(padding, str):
            raise ArgumentError(f"padding must be a number, a pair, 'same' or 'valid', "
                                f"not {shown(padding)}")
        else:
            vertical, horizontal = pair(padding, "padding", 0)
            sides = (vertical, vertical, horizontal, horizontal)
        return Convolution(stride, sides, dilation, groups)

    def output_size(self, image: tuple[int, int], kernel: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the result: ⌊(n + p − d(k − 1) − 1) / s⌋ + 1.

        Raises
        ------
        ShapeError : the kernel does not fit into the padded image.
        """
        size = []
        for axis in (0, 1):
            padded = image[axis] + self.padding[2 * axis] + self.padding[2 * axis + 1]
            extent = self.dilation[axis] * (kernel[axis] - 1) + 1
            if padded < extent:
                raise ShapeError(f"conv2d: a kernel of {kernel} with dilation {self.dilation} "
                                 f"does not fit into an image of {image} with padding "
                                 f"{self.padding}")
            size.append((padded - extent) // self.stride[axis] + 1)
        return size[0], size[1]

    def taps(self, kernel: tuple[int, int], output: tuple[int, int]) -> list:
        """(row slice, column slice) of the padded image for each kernel position."""
        (sh, sw), (dh, dw) = self.stride, self.dilation
        return [(slice(i * dh, i * dh + (output[0] - 1) * sh + 1, sh),
                 slice(j * dw, j * dw + (output[1] - 1) * sw + 1, sw))
                for i in range(kernel[0]) for j in range(kernel[1])]


@dataclass(frozen=True)
class Pooling:
    """How a pooling window moves over an image.

    Attributes
    ----------
    kernel, stride, padding : (vertical, horizontal), in pixels.
    ceil_mode : whether to include a last window that extends past the edge.
    count_include_pad : whether padding counts in an average.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    ceil_mode: bool = False
    count_include_pad: bool = True

    @staticmethod
    def of(kernel: Any, stride: Any, padding: Any, ceil_mode: bool,
           count_include_pad: bool = True) -> Pooling:
        """Build one from a user's arguments; the stride defaults to the kernel's size."""
        kernel = pair(kernel, "kernel_size", 1)
        stride = kernel if is_omitted(stride) else pair(stride, "stride", 1)
        padding = pair(padding, "padding", 0)
        if kernel[0] * kernel[1] > MAX_WINDOW:
            raise ArgumentError(f"pooling: a window of {kernel} has more than {MAX_WINDOW} pixels; "
                                f"reduce whole images with amax() or mean(), or scale them down "
                                f"first")
        if any(2 * p > k for p, k in zip(padding, kernel)):
            raise ArgumentError(f"pooling: padding {padding} must be at most half of the window "
                                f"{kernel}, or some windows would hold only padding")
        return Pooling(kernel, stride, padding, bool(ceil_mode), bool(count_include_pad))

    def output_size(self, image: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the result: ⌊(n + 2p − k) / s⌋ + 1, or the ceiling in ceil_mode.

        The last window must start inside the image or its padding at the top or left.

        Raises
        ------
        ShapeError : the window does not fit into the padded image.
        """
        size = []
        for n, k, s, p in zip(image, self.kernel, self.stride, self.padding):
            room = n + 2 * p - k
            if room < 0:
                raise ShapeError(f"pooling: a window of {self.kernel} does not fit into an image "
                                 f"of {image} with padding {self.padding}")
            length = (-(-room // s) if self.ceil_mode else room // s) + 1
            if self.ceil_mode and (length - 1) * s >= n + p:
                length -= 1
            size.append(length)
        return size[0], size[1]

    def padded_size(self, image: tuple[int, int]) -> tuple[int, int]:
        """Height and width that the windows cover, or those of the image if larger."""
        output = self.output_size(image)
        size = [max((o - 1) * s + k, n + p) for o, s, k, n, p in zip(
            output, self.stride, self.kernel, image, self.padding)]
        return size[0], size[1]

    def taps(self, output: tuple[int, int]) -> list:
        """(row slice, column slice) of the padded image for each window position."""
        return [(slice(i, i + (output[0] - 1) * self.stride[0] + 1, self.stride[0]),
                 slice(j, j + (output[1] - 1) * self.stride[1] + 1, self.stride[1]))
                for i in range(self.kernel[0]) for j in range(self.kernel[1])]


class Window(NamedTuple):
    """A rectangle of an image: rows from `top` up to but not including `bottom`; likewise columns.

    Functions take a plain tuple of the four numbers, too.
    """

    top: int
    bottom: int
    left: int
    right: int

    @staticmethod
    def of(window: Any, image: tuple[int, int], name: str) -> Window:
        """Build one from an argument of the function `name`: four numbers, or None for the image.

        Raises
        ------
        ArgumentError : they are not four whole numbers, or not within the image.
        """
        height, width = image
        if window is None:
            return Window(0, height, 0, width)
        if not (isinstance(window, (tuple, list)) and len(window) == 4
                and all(map(is_whole, window))):
            raise ArgumentError(f"{name} needs a window of four whole numbers (top, bottom, left, "
                                f"right), not {shown(window)}")
        top, bottom, left, right = map(int, window)
        if not (0 <= top <= bottom <= height and 0 <= left <= right <= width):
            raise ArgumentError(f"{name}: the window must be within the image of {height}×{width} "
                                f"pixels, with top ≤ bottom and left ≤ right, not rows {top} to "
                                f"{bottom} and columns {left} to {right}")
        return Window(top, bottom, left, right)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, as an index of an image H×W."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return (self.bottom - self.top) * (self.right - self.left)
