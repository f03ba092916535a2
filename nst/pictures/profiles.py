"""Colour profiles: conversion of pictures to sRGB, and the profile of written files.

Where Pillow was built without littleCMS, as in WebAssembly, all colours are treated as sRGB.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageCms, features

from nst.pictures import icc
from nst.pictures.picture import Picture, from_samples

# Creation time within an ICC header. littleCMS writes the current time, and two runs would write
# different files.
_DATE = slice(24, 36)
_FIXED_DATE = b"\x07\xd0\x00\x01\x00\x01" + bytes(6)


@cache
def _can_convert() -> bool:
    return bool(features.check("littlecms2"))


@cache
def srgb() -> bytes | None:
    """The sRGB profile that is written into every picture; None without littleCMS."""
    if not _can_convert():
        return None
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = _FIXED_DATE
    return bytes(profile)


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a Pillow image of any 8-bit mode to RGB or RGBA, in sRGB.

    A profile that is damaged or belongs to another mode is ignored, as in picture viewers.
    """
    if image.mode == "La":                  # which Pillow converts only to this
        image = image.convert("LA")
    alpha = None
    if _has_alpha(image):
        alpha = image.convert("RGBA").getchannel("A")
    colors = _without_alpha(image)
    profile = image.info.get("icc_profile")
    converted = _converted(colors, profile) if profile or colors.mode == "LAB" else None
    result = colors.convert("RGB") if converted is None else converted
    if alpha is not None:
        result.putalpha(alpha)
    return result


def to_srgb16(words: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Convert colours of 16 bits to sRGB, as float32 0-255.

    littleCMS converts 16 bits through `imagecodecs`. Without that package, a picture with another
    profile is converted in 8 bits.

    Parameters
    ----------
    words : array H×W×3, uint16
    profile : bytes, optional
        ICC profile of the file.
    """
    if not profile or not _can_convert() or _is_srgb(profile):
        return from_samples(words, 65535)
    try:
        import imagecodecs
        converted = imagecodecs.cms_transform(np.ascontiguousarray(words),
                                              icc.for_conversion(profile), srgb(),
                                              colorspace="rgb", outcolorspace="rgb")
        return from_samples(converted, 65535)
    except (ImportError, ValueError, RuntimeError):     # not installed, or the profile is rejected
        image = Picture(from_samples(words, 65535)).image()
        return np.asarray(_converted(image, profile) or image).astype(np.float32)


def grey_to_srgb16(words: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Convert greys of 16 bits (0-65535) to sRGB, 0-255 as in `from_samples`.

    The profile is applied to the 256 greys of 8 bits, and those between are interpolated.
    """
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted = _converted(ramp, profile) if profile else None
    if converted is None:
        return from_samples(words, 65535)
    greys = np.asarray(converted.convert("L"), np.float32)[0]
    return from_samples(words, 255, lambda band: np.interp(band / 257, np.arange(256), greys))


def _has_alpha(image: Image.Image) -> bool:
    """Whether an image has transparency: a channel, a transparent colour, or that of a palette."""
    return (image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info
            or (image.palette is not None and image.palette.mode == "RGBA"))


def _without_alpha(image: Image.Image) -> Image.Image:
    """The image in a mode that colour profiles support."""
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    if image.mode in ("1", "LA"):
        return image.convert("L")
    if image.mode in ("PA", "RGBa"):
        image = image.convert("RGBA")
    return image.convert("RGB")


def _converted(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """The image in sRGB; None if it is in sRGB already or the profile is unusable."""
    if not _can_convert():
        return None
    if profile and image.mode == "RGB" and _is_srgb(profile):
        return None
    try:
        return ImageCms.applyTransform(image, _transform(profile, image.mode))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _is_srgb(profile: bytes) -> bool:
    """Whether the profile changes no colour, regardless of its name."""
    levels = np.arange(0, 256, 51, dtype=np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(6, 36, 3)
    try:
        converted = ImageCms.applyTransform(Image.fromarray(probe), _transform(profile, "RGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return True
    return np.abs(np.asarray(converted, int) - probe).max() <= 1


def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform:
    source = (ImageCms.ImageCmsProfile(io.BytesIO(icc.for_conversion(profile))) if profile
              else ImageCms.createProfile("LAB"))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
