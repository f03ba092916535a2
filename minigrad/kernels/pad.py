"""Borders around images: zeros (or another constant), reflected, or repeated pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.layout import channels_first, channels_last, zero_padded

# Widths are (left, right, top, bottom) in pixels, as in PyTorch.


@on_cuda_too
def pad2d(x: Any, widths: tuple[int, int, int, int], mode: str, value: float) -> Any:
    """Pad images N×C×H×W; "reflect" mirrors at the edge pixel, "replicate" repeats it."""
    xp = array_module(x)
    left, right, top, bottom = widths
    if not any(widths):
        return x.copy()             # a result of its own, even where it equals x
    image = channels_last(x)
    if mode == "zeros":
        return channels_first(zero_padded(xp, image, top, bottom, left, right, value))
    rows = xp.asarray(_source(x.shape[2], top, bottom, mode))
    columns = xp.asarray(_source(x.shape[3], left, right, mode))
    return channels_first(xp.take(xp.take(image, rows, axis=1), columns, axis=2))


@on_cuda_too
def pad2d_adjoint(y: Any, widths: tuple[int, int, int, int], mode: str) -> Any:
    """Adjoint of `pad2d`: add each border pixel to the pixel it was copied from; drop constants."""
    left, right, top, bottom = widths
    image = channels_last(y)
    image = _fold(image, 1, top, bottom, mode)
    image = _fold(image, 2, left, right, mode)
    return channels_first(image)


def _source(length: int, before: int, after: int, mode: str) -> np.ndarray:
    """Index of the source pixel for each position of the padded axis."""
    position = np.arange(-before, length + after)
    if mode == "replicate":
        return position.clip(0, length - 1)
    position = np.abs(position)                                    # mirrored at the first pixel
    return np.where(position < length, position, 2 * (length - 1) - position)   # and at the last


def _fold(image: Any, axis: int, before: int, after: int, mode: str) -> Any:
    """Adjoint of the padding of one axis."""
    length = image.shape[axis] - before - after
    inner = (slice(None),) * axis
    folded = image[(*inner, slice(before, before + length))].copy()
    if mode != "zeros":
        source = _source(length, before, after, mode)
        for position in [*range(before), *range(before + length, image.shape[axis])]:
            folded[(*inner, int(source[position]))] += image[(*inner, position)]
    return folded
