"""Launch pad.cu; see `minigrad.kernels.pad` for what the functions compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda.compiler import contiguous, launch
from minigrad.kernels.layout import channels_first

_MODES = ("zeros", "reflect", "replicate")


def pad2d(x: Any, widths: tuple[int, int, int, int], mode: str, value: float) -> Any:
    """As `minigrad.kernels.pad.pad2d`."""
    xp = array_module(x)
    image = contiguous(xp, x)
    n, height, width, channels = image.shape
    left, right, top, bottom = widths
    y = xp.empty((n, height + top + bottom, width + left + right, channels), dtype=x.dtype)
    launch(xp, "pad", "pad", y.size, image, y, np.int64(y.size), *image.shape[1:], *y.shape[1:3],
           top, left, _MODES.index(mode), x.dtype.type(value), real=x.dtype.char)
    return channels_first(y)


def pad2d_adjoint(y: Any, widths: tuple[int, int, int, int], mode: str) -> Any:
    """As `minigrad.kernels.pad.pad2d_adjoint`."""
    xp = array_module(y)
    border = contiguous(xp, y)
    n, rows, across, channels = border.shape
    left, right, top, bottom = widths
    x = xp.empty((n, rows - top - bottom, across - left - right, channels), dtype=y.dtype)
    launch(xp, "pad", "pad_adjoint", x.size, border, x, np.int64(x.size), *x.shape[1:], rows,
           across, top, left, _MODES.index(mode), real=y.dtype.char)
    return channels_first(x)
