"""The pictures and masks of a style transfer: read, checked and scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.kernels import parallel
from nst.config.choices import INITS
from nst.config.settings import DEFAULT_SIZE, Settings
from nst.config.validators import EVERYWHERE
from nst.optimize import scales
from nst.pictures import colors, limits, masks, tensors
from nst.pictures.masks import Masks
from nst.pictures.picture import Picture, fitted


@dataclass(frozen=True)
class Inputs:
    """The inputs of a run, at full size.

    Attributes
    ----------
    content : Picture or None
        None for a texture.
    styles : tuple of Picture
        Empty if the style has weight 0 and there is none.
    initial : Picture or None
        The initial picture; None for noise.
    masks : Masks
        At the size of their files.
    size : tuple of two int
        Width and height of the result.
    note : str
        A change to a picture that its user may not expect; "" if there is none.
    """

    content: Picture | None
    styles: tuple[Picture, ...]
    initial: Picture | None
    masks: Masks
    size: tuple[int, int]
    note: str = ""

    def reduced(self, factor: float) -> Inputs:
        """The inputs at a scale where all sides are multiplied by `factor`.

        Masks and the initial picture, which only the first scale needs, keep their size.
        """
        given = {id(picture): picture for picture in (self.content, *self.styles) if picture}
        found: dict[int, Picture] = {}

        def resize(picture: Picture) -> None:
            found[id(picture)] = picture.resized(scales.reduced(picture.size, factor))

        parallel.run(resize, given.values())
        return replace(self, content=found.get(id(self.content)),
                       styles=tuple(found[id(style)] for style in self.styles),
                       size=scales.reduced(self.size, factor))


def load(content: Any, style: Any, settings: Settings) -> Inputs:
    """Read and check all pictures and masks.

    Parameters
    ----------
    content : str, Path, picture or array, or None
        None if the content has weight 0.
    style : the same, or a list or tuple of several
        None if the style has weight 0.

    Raises
    ------
    FileError, ArgumentError
        An input is missing, unreadable, too small, or does not match the others.
    """
    sources = style if isinstance(style, (list, tuple)) else [] if style is None else [style]
    _check_presence(content, sources, settings)
    photo = None if content is None else tensors.load(content, "content")
    paintings = [tensors.load(source, "style") for source in sources]
    for picture, role in [(photo, "content"), *((painting, "style") for painting in paintings)]:
        _check_visible(picture, role)
    first = photo or paintings[0]
    side = settings.size or min(DEFAULT_SIZE, max(first.size))
    size = settings.canvas or fitted(first.size, side)
    style_sizes = [fitted(painting.size, max(1, round(side * settings.style_scale)))
                   for painting in paintings]
    painted = size[0] + 2 * settings.margin, size[1] + 2 * settings.margin
    limits.check_memory([painted, *style_sizes], settings.max_memory)
    photo = None if photo is None else photo.resized(size)
    paintings = [painting.resized(target) for painting, target in zip(paintings, style_sizes)]
    paintings = _recolored(paintings, photo, settings)
    _check_sizes(photo, content, paintings, sources, size, settings)
    all_masks = _load_masks(paintings, size, settings)
    initial, note = _initial(photo, paintings, all_masks, size, settings)
    return Inputs(photo, tuple(paintings), initial, all_masks, size, note)


def _check_presence(content: Any, styles: Sequence[Any], settings: Settings) -> None:
    """Check that the pictures match the settings."""
    if content is None and settings.content_weight:
        raise ArgumentError("there is no content picture, but content-weight is "
                            f"{settings.content_weight:g}; name one, or set the weight to 0 for a "
                            "texture")
    if not styles and settings.style_weight:
        raise ArgumentError("there is no style picture, but style-weight is "
                            f"{settings.style_weight:g}; name one, or set the weight to 0 to "
                            "reconstruct the content")
    if content is None and settings.colors != "style":
        raise ArgumentError(f"colors is {settings.colors}, which needs the colours of a content "
                            f"picture, but there is none; name one, or choose style")
    for name, entries in (("blend", settings.blend), ("region-masks", settings.region_masks),
                          ("style-masks", settings.style_masks)):
        if entries is not None and len(entries) != len(styles):
            raise ArgumentError(f"{name} has {_counted(len(entries), 'entry', 'entries')}, but "
                                f"there {'is' if len(styles) == 1 else 'are'} "
                                f"{_counted(len(styles), 'style picture', 'style pictures')}; give "
                                f"one entry for each")
    if settings.guided and len(styles) != 1:
        raise ArgumentError(f"regions is {settings.regions}, which are found in one style picture, "
                            f"but there are {len(styles)}; give one, or leave regions out")


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _check_visible(picture: Picture | None, role: str) -> None:
    if picture is not None and picture.alpha is not None and not (picture.alpha > 0).any():
        raise ArgumentError(f"the {role} picture is completely transparent, so there is nothing to "
                            f"see; remove its transparency, or name another")


def _recolored(styles: list[Picture], content: Picture | None, settings: Settings
               ) -> list[Picture]:
    """The style pictures, with the content's colours if `colors` is "affine"."""
    if settings.colors != "affine":
        return styles
    assert content is not None          # `_check_presence`
    reference = colors_under(content, _visible(content))
    return [Picture(colors.match_affine(np.asarray(style), reference,
                                        colors_under(style, _visible(style))), style.alpha)
            for style in styles]


