"""A picture in memory: colours and optional transparency.

Pictures of 8 bits stay uint8, so that a photograph of a hundred million pixels fits into memory.
Finer ones (16-bit files, results of the optimiser) are float32 on the same scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minigrad.errors import ArgumentError
from nst.pictures.bands import bands, by_bands

# 65535/255: one step of 8 bits in steps of 16 bits.
STEPS = 257


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright RGB picture in sRGB.

    Attributes
    ----------
    pixels : array, H×W×3
        0-255: uint8, or float32 for more precision.
    alpha : array H×W, optional
        0 (transparent) to 255 (opaque), uint8 or float32; None if the picture is opaque.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    def __repr__(self) -> str:
        transparent = "" if self.alpha is None else ", with transparency"
        return f"Picture({self.width}×{self.height} {self.pixels.dtype}{transparent})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.pixels, dtype=dtype, copy=copy)

    def image(self) -> Image.Image:
        """The picture as an 8-bit Pillow image: RGB, or RGBA if it has transparency."""
        if self.alpha is None:
            return Image.fromarray(_to_uint8(self.pixels))
        return Image.fromarray(np.dstack([_to_uint8(self.pixels), _to_uint8(self.alpha)]))

    def to_uint16(self) -> np.ndarray:
        """The picture as H×W×3 or H×W×4 of uint16, 0-65535."""
        planes = [self.pixels] if self.alpha is None else [self.pixels, self.alpha]
        return np.dstack([by_bands(_to_words, plane) for plane in planes])

    def resized(self, size: tuple[int, int]) -> Picture:
        """The picture scaled to `size` (width, height) in pixels (Lanczos)."""
        if size == self.size:
            return self
        alpha = None if self.alpha is None else _resized(self.alpha, size)
        return Picture(_resized(self.pixels, size), alpha)

    def scaled(self, long_side: int) -> Picture:
        """The picture scaled to a long side of `long_side` pixels, in the same shape (Lanczos)."""
        return self.resized(fitted(self.size, long_side))

    def on_white(self) -> Picture:
        """The picture without transparency, on a white background."""
        if self.alpha is None:
            return self
        share = self.alpha[..., None].astype(np.float32) / 255
        return Picture(self.pixels * share + 255 * (1 - share))


def fitted(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """The size with the same aspect ratio and a long side of `long_side`, at least 1×1."""
    width, height = (max(1, round(side * long_side / max(size))) for side in size)
    return width, height


def from_image(image: Image.Image) -> Picture:
    """A picture from a Pillow image of mode RGB or RGBA.

    Fully transparent pixels have no visible colour, although files store one, usually black. They
    get the mean colour of the rest, so they neither cause a border nor count as a style's colour.
    """
    if image.mode != "RGBA":
        return Picture(np.asarray(image if image.mode == "RGB" else image.convert("RGB")))
    return with_alpha(np.asarray(image.convert("RGB")), np.asarray(image.getchannel("A")))


def with_alpha(pixels: np.ndarray, alpha: np.ndarray) -> Picture:
    """A picture whose fully transparent pixels get the mean colour of the rest."""
    if (alpha >= 255).all():
        return Picture(pixels)
    hidden = alpha <= 0
    if hidden.any() and not hidden.all():
        # einsum converts piece by piece, without a float64 copy of a large picture.
        sums = np.einsum("hwc,hw->c", pixels, alpha, dtype=np.float64)
        mean = sums / alpha.sum(dtype=np.float64)
        color = mean.round().astype(pixels.dtype)
        pixels = by_bands(lambda band, gone: np.where(gone[..., None], color, band),
                          pixels, hidden)
    return Picture(pixels, alpha)


def from_array(array: np.ndarray, role: str) -> Picture:
    """A picture from an array H×W, H×W×3 or H×W×4: integers 0-255, or floats 0-1.

    Parameters
    ----------
    role : str
        The purpose of the picture ("content", "style" …), for messages.

    Raises
    ------
    ArgumentError
        The array has another shape, type or range.
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ArgumentError(f"the {role} picture is an array of shape {array.shape}, but must be "
                            f"height × width, optionally × 3 (RGB) or 4 (RGBA) channels")
    if array.dtype.kind not in "iuf" or not array.size:
        raise ArgumentError(f"the {role} picture is an array of {array.size} elements of type "
                            f"{array.dtype}, but must contain integers 0-255 or floats 0-1")
    top = 1 if array.dtype.kind == "f" else 255
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= top):      # also catches NaN
        raise ArgumentError(f"the {role} picture is an array of {array.dtype} from {low} to "
                            f"{high}, but its values must be in 0-{top}")
    return from_planes(from_samples(array, 1) if top == 1 else array.astype(np.uint8))


def from_samples(samples: np.ndarray, top: int,
                 change: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
    """Values 0-`top` on the scale 0-255, rounded to 16 bits.

    The result is float32, or uint8 if that is lossless: many 16-bit files only use 8 bits.

    Parameters
    ----------
    samples : array H×W or H×W×C
    change : callable, optional
        What makes values 0-`top` of the samples, band by band.
    """
    def to_steps(band: np.ndarray) -> np.ndarray:
        values = band if change is None else change(band)
        return np.round(values * (65535 / top)).clip(0, 65535).astype(np.uint16)

    is_done = change is None and top == 65535 and samples.dtype == np.uint16
    steps = samples if is_done else by_bands(to_steps, samples)
    if not any((steps[band] % STEPS).any() for band in bands(steps.shape)):
        return by_bands(lambda band: (band // STEPS).astype(np.uint8), steps)
    return by_bands(lambda band: band.astype(np.float32) / STEPS, steps)


def from_planes(planes: np.ndarray) -> Picture:
    """A picture from H×W (grey), H×W×2 (grey, alpha), H×W×3 or H×W×4, each 0-255."""
    if planes.ndim == 2:
        planes = planes[..., None]
    channels = planes.shape[2]
    pixels = planes[..., :3] if channels >= 3 else planes[..., :1].repeat(3, axis=2)
    if channels in (2, 4):
        return with_alpha(pixels, planes[..., channels - 1])
    return Picture(np.ascontiguousarray(pixels))


def _resized(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale H×W or H×W×3; floats are clipped, because Lanczos overshoots at edges."""
    if plane.dtype == np.uint8:
        return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS))
    if plane.ndim == 3:
        return np.dstack([_resized(plane[..., c], size) for c in range(3)])
    resized = Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(
        size, Image.Resampling.LANCZOS)
    return np.asarray(resized).clip(0, 255)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    return by_bands(lambda band: band.clip(0, 255).round().astype(np.uint8), values)


def _to_words(values: np.ndarray) -> np.ndarray:
    return np.round(values.astype(np.float64) * STEPS).clip(0, 65535).astype(np.uint16)
