"""Soft masks: where something counts, from 0 (black, not at all) to 1 (white, fully).

A layer of the network is smaller than the picture, so a mask is averaged over the pixels that
each position of the layer stands for. Losses are sums of squares and products of two features:
features are multiplied by the square root of the mask, and the sum has the mask as its weights.

References
----------
Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (2017), section 3.1: guided Gram matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minigrad import Tensor
from minigrad.errors import ArgumentError
from nst.pictures import colors, tensors

EVERYWHERE = "all"


@dataclass(frozen=True)
class Masks:
    """The masks of one style transfer; each is H×W of float32, or None: everywhere.

    Attributes
    ----------
    content : where the content counts.
    regions : one per style picture, where in the result it is painted; empty if the styles are
        not kept apart but blended.
    styles : one per style picture, what of it is learned.
    """

    content: np.ndarray | None = None
    regions: tuple[np.ndarray | None, ...] = ()
    styles: tuple[np.ndarray | None, ...] = ()


def load(source: Any, role: str, size: tuple[int, int]) -> np.ndarray | None:
    """A mask from a picture, by its luminance.

    Parameters
    ----------
    source : str, Path, picture or array
        "all" is no mask.
    role : str
        What it is for, for messages.
    size : tuple of two int
        Width and height of the picture that it belongs to. The mask may have another size, but
        not another shape.

    Raises
    ------
    FileError, ArgumentError
        It cannot be read, is black all over, or of another shape.
    """
    if isinstance(source, str) and source == EVERYWHERE:
        return None
    mask = colors.luminance(np.asarray(tensors.load(source, role))) / np.float32(255)
    height, width = mask.shape
    # A pixel of rounding on either side is no difference of shape.
    if abs(width * size[1] - height * size[0]) > max(size) + max(width, height):
        raise ArgumentError(f"the {role} is {width}×{height} pixels and its picture is "
                            f"{size[0]}×{size[1]}, but they must have the same shape")
    if not mask.any():
        raise ArgumentError(f"the {role} is black all over, so nothing would count; white is "
                            f"where it applies")
    return mask.astype(np.float32)


def reduced(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask in another size: each position is the mean of what it covers."""
    resized = Image.fromarray(mask).resize((width, height), Image.Resampling.BOX)
    return np.asarray(resized).clip(0, 1)


def sqrt_mask(mask: np.ndarray, height: int, width: int, device: str) -> Tensor:
    """What features of a layer are multiplied by: √mask, 1×1×height×width."""
    return Tensor(np.sqrt(reduced(mask, height, width))[None, None], device=device)
