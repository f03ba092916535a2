"""Padding of images."""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels import pad as kernels
from minigrad.kernels.arguments import wholes
from minigrad.ops.pad_any import any_pad
from minigrad.printable import shown

MODES = ("zeros", "reflect", "replicate", "circular")


@primitive
def pad2d(x, widths, mode, value):
    """x N×C×H×W with a border of `widths` (left, right, top, bottom) pixels."""
    return kernels.pad2d(x, widths, mode, value)


@primitive
def pad2d_adjoint(y, widths, mode):
    """Remove the border and add its pixels to those that they were copied from."""
    return kernels.pad2d_adjoint(y, widths, mode)


pad2d.derivative(x=lambda g, widths, mode: pad2d_adjoint(g, widths, mode))
pad2d_adjoint.derivative(y=lambda g, widths, mode: pad2d(g, widths, mode, 0))


def pad(input: Tensor, pad: Any, mode: str = "zeros", value: float | None = None) -> Tensor:
    """Add a border around the last dimensions of a tensor.

    Parameters
    ----------
    input : Tensor
        For the modes other than zeros images C×… or N×C×….
    pad : int or sequence of int
        Widths (left, right, top, bottom, …) in pixels, two for each dimension from the last on, or
        one number for all sides of images N×C×H×W. A negative width removes pixels.
    mode : str
        `"zeros"` (or `"constant"`: `value`), `"reflect"` (mirrored at the edge pixel, which is
        not repeated), `"replicate"` (the edge pixel repeated), `"circular"` (the image repeated).
    value : float, optional
        Value of a constant border; 0 by default.
    """
    widths = tuple(pad) if isinstance(pad, (tuple, list)) else (pad,) * 4
    mode = "zeros" if mode == "constant" else mode
    if mode not in MODES:
        raise ArgumentError(f"pad supports the modes {', '.join(MODES)}, not {shown(mode)}")
    fill = 0.0 if value is None else value
    widths = wholes(widths, "pad: a width")
    if len(input.shape) != 4 or len(widths) != 4 or mode == "circular" or min(widths) < 0 \
            or input.dtype.kind != "f":
        return any_pad(input, widths, mode, fill)
    height, width = input.shape[2:]
    if mode == "reflect" and (max(widths[:2]) >= width or max(widths[2:]) >= height):
        raise ShapeError(f"pad: reflect needs widths smaller than the image, but {widths} "
                         f"(left, right, top, bottom) meets an image of {height}×{width}")
    if mode == "replicate" and any(widths) and not (height and width):
        raise ShapeError(f"pad: an empty image of {height}×{width} has no pixel to replicate")
    return pad2d(input, widths, mode, float(fill))
