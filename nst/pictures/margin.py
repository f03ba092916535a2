"""A margin around a picture, which mirrors it and is cut off in the end.

Convolutions pad with zeros, so the network sees a dark frame around every picture, and a picture
that is optimised gets a rim to make up for it. With a margin the rim lies outside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.backend import array_module
from nst.pictures.picture import Picture


def mirror(picture: Picture, margin: int) -> Picture:
    """The picture with its mirror image on every side, without transparency."""
    if not margin:
        return picture
    return Picture(np.ascontiguousarray(mirrored(np.asarray(picture), margin, (0, 1))))


def mirror_tensor(tensor: Tensor, margin: int) -> Tensor:
    """A picture 1×3×H×W with its mirror image on every side, channels innermost in memory."""
    if not margin:
        return tensor
    padded = mirrored(tensor.data.transpose(0, 2, 3, 1), margin, (1, 2))
    innermost = array_module(padded).ascontiguousarray(padded)
    return Tensor(innermost.transpose(0, 3, 1, 2), device=tensor.device)


def crop(tensor: Tensor, margin: int) -> Tensor:
    """The inside of a picture 1×3×H×W."""
    height, width = tensor.shape[2:]
    return tensor[:, :, margin:height - margin, margin:width - margin]


def mirrored(array: Any, margin: int, axes: tuple[int, int]) -> Any:
    """The array, mirrored at its edges along two axes; a narrow one is mirrored repeatedly."""
    widths = [(margin, margin) if axis in axes else (0, 0) for axis in range(array.ndim)]
    return array_module(array).pad(array, widths, mode="symmetric")
