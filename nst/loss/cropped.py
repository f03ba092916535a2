"""A part of a layer's features, as an operation."""

from __future__ import annotations

import minigrad.functional as F
from minigrad import primitive


@primitive(view=True)
def cropped(x, top, bottom, left, right):
    """x[:, :, top:bottom, left:right] of images N×C×H×W.

    Like indexing, but the gradient keeps channels innermost in memory, the fastest order for the
    kernels.
    """
    return x[:, :, top:bottom, left:right]


cropped.derivative(x=lambda g, x_shape, top, bottom, left, right: F.pad(
    g, (left, x_shape[3] - right, top, x_shape[2] - bottom)))
