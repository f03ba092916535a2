"""The colour of a PNG that is transparent, which its chunk tRNS states in the bits of its samples.

Pillow makes 8 bits of samples of 2, 4 and, in colours, 16 bits, but leaves that colour as it is. So
it found no pixel of it in a grey picture, and in one of 16 bits the wrong ones: those whose upper
bytes are the lower ones of the colour.

References
----------
PNG specification, third edition, section 11.3.1.1: tRNS transparency.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from nst.pictures.bands import by_bands
from nst.pictures.bounded import BoundedFile

_GREYS = {"L;2": 2, "L;4": 4, "L": 8}       # Pillow's name of the samples -> their bits
_COLORS = "RGB"
_UPPER_BYTES, _LOWER_BYTES = "RGB;16B", "RGB;16L"       # what Pillow keeps of 16 bits


def samples_of(image: Image.Image) -> str:
    """Pillow's name of the samples of a PNG that is not decoded yet; "" if there is none."""
    for _, _, _, samples in getattr(image, "tile", ()):
        return samples if isinstance(samples, str) else ""
    return ""


def settle(image: Image.Image, samples: str, path: Path) -> None:
    """State the transparent colour of a decoded PNG in 8 bits, or put it into an alpha channel.

    Parameters
    ----------
    samples : str
        As `samples_of` found them before.
    path : Path
        The file, which is decoded once more if it has colours of 16 bits.
    """
    color = image.info.get("transparency")
    if color is None:
        return
    if samples in _GREYS:
        top = (1 << _GREYS[samples]) - 1    # bits beyond those of the samples do not count
        image.info["transparency"] = (color & top) * 255 // top
    elif samples == _COLORS:
        image.info["transparency"] = tuple(value & 255 for value in color)
    elif samples == _UPPER_BYTES:
        with BoundedFile(path) as file, Image.open(file, formats=["PNG"]) as lower:
            lower.tile = [lower.tile[0]._replace(args=_LOWER_BYTES)]
            lower.load()
            alpha = by_bands(partial(_alpha, color), np.asarray(image), np.asarray(lower))
        del image.info["transparency"]
        image.putalpha(Image.fromarray(alpha))


def _alpha(clear: tuple[int, int, int], upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """255 for other colours; the bytes of the samples are apart."""
    differs = np.zeros(upper.shape[:2], np.uint8)
    for number, value in enumerate(clear):
        differs |= (upper[..., number] ^ value >> 8) | (lower[..., number] ^ value & 255)
    return (differs != 0) * np.uint8(255)
