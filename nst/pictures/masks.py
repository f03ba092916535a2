"""Soft masks, from 0 (black, excluded) to 1 (white, included).

A layer of the network is smaller than the picture, so a mask is averaged over the pixels of each
position. Losses are sums of squares and of products of two features. Features are multiplied by the
square root of the mask, so the mask is the weight in these sums.

References
----------
Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (2017), section 3.1: guided Gram matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from minigrad import Tensor
from minigrad.errors import ArgumentError
from nst.pictures import colors, tensors
from nst.pictures.margin import mirrored


@dataclass(frozen=True)
class Masks:
    """The masks of one style transfer, each H×W of float32, or None for everywhere.

    Attributes
    ----------
    content : array or None
        Where the content counts.
    regions : tuple of array or None
        One per style picture: its region in the result. Empty if the styles are blended.
    styles : tuple of array or None
        One per style picture: the part of it that counts.
    """

    content: np.ndarray | None = None
    regions: tuple[np.ndarray | None, ...] = ()
    styles: tuple[np.ndarray | None, ...] = ()


def load(source: Any, role: str, size: tuple[int, int]) -> np.ndarray:
    """The luminance of a picture as a mask. Transparent pixels count as black.

    Parameters
    ----------
    source : str, Path, picture or array
    role : str
        The purpose of the mask, for messages.
    size : tuple of two int
        Width and height of the picture that the mask belongs to. The mask may have another size,
        but not another shape.

    Raises
    ------
    FileError, ArgumentError
        The mask cannot be read, is black, or has another shape.
    """
    picture = tensors.load(source, role)
    mask = colors.luminance(np.asarray(picture)) / np.float32(255)
    if picture.alpha is not None:
        mask = mask * (picture.alpha / np.float32(255))
    height, width = mask.shape
    # Rounding may change a side by a pixel.
    if abs(width * size[1] - height * size[0]) > max(size) + max(width, height):
        raise ArgumentError(f"the {role} is {width}×{height} pixels and its picture is "
                            f"{size[0]}×{size[1]}, scaled for this run, but both must have the "
                            f"same shape")
    if not mask.any():
        raise ArgumentError(f"the {role} is completely black or transparent, so nothing would "
                            f"count; make it white where it applies")
    return mask.astype(np.float32)


def reduced(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask in a smaller size; each position is the mean of the pixels under it."""
    resized = Image.fromarray(mask).resize((width, height), Image.Resampling.BOX)
    return np.asarray(resized).clip(0, 1)


def with_margin(masks: Masks, size: tuple[int, int], margin: int, border: int) -> Masks:
    """The masks for a picture of some width and height with a mirrored margin.

    The content counts in all of the margin, the style not in its outermost `border` pixels, which
    the masks of the regions do not cover.
    """
    def extended(mask: np.ndarray | None, width: int) -> np.ndarray | None:
        if mask is None or not width:
            return mask
        return np.ascontiguousarray(mirrored(reduced(mask, size[1], size[0]), width, (0, 1)))

    return replace(masks, content=extended(masks.content, margin),
                   regions=tuple(extended(mask, margin - border) for mask in masks.regions))


def of_layer(mask: np.ndarray, height: int, width: int, device: str) -> Tensor:
    """The weights of a layer's positions, 1×1×height×width."""
    return Tensor(reduced(mask, height, width)[None, None], device=device)


def sqrt_mask(mask: np.ndarray, height: int, width: int, device: str) -> Tensor:
    """√mask, the factor of a layer's features, 1×1×height×width."""
    return of_layer(mask, height, width, device).sqrt()
