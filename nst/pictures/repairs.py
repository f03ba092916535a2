"""Handling of picture files beyond their decoder: gamma, a missing end, and raw photographs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from nst.pictures.bounded import BoundedFile, jpeg_pixels, jpeg_scans
from nst.pictures.directory import is_misread, is_tiff
from nst.pictures.picture import Picture, from_samples

SCREEN = 1 / 2.2            # gAMA of a picture for screens
NEAR = 0.05                 # a relative difference that PNG decoders leave alone
# Rows of a JPEG that may be incomplete: one row of blocks, which colours are interpolated from.
LAST_ROWS = 18
MAX_SCANNED = 1_000_000_000     # pixels of all scans, because the file is decoded three times
_END = b"\xff\xd9"          # marker at the end of a JPEG
# Tags of TIFF: a smaller copy of another page, further pages inside, and the version of DNG.
_SUBFILE, _INNER_PAGES, _DNG = 254, 330, 50706
RAW_BEGINNINGS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")


def on_screen(picture: Picture, gamma: float) -> Picture:
    """The picture of a PNG whose samples are light to the power of `gamma` (chunk gAMA).

    References
    ----------
    PNG specification, third edition, section 13.13: decoder gamma handling.
    """
    exponent = SCREEN / gamma
    if abs(exponent - 1) <= NEAR:
        return picture

    def seen(band: np.ndarray) -> np.ndarray:
        return (np.asarray(band, np.float32) / 255) ** np.float32(exponent)

    return Picture(from_samples(picture.pixels, 1, seen), picture.alpha)


def completed(path: Path) -> Image.Image | None:
    """A JPEG that lacks its last bytes; None if more than a row of blocks is missing.

    None also if the JPEG has so many pixels and scans that this would take too long.

    The decoder's output for missing data depends on the filler in its place, so two decodings with
    different fillers show which rows are missing.
    """
    data = path.read_bytes()
    if (not data.startswith(b"\xff\xd8")
            or jpeg_scans(data) * jpeg_pixels(data) > MAX_SCANNED):
        return None
    images = []
    for filler in (b"", bytes(range(1, 251)) * 8):
        image = Image.open(io.BytesIO(data + filler + _END), formats=["JPEG"])
        image.load()
        images.append(image)
    first, second = (np.asarray(image) for image in images)
    return images[0] if np.array_equal(first[:-LAST_ROWS], second[:-LAST_ROWS]) else None


def is_raw(path: Path) -> bool:
    """Whether the file is a raw photograph, of which only a thumbnail could be read."""
    with open(path, "rb") as file:
        head = file.read(16)
    if head.startswith(RAW_BEGINNINGS) or head[4:11] == b"ftypcrx":
        return True
    if not is_tiff(path) or is_misread(path):
        return False
    if head[8:10] == b"CR":             # Canon's CR2
        return True
    try:
        with BoundedFile(path) as file, Image.open(file, formats=["TIFF"]) as image:
            tags = image.tag_v2         # type: ignore[attr-defined]
            return _DNG in tags or (tags.get(_SUBFILE) == 1 and _INNER_PAGES in tags)
    except UnidentifiedImageError:      # tifffile may read it
        return False
