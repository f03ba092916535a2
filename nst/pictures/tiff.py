"""TIFF files of more than 8 bits per colour, through `tifffile` (the extra "tiff").

Pillow reads and writes TIFF too, but with 8 bits per colour only.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from nst.pictures import metadata, profiles
from nst.pictures.picture import Picture, from_planes, from_samples, with_alpha

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")       # the last two: BigTIFF

_GREY_INVERTED, _GREY, _RGB = 0, 1, 2                       # photometric interpretation
_PREMULTIPLIED, _STRAIGHT = 1, 2                            # kinds of extra samples
# EXIF orientation -> function that turns an array upright; 1 is upright already.
_UPRIGHT = {
    2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a),
}


# Bytes of a value of each type, where it is more than one.
_TYPE_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
MAX_ENTRIES = 5000          # of a directory; tifffile reads fewer
# Strips and tiles; tifffile takes 190 bytes and 2 µs for each, also for those that a file lacks.
MAX_SEGMENTS = 1_000_000


class MissingCodecError(ValueError):
    """tifffile cannot decompress a file without the package imagecodecs."""


def available() -> ModuleType | None:
    """The package `tifffile`; None if it is not installed."""
    try:
        import tifffile
    except ImportError:
        return None
    return tifffile


def read_deep(path: Path, check_pixels: Callable[[int, int], None]) -> Picture | None:
    """A grey or RGB TIFF of 16 or 32 bits; None for other files, which Pillow reads.

    Parameters
    ----------
    check_pixels : callable
        Gets the number of pixels, and of decoded bytes over 3, and raises if they are too many.

    Raises
    ------
    DecompressionBombError
        `check_pixels` rejects the picture.
    MissingCodecError
        Its compression needs the package imagecodecs.
    ValueError
        The file is damaged, has an unknown compression, or contains floats outside 0-1.
    """
    tifffile = available()
    if tifffile is None:
        return None
    _check_entries(path)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if not _is_deep(page):
            return None
        if max(page.databytecounts, default=0) > path.stat().st_size:
            raise ValueError("a strip of it is longer than the file")    # or it is allocated first
        segments = prod(page.chunked)
        if segments > MAX_SEGMENTS:
            raise ValueError(f"it states {segments:,} strips or tiles, but may have "
                             f"{MAX_SEGMENTS:,}; save it again")
        check_pixels(page.imagewidth * page.imagelength * page.imagedepth, page.nbytes // 3)
        return _picture(_to_uint16(_samples_last(page)), page)


def _check_entries(path: Path) -> None:
    """Check that no entry of the first directory is longer than the file.

    tifffile allocates the memory that an entry states before it reads it. Other damage is left to
    tifffile.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(16).ljust(16, b"\0")
        order = "<" if head[:2] == b"II" else ">"
        is_big = 43 in head[2:4]
        start, count, entry = ("8xQ", "Q", "HHQ8x") if is_big else ("4xI8x", "H", "HHI4x")
        (offset,) = struct.unpack(order + start, head)
        file.seek(min(offset, size))
        counted = file.read(struct.calcsize(order + count))
        if len(counted) < struct.calcsize(order + count):
            return
        (entries,) = struct.unpack(order + count, counted)
        width = struct.calcsize(order + entry)
        data = file.read(min(entries, MAX_ENTRIES) * width)
    for _, kind, values in struct.iter_unpack(order + entry, data[: len(data) // width * width]):
        if values * _TYPE_SIZES.get(kind, 1) > size:
            raise ValueError("an entry of its directory is longer than the file")


def _decoded(page: Any) -> np.ndarray:
    try:
        return page.asarray()
    except (ImportError, ValueError) as error:      # ImportError: a module of newer Pythons
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        name = getattr(page.compression, "name", page.compression)
        raise MissingCodecError(f"its compression {name} needs the package imagecodecs; run `pip "
                                f"install imagecodecs`, or save it with another") from None


def _is_deep(page: Any) -> bool:
    return (page.dtype is not None and page.dtype.kind in "uf" and page.dtype.itemsize > 1
            and page.photometric in (_GREY_INVERTED, _GREY, _RGB))


def _samples_last(page: Any) -> np.ndarray:
    """The samples as H×W×S."""
    samples = _decoded(page)
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    elif page.axes == "YX":
        samples = samples[..., None]
    elif page.axes != "YXS":
        raise ValueError(f"its axes are {page.axes}, not height, width and colours")
    orientation = page.tags.valueof(274, default=1)
    return _UPRIGHT.get(orientation, lambda a: a)(samples)


def _to_uint16(samples: np.ndarray) -> np.ndarray:
    """Samples, integers of any width or floats 0-1, as uint16."""
    if samples.dtype == np.uint16:
        return samples
    top = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max)
    low, high = samples.min(), samples.max()
    if not (low >= 0 and high <= top):
        raise ValueError(f"it contains floats from {low:g} to {high:g}, but 0 is black and 1 white")
    if samples.dtype.kind == "f":           # half floats end at 65504
        samples = samples.astype(np.float32)
    return np.round(samples * (65535 / top)).astype(np.uint16)


def _picture(words: np.ndarray, page: Any) -> Picture:
    if page.photometric == _GREY_INVERTED:
        words = 65535 - words
    colors = 3 if page.photometric == _RGB else 1
    kinds = [int(kind) for kind in page.extrasamples]
    pixels = profiles.to_srgb16(words[..., :3], page.iccprofile) if colors == 3 else \
        from_planes(from_samples(words[..., 0], 65535)).pixels
    if not kinds or kinds[0] not in (_PREMULTIPLIED, _STRAIGHT):
        return Picture(pixels)
    alpha = from_samples(words[..., colors], 65535)
    if kinds[0] == _PREMULTIPLIED:
        share = np.maximum(alpha, 1 / 257)[..., None] / 255
        pixels = (pixels / share).clip(0, 255)
    return with_alpha(pixels, alpha)


def encode(picture: Picture, settings: Mapping[str, Any] | None) -> bytes:
    """The picture as a TIFF of 16 bits with lossless compression.

    Raises
    ------
    ArgumentError
        `tifffile` is not installed.
    """
    tifffile = require_tifffile()
    encoded = io.BytesIO()
    tifffile.imwrite(
        encoded, picture.to_uint16(), photometric="rgb", compression="zlib", predictor=True,
        extrasamples=None if picture.alpha is None else ["unassalpha"],
        iccprofile=profiles.srgb(), software=metadata.SOFTWARE, metadata=None,
        description=metadata.as_text(settings) or None)
    return encoded.getvalue()


def require_tifffile() -> ModuleType:
    """The package `tifffile`.

    Raises
    ------
    ArgumentError
        The package is not installed.
    """
    tifffile = available()
    if tifffile is None:
        raise ArgumentError("TIFF files of 16 bits need the package tifffile; run "
                            "`pip install tifffile`, or use a name that ends in .png")
    return tifffile
