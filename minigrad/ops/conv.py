"""Convolution and its derivatives.

Convolution is linear in the image and in the weights, so it and its two derivatives are three
primitives that are each other's derivatives:

    y = convolve(x, w)      ∂L/∂x = convolve_input(∂L/∂y, w)      ∂L/∂w = convolve_weight(∂L/∂y, x)

There are three levels: :func:`conv2d` checks the user's arguments, the primitive :func:`convolve`
is recorded, and `minigrad.kernels.conv.fastest` chooses the algorithm.
"""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import conv as kernels
from minigrad.kernels import relu_mask
from minigrad.kernels.geometry import Convolution
from minigrad.ops.channels import channel_sums
from minigrad.ops.shape import reshape


@primitive
def convolve(x, w, b, geometry):
    """y = w ⋆ x + b: x N×C×H×W, w O×(C/groups)×K×L, b O or None; y N×O×P×Q."""
    return kernels.fastest(x, w, b, geometry)[0]


@primitive
def convolve_input(y, w, size, geometry):
    """The image of shape `size` in which each pixel sums w·y over the y that it contributes to."""
    return kernels.fastest_input(y, w, size, geometry)


@primitive
def convolve_weight(y, x, size, geometry):
    """The weights of shape `size` in which each one sums x·y over the y that it contributes to."""
    return kernels.fastest_weight(y, x, size, geometry)


convolve.derivative(
    x=lambda g, w, x_shape, geometry: convolve_input(g, w, x_shape, geometry),
    w=lambda g, x, w_shape, geometry: convolve_weight(g, x, w_shape, geometry),
    b=lambda g: channel_sums(g),
)
convolve_input.derivative(
    y=lambda g, w, geometry: convolve(g, w, None, geometry),
    w=lambda g, y, w_shape, geometry: convolve_weight(y, g, w_shape, geometry),
)
convolve_weight.derivative(
    y=lambda g, x, geometry: convolve(x, g, None, geometry),
    x=lambda g, y, x_shape, geometry: convolve_input(y, g, x_shape, geometry),
)


# ------------------------------------------------------- convolution and ReLU in one
# The same as relu(conv2d(x, w, b)). In one pass the results are still in the cache when the
# ReLU is applied, and only one bit of each is saved.


@primitive(saves={"positive": int})
def convolve_relu(x, w, b, geometry, *, saving=True):
    """y = max(w ⋆ x + b, 0); `positive` holds one bit for each y > 0."""
    return kernels.fastest(x, w, b, geometry, relu=True, wants_mask=saving)


@primitive
def gate(x, bits):
    """x where its bit is 1, zero elsewhere; bits as in :mod:`minigrad.kernels.relu_mask`."""
    return relu_mask.apply(x, bits)


@primitive
def convolve_input_gated(y, bits, w, size, geometry):
    """convolve_input of the y whose bits are 1."""
    return kernels.fastest_input(y, w, size, geometry, gate=bits)


convolve_relu.derivative(
    x=lambda g, positive, w, x_shape, geometry: convolve_input_gated(g, positive, w, x_shape,
                                                                     geometry),
    w=lambda g, positive, x, w_shape, geometry: convolve_weight(gate(g, positive), x, w_shape,
                                                                geometry),
    b=lambda g, positive: channel_sums(gate(g, positive)),
)
gate.derivative(x=lambda g, bits: gate(g, bits))
convolve_input_gated.derivative(
    y=lambda g, bits, w, geometry: gate(convolve(g, w, None, geometry), bits),
    w=lambda g, y, bits, w_shape, geometry: convolve_weight(gate(y, bits), g, w_shape, geometry),
)


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
           padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """Two-dimensional convolution (cross-correlation, as everywhere in deep learning).

    y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, c, i·s + p·d − pad, j·s + q·d − pad]

    Parameters
    ----------
    input : Tensor, N×C×H×W, or one image C×H×W
    weight : Tensor, O×(C/groups)×K×L
    bias : Tensor, O, optional
    stride, dilation : int or pair of int
        Vertical and horizontal, in pixels.
    padding : int, pair of int, or str
        Zeros around the image, in pixels; `"same"` (stride 1; the result has the size of the
        image) or `"valid"` (none).
    groups : int
        Channels and filters are split into this many independent groups.

    Returns
    -------
    Tensor, N×O×P×Q
        P = ⌊(H + 2·pad − d(K − 1) − 1) / s⌋ + 1, and Q likewise.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Operands or options that do not fit together.

    Notes
    -----
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
    """
    if len(input.shape) == 3:
        image = reshape(input, (1, *input.shape))
        result = conv2d(image, weight, bias, stride, padding, dilation, groups)
        return reshape(result, result.shape[1:])
    geometry = _checked_geometry(input, weight, bias, stride, padding, dilation, groups)
    return convolve(input, weight, bias, geometry)


def conv2d_relu(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """relu(conv2d(…)) in one operation: faster, and saves one bit per result for backward.

    Parameters are those of :func:`conv2d`.
    """
    geometry = _checked_geometry(input, weight, bias, stride, padding, dilation, groups)
    return convolve_relu(input, weight, bias, geometry)


def _checked_geometry(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any,
                      groups: int) -> Convolution:
    """The options as one value, after a check that operands and options fit together."""
    if len(x.shape) != 4 or len(weight.shape) != 4:
        raise ShapeError(f"conv2d needs an image batch N×C×H×W and weights O×C×K×L, not shapes "
                         f"{tuple(x.shape)} and {tuple(weight.shape)}")
    geometry = Convolution.of(stride, padding, dilation, groups, tuple(weight.shape[2:]))
    if x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ShapeError(f"conv2d: an image with {x.shape[1]} channels and {groups} group(s) needs "
                         f"weights O×{x.shape[1] / groups:g}×K×L with O a multiple of {groups}, "
                         f"not {tuple(weight.shape)}")
    check_bias_and_dtypes("conv2d", x, weight, bias, weight.shape[0])
    geometry.output_size(tuple(x.shape[2:]), tuple(weight.shape[2:]))       # raises if it is empty
    return geometry


def check_bias_and_dtypes(name: str, x: Any, weight: Any, bias: Any, filters: int) -> None:
    """Check that weights exist, a bias for each filter, if any, and one element type."""
    if 0 in weight.shape:
        raise ShapeError(f"{name} needs at least one channel, one filter and one pixel of the "
                         f"kernel, not weights of shape {tuple(weight.shape)}")
    if bias is not None and tuple(bias.shape) != (filters,):
        raise ShapeError(f"{name}: {filters} filters need a bias of shape ({filters},), not "
                         f"{tuple(bias.shape)}")
    dtypes = [operand.dtype for operand in (x, weight, bias) if operand is not None]
    if len(set(dtypes)) > 1:
        raise DTypeError(f"{name}: image, weights and bias must have one element type, not "
                         f"{', '.join(map(str, dtypes))}")