def _visible(picture: Picture) -> np.ndarray | None:
    """The transparency of a picture as a mask; None if it is opaque."""
    return None if picture.alpha is None else np.asarray(picture.alpha, np.float32) / 255


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


def _initial(content: Picture | None, styles: Sequence[Picture], all_masks: Masks,
             size: tuple[int, int], settings: Settings) -> tuple[Picture | None, str]:
    """The initial picture, and a note about it."""
    start = settings.start
    if not (isinstance(start, str) and start in INITS):
        whole = tensors.load(start, "initial")
        part = _cropped(whole, size)
        note = "" if part is whole else (
            f"the initial picture is {whole.width}×{whole.height} pixels, which is not the "
            f"shape of {size[0]}×{size[1]}, so only its middle is used")
        return part.resized(size), note
    if start == "random":
        return None, ""
    if start == "recolored" and content is not None and styles:
        return _recolored_content(content, styles, all_masks, settings), ""
    picture = content if start in ("content", "recolored") else next(iter(styles), None)
    if picture is None:
        raise ArgumentError(f"init is {start}, but there is no {start} picture; name one, or "
                            f"start from random")
    return picture.resized(size), ""


def _cropped(picture: Picture, shape: tuple[int, int]) -> Picture:
    """The middle of a picture, in the shape (width : height) of another; rounding is ignored."""
    width, height = picture.size
    across = min(width, height * shape[0] / shape[1])
    down = min(height, width * shape[1] / shape[0])
    if width - across <= 1 + width / max(shape) and height - down <= 1 + height / max(shape):
        return picture
    left, top = int((width - across) / 2), int((height - down) / 2)
    part = slice(top, top + max(1, round(down))), slice(left, left + max(1, round(across)))
    return Picture(picture.pixels[part], None if picture.alpha is None else picture.alpha[part])


def _recolored_content(content: Picture, styles: Sequence[Picture], all_masks: Masks,
                       settings: Settings) -> Picture:
    """The content with the mean and covariance of the colours of the blended styles.

    A region gets the colours of its own style, and pixels in no region keep theirs.
    """
    pixels = np.asarray(content, np.float32)
    seen = colors_under(content, _visible(content))
    recolored = [colors.match_affine(pixels, colors_under(style, mask), seen) for style, mask
                 in zip(styles, all_masks.styles or [None] * len(styles))]
    if not all_masks.regions:
        return Picture(np.sum([np.float32(share) * picture for share, picture in zip(
            settings.shares(len(styles)), recolored)], axis=0))
    height, width = pixels.shape[:2]
    weights = [np.ones((height, width), np.float32) if mask is None
               else masks.reduced(mask, height, width) for mask in all_masks.regions]
    weights.append((1 - np.sum(weights, axis=0)).clip(0, 1))
    total = np.sum(weights, axis=0)
    return Picture(np.sum([(weight / total)[..., None] * picture for weight, picture
                           in zip(weights, [*recolored, pixels])], axis=0))


def colors_under(picture: Picture, mask: np.ndarray | None) -> np.ndarray:
    """The colours of a picture under a mask, n×1×3; all of them, H×W×3, if there is none."""
    pixels = np.asarray(picture, np.float32)
    if mask is None:
        return pixels
    height, width = pixels.shape[:2]
    covered = masks.reduced(mask, height, width) > 0.5
    return pixels[covered][:, None] if covered.any() else pixels


def _load_masks(styles: Sequence[Picture], size: tuple[int, int], settings: Settings) -> Masks:
    return Masks(
        content=_load_mask(settings.content_mask, "content mask", size),
        regions=tuple(_load_mask(mask, "region mask", size)
                      for mask in settings.region_masks or ()),
        styles=_style_masks(styles, settings))


def _style_masks(styles: Sequence[Picture], settings: Settings
                 ) -> tuple[np.ndarray | None, ...]:
    """The masks of the styles: those of the settings, and their transparency."""
    if settings.style_masks is None and all(style.alpha is None for style in styles):
        return ()
    found = []
    for source, style in zip(settings.style_masks or (None,) * len(styles), styles):
        mask = _load_mask(source, "style mask", style.size)
        visible = _visible(style)
        if visible is not None:
            mask = visible if mask is None else visible * masks.reduced(mask, *visible.shape)
            if not mask.any():
                raise ArgumentError("the style mask is white only where the style picture is "
                                    "transparent, so nothing would count; make it white elsewhere")
        found.append(mask)
    return tuple(found)


def _load_mask(source: Any, role: str, size: tuple[int, int]) -> np.ndarray | None:
    """A mask; None if it includes the whole picture."""
    if source is None or (isinstance(source, str) and source == EVERYWHERE):
        return None
    return masks.load(source, role, size)


def shortest_side(inputs: Inputs, settings: Settings) -> int:
    """The shortest side over all pictures that the network evaluates, in pixels."""
    sizes = [inputs.size] + [style.size for style in inputs.styles if settings.style_weight]
    return min(min(size) for size in sizes)
