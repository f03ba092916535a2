"""Transposed convolution: the derivative of a convolution, as a function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.geometry import Convolution, pair
from minigrad.ops.conv import check_bias_and_dtypes, convolve_input
from minigrad.ops.pad_any import constant_pad
from minigrad.ops.shape import reshape


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                     padding: Any = 0, output_padding: Any = 0, groups: int = 1,
                     dilation: Any = 1) -> Tensor:
    """Transposed convolution: each pixel adds its kernel to the result, `stride` pixels apart.

    y[n,o,i·s + p·d − pad, j·s + q·d − pad] += w[c,o,p,q] · x[n,c,i,j], plus b[o]. It is the
    derivative of :func:`conv2d` with respect to its image, so it inverts the sizes of a
    convolution.

    Parameters
    ----------
    input : Tensor, N×C×H×W
    weight : Tensor, C×(O/groups)×K×L
    bias : Tensor, O, optional
    stride, dilation : int or pair of int
        Vertical and horizontal, in pixels.
    padding : int or pair of int
        Rows and columns that are cut off on each side of the result.
    output_padding : int or pair of int
        Additional rows and columns at the bottom and right, fewer than the stride or the
        dilation. Several image sizes convolve to the same size; this chooses among them.
    groups : int
        Channels are split into this many independent groups.

    Returns
    -------
    Tensor, N×O×P×Q
        P = (H − 1)·s − 2·pad + d(K − 1) + output_padding + 1, and Q likewise.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Operands or options that do not fit together.

    Notes
    -----
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """
    if len(input.shape) == 3:
        image = reshape(input, (1, *input.shape))
        result = conv_transpose2d(image, weight, bias, stride, padding, output_padding, groups,
                                  dilation)
        return reshape(result, result.shape[1:])
    if len(input.shape) != 4 or len(weight.shape) != 4:
        raise ShapeError(f"conv_transpose2d needs an image batch N×C×H×W and weights C×O×K×L, not "
                         f"shapes {tuple(input.shape)} and {tuple(weight.shape)}")
    extra = pair(output_padding, "output_padding", 0)
    kernel = weight.shape[2], weight.shape[3]
    geometry = Convolution.of(stride, pair(padding, "padding", 0), dilation, groups, kernel)
    if input.shape[1] != weight.shape[0] or input.shape[1] % groups:
        raise ShapeError(f"conv_transpose2d: an image with {input.shape[1]} channels needs weights "
                         f"{input.shape[1]}×O×K×L, and a number of groups that divides it, not "
                         f"weights of shape {tuple(weight.shape)} and {groups} group(s)")
    filters = weight.shape[1] * groups
    check_bias_and_dtypes("conv_transpose2d", input, weight, bias, filters)
    if any(e >= max(s, d) for e, s, d in zip(extra, geometry.stride, geometry.dilation)):
        raise ArgumentError(f"conv_transpose2d: output_padding {extra} must be smaller than the "
                            f"stride {geometry.stride} or the dilation {geometry.dilation}")
    height, width = output_size(input.shape[2:], kernel, geometry, extra)
    beyond = (0, 0)
    if any(e >= s for e, s in zip(extra, geometry.stride)):
        geometry, beyond = _less_cut(geometry, extra)
    y = convolve_input(input, weight, (input.shape[0], filters, height - beyond[0],
                                       width - beyond[1]), geometry)
    if any(beyond):
        y = constant_pad(y, (0, beyond[1], 0, beyond[0]))
    return y if bias is None else y + reshape(bias, (1, filters, 1, 1))


def _less_cut(geometry: Convolution, extra: tuple[int, int]
              ) -> tuple[Convolution, tuple[int, int]]:
    """Treat additional rows and columns as less padding below and to the right.

    Returns the geometry, and how many rows and columns of zeros are still to be added.
    """
    top, bottom, left, right = geometry.padding
    sides = (top, max(0, bottom - extra[0]), left, max(0, right - extra[1]))
    return replace(geometry, padding=sides), (max(0, extra[0] - bottom), max(0, extra[1] - right))


def output_size(image: tuple[int, ...], kernel: tuple[int, ...], geometry: Convolution,
                extra: tuple[int, int]) -> tuple[int, int]:
    """(n − 1)·s − 2·padding + d·(k − 1) + output_padding + 1, for height and width."""
    size = [(image[i] - 1) * geometry.stride[i] - 2 * geometry.padding[2 * i]
            + geometry.dilation[i] * (kernel[i] - 1) + extra[i] + 1 for i in (0, 1)]
    if min(*size, *image) < 1:
        raise ShapeError(f"conv_transpose2d: an image of {tuple(image)} with a kernel of "
                         f"{tuple(kernel)}, stride {geometry.stride} and padding "
                         f"{geometry.padding[::2]} would give a result of {tuple(size)} pixels")
    return size[0], size[1]


def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                     padding: Any = 0, output_padding: Any = 0, groups: int = 1,
                     dilation: Any = 1) -> Tensor:
    """Transposed convolution of sequences N×C×L (or C×L), weights C×(O/groups)×K.

    It is :func:`conv_transpose2d` of images with one row.
    """
    if input.ndim not in (2, 3) or weight.ndim != 3:
        raise ShapeError(f"conv_transpose1d needs sequences N×C×L or C×L and weights C×O×K, not "
                         f"shapes {input.shape} and {weight.shape}")

    def row(value: Any, across: int) -> tuple[int, int]:
        return across, value[0] if isinstance(value, (tuple, list)) else value

    image = input if input.ndim == 3 else reshape(input, (1, *input.shape))
    image = reshape(image, (*image.shape[:2], 1, image.shape[2]))
    filters = reshape(weight, (*weight.shape[:2], 1, weight.shape[2]))
    result = conv_transpose2d(image, filters, bias, row(stride, 1), row(padding, 0),
                              row(output_padding, 0), groups, row(dilation, 1))
    shape = (*result.shape[:2], result.shape[3])
    return reshape(result, shape if input.ndim == 3 else shape[1:])
