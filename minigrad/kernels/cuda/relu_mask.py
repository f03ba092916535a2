"""Launch relu_mask.cu; see `minigrad.kernels.relu_mask` for the layout of the bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda.compiler import contiguous, launch, warps
from minigrad.kernels.layout import channels_first
from minigrad.kernels.relu_mask import empty

__all__ = ["apply", "empty", "finish", "pack"]


def pack(y: Any) -> Any:
    """As `minigrad.kernels.relu_mask.pack`."""
    xp = array_module(y)
    image = contiguous(xp, y)
    bits = empty(xp, image.shape)
    rows, length = image.shape[0] * image.shape[1], image.shape[2] * image.shape[3]
    launch(xp, "relu_mask", "pack", rows * warps(length), image, bits, np.int64(rows), length,
           warps(length), bits.shape[2], real=y.dtype.char)
    return bits


def apply(y: Any, bits: Any) -> Any:
    """As `minigrad.kernels.relu_mask.apply`."""
    xp = array_module(y)
    image = contiguous(xp, y)
    gated = xp.empty(image.shape, dtype=y.dtype)
    rows, length = image.shape[0] * image.shape[1], image.shape[2] * image.shape[3]
    bits = xp.ascontiguousarray(bits)
    launch(xp, "relu_mask", "gate", image.size, image, bits, gated, np.int64(rows), length,
           bits.shape[2], real=y.dtype.char)
    return channels_first(gated)


def finish(xp: Any, image: Any, bias: Any, relu: bool, wants_mask: bool) -> Any:
    """Add `bias` to an image N×H×W×C in place, optionally apply a ReLU; return its bits or None."""
    bits = empty(xp, image.shape) if wants_mask else None
    rows, length = image.shape[0] * image.shape[1], image.shape[2] * image.shape[3]
    if bias is not None or relu or wants_mask:
        bias = bias if bias is None else xp.ascontiguousarray(bias)
        launch(xp, "relu_mask", "finish", rows * warps(length), image, bias, bits, np.int64(rows),
               length, warps(length), -(-length // 8), image.shape[3], relu,
               real=image.dtype.char)
    return bits
