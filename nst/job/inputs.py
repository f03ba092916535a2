"""The pictures and masks of a style transfer, read, checked and scaled before the work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from nst.config.settings import DEFAULT_SIZE, INITS, Settings
from nst.job import estimate
from nst.optimize import scales
from nst.pictures import colors, masks, tensors
from nst.pictures.masks import Masks
from nst.pictures.picture import Picture, fitted


@dataclass(frozen=True)
class Inputs:
    """What goes into a run, at full size.

    Attributes
    ----------
    content : Picture or None
        None for a texture whose size no picture says.
    styles : tuple of Picture
        Empty if the style has no weight and none was given.
    initial : Picture or None
        Where to start; None is noise.
    masks : Masks
        In the sizes of their files.
    size : tuple of two int
        Width and height of the result.
    """

    content: Picture | None
    styles: tuple[Picture, ...]
    initial: Picture | None
    masks: Masks
    size: tuple[int, int]

    def reduced(self, factor: float) -> Inputs:
        """The same for a scale at which all sides are ``factor`` times as long."""
        def shrunk(picture: Picture | None) -> Picture | None:
            return picture and picture.resized(scales.reduced(picture.size, factor))

        return Inputs(shrunk(self.content), tuple(map(shrunk, self.styles)), shrunk(self.initial),
                      self.masks, scales.reduced(self.size, factor))


def load(content: Any, style: Any, settings: Settings) -> Inputs:
    """Read and check everything.

    Parameters
    ----------
    content : str, Path, picture or array, or None
        None if content has no weight.
    style : likewise, or a list or tuple of several
        None if style has no weight.

    Raises
    ------
    FileError, ArgumentError
        Something is missing, cannot be read, is too small, or does not go with the rest.
    """
    several = style if isinstance(style, (list, tuple)) else [] if style is None else [style]
    _demand(content, several, settings)
    photo = None if content is None else tensors.load(content, "content")
    paintings = [tensors.load(one, "style") for one in several]
    first = photo or paintings[0]
    side = settings.size or min(DEFAULT_SIZE, max(first.size))
    size = settings.canvas or fitted(first.size, side)
    style_sizes = [fitted(one.size, max(1, round(side * settings.style_scale)))
                   for one in paintings]
    estimate.check_pictures([size, *style_sizes], settings)
    photo = photo and photo.resized(size)
    paintings = [one.resized(wanted) for one, wanted in zip(paintings, style_sizes)]
    paintings = _recolored(paintings, photo, settings)
    _check_sizes(photo, content, paintings, several, size, settings)
    return Inputs(photo, tuple(paintings), _initial(photo, paintings, size, settings),
                  _load_masks(paintings, size, settings), size)


def _demand(content: Any, styles: Sequence[Any], settings: Settings) -> None:
    """Is everything there that the settings speak of?"""
    if content is None and settings.content_weight:
        raise ArgumentError("there is no content picture, but content-weight is "
                            f"{settings.content_weight:g}; give one, or set the weight to 0 for a "
                            "texture")
    if not styles and settings.style_weight:
        raise ArgumentError("there is no style picture, but style-weight is "
                            f"{settings.style_weight:g}; give one, or set the weight to 0 to bring "
                            "back the content")
    if content is None and settings.colors != "style":
        raise ArgumentError(f"colors is {settings.colors}, which takes the colours of the content "
                            f"picture, but there is none; give one, or choose style")
    for name, wanted in (("blend", settings.blend), ("region-masks", settings.region_masks),
                         ("style-masks", settings.style_masks)):
        if wanted is not None and len(wanted) != len(styles):
            raise ArgumentError(f"{name} has {len(wanted)} entries, but there are {len(styles)} "
                                f"style pictures; give one for each")


def _recolored(styles: list[Picture], content: Picture | None, settings: Settings
               ) -> list[Picture]:
    """With ``colors="affine"`` the style pictures get the content's colours."""
    if settings.colors != "affine":
        return styles
    wanted = np.asarray(content)
    return [Picture(colors.match_affine(np.asarray(one), wanted)) for one in styles]


def _check_sizes(photo: Picture | None, content: Any, paintings: Sequence[Picture],
                 styles: Sequence[Any], size: tuple[int, int], settings: Settings) -> None:
    if photo is not None:
        tensors.check_size(photo, content, "content", settings.layers)
    else:
        canvas = Picture(np.broadcast_to(np.uint8(0), (size[1], size[0], 3)))
        tensors.check_size(canvas, None, "painted", settings.layers)
    if settings.style_weight:
        for painting, style in zip(paintings, styles):
            tensors.check_size(painting, style, "style", set(settings.style_layers))


def _initial(content: Picture | None, styles: Sequence[Picture], size: tuple[int, int],
             settings: Settings) -> Picture | None:
    start = settings.start
    if not (isinstance(start, str) and start in INITS):
        return tensors.load(start, "initial").resized(size)
    if start == "random":
        return None
    found = content if start == "content" else next(iter(styles), None)
    if found is None:
        raise ArgumentError(f"init is {start}, but there is no {start} picture; give one, or "
                            f"start from random")
    return found.resized(size)


def _load_masks(styles: Sequence[Picture], size: tuple[int, int], settings: Settings) -> Masks:
    content = settings.content_mask
    return Masks(
        content=None if content is None else masks.load(content, "content mask", size),
        regions=tuple(masks.load(one, "region mask", size)
                      for one in settings.region_masks or ()),
        styles=tuple(masks.load(one, "style mask", style.size)
                     for one, style in zip(settings.style_masks or (), styles)))


def shortest_side(inputs: Inputs, settings: Settings) -> int:
    """Of all pictures that the network is to see, in pixels."""
    seen = [inputs.size] + [style.size for style in inputs.styles if settings.style_weight]
    return min(min(size) for size in seen)
