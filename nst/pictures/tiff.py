"""TIFF files of more than 8 bits per colour, through `tifffile` (the extra "tiff").

Pillow reads and writes TIFF too, but with 8 bits per colour only.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from minigrad.errors import ArgumentError
from nst.pictures import directory, metadata, one_page, profiles, segments
from nst.pictures.bands import bands, by_bands
from nst.pictures.bounded import MAX_SCANNED, check_scanned, jpeg_scans
from nst.pictures.picture import Picture, from_planes, from_samples, with_alpha

_GREY_INVERTED, _GREY, _RGB, _INKS = 0, 1, 2, 5             # photometric interpretation
_INK_SET, _CMYK = 332, 1                                    # tag, and its value
_PREMULTIPLIED, _STRAIGHT = 1, 2                            # kinds of extra samples
_PLANES = 2                                                 # each colour by itself
_WIDTH, _HEIGHT, _ROWS, _TILE_SIDES = 256, 257, 278, (322, 323)     # tags
_COMPRESSION, _PLACES = 259, ((273, 279), (324, 325))
_BITS, _PHOTOMETRIC, _FORMAT, _UNSIGNED = 258, 262, 339, 1
_JPEG, _MAX_JPEG_SCANS = 7, 100         # of a strip or tile; libtiff reads no more
# EXIF orientation -> function that turns an array upright; 1 is upright already.
_UPRIGHT = {
    2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: np.rot90(a),
}


class MissingCodecError(ValueError):
    """tifffile cannot decompress a file without the package imagecodecs."""


def available() -> ModuleType | None:
    """The package `tifffile`; None if it is not installed."""
    try:
        import tifffile
    except ImportError:
        return None
    return tifffile


def read_deep(path: Path, check_pixels: Callable[[int, int], None],
              min_bytes: int = 2) -> Picture | None:
    """A grey or RGB TIFF of 9 to 64 bits; None for other files, which Pillow reads.

    One of 8 bits in planes is read if it has transparency, which Pillow confuses with colours.

    Parameters
    ----------
    check_pixels : callable
        Gets the number of pixels, and of decoded bytes over 3, and raises if they are too many.
    min_bytes : int, optional
        Of a sample in memory; 1 includes pictures that Pillow does not know, of 8 bits or in CMYK.

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
    with one_page.opened(path) as stream, tifffile.TiffFile(stream) as file:
        page = file.pages[0]
        if not _is_deep(page, min_bytes):
            return None
        if max(page.databytecounts, default=0) > path.stat().st_size:
            raise ValueError("a strip of it is longer than the file")    # or it is allocated first
        directory.check_segments(page.chunked, (1,) * len(page.chunked))
        stored = prod(page.chunked) * prod(page.chunks) * page.dtype.itemsize     # at the edges too
        check_pixels(page.imagewidth * page.imagelength * page.imagedepth,
                     max(page.nbytes, stored) // 3)
        segments.decode_within_bounds(page)
        return _picture(_to_uint16(_samples_last(page), page.bitspersample), page)


def check_opened(image: Image.Image, check_pixels: Callable[[int], None]) -> None:
    """Check the strips or tiles of a TIFF that Pillow opened, before libtiff allocates one.

    Parameters
    ----------
    check_pixels : callable
        Gets the pixels of a tile, and raises if they are too many.

    Raises
    ------
    DecompressionBombError
        `check_pixels` rejects a tile.
    ValueError
        There are too many.
    """
    tags = image.tag_v2         # type: ignore[attr-defined]
    width, height = tags[_WIDTH], tags[_HEIGHT]      # of the rows, before the picture is turned
    sides = tuple(tags.get(tag) for tag in _TILE_SIDES)
    if any(sides):
        sides = tuple(side if isinstance(side, int) else 1 for side in sides)
        check_pixels(prod(sides))
    else:
        rows = tags.get(_ROWS)
        sides = width, rows if isinstance(rows, int) else height
    directory.check_segments((width, height), sides)
    if tags.get(_COMPRESSION) == _JPEG and width * height * _MAX_JPEG_SCANS > MAX_SCANNED:
        for places, lengths in _PLACES:
            extents = Counter(zip(tags.get(places, ()), tags.get(lengths, ())))
            _check_scans(image, extents, prod(sides))


def _check_scans(image: Image.Image, extents: Mapping[tuple[int, int], int], pixels: int) -> None:
    """Check the scans of all strips or tiles; some are at the same place, and are read again."""
    scanned = 0
    for (place, length), times in extents.items():
        image.fp.seek(place)                            # type: ignore[attr-defined]
        data = image.fp.read(length)                    # type: ignore[attr-defined]
        scanned += jpeg_scans(data) * times * pixels
        check_scanned(scanned)


def _decoded(page: Any) -> np.ndarray:
    try:
        return page.asarray()
    # ImportError: a module of newer Pythons; NotImplementedError: unusual samples.
    except (ImportError, NotImplementedError, ValueError) as error:
        if not isinstance(error, ImportError) and "imagecodecs" not in str(error):
            raise
        name = getattr(page.compression, "name", page.compression)
        what = (f"samples of {page.bitspersample} bits need"
                if isinstance(error, NotImplementedError) else f"compression {name} needs")
        raise MissingCodecError(f"its {what} the package imagecodecs; run `pip install "
                                f"imagecodecs`, or save it in another way") from None


def _is_deep(page: Any, min_bytes: int) -> bool:
    if page.dtype is None or page.dtype.kind not in "uf":
        return False
    if page.photometric == _INKS:
        return min_bytes == 1 and page.tags.valueof(_INK_SET, default=_CMYK) == _CMYK
    is_confused = page.planarconfig == _PLANES and bool(_transparency(page))
    return (page.photometric in (_GREY_INVERTED, _GREY, _RGB)
            and (page.dtype.itemsize >= min_bytes or is_confused))


def _transparency(page: Any) -> dict[int, int]:
    """Numbers of the further samples that are an opacity -> its kind."""
    return {number: kind for number, kind in enumerate(map(int, page.extrasamples))
            if kind in (_PREMULTIPLIED, _STRAIGHT)}


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


def _to_uint16(samples: np.ndarray, bits: Any) -> np.ndarray:
    """Samples, integers of any number of bits or floats 0-1, as uint16."""
    # tifffile widens samples of several numbers of bits by itself.
    is_narrow = isinstance(bits, int) and bits < 8 * samples.dtype.itemsize
    if samples.dtype == np.uint16:
        if not is_narrow:
            return samples
        table = np.round(np.linspace(0, 65535, 1 << bits)).astype(np.uint16)
        return by_bands(lambda band: table[band.clip(max=len(table) - 1)], samples)
    top = (1.0 if samples.dtype.kind == "f" else float((1 << bits) - 1) if is_narrow
           else float(np.iinfo(samples.dtype).max))
    low, high = samples.min(), samples.max()
    if not (low >= 0 and high <= top):
        raise ValueError(f"it contains floats from {low:g} to {high:g}, but 0 is black and 1 white")

    def to_words(band: np.ndarray) -> np.ndarray:
        if band.dtype.kind == "f":          # half floats end at 65504
            band = band.astype(np.float32)
        return np.round(band * (65535 / top)).astype(np.uint16)

    return by_bands(to_words, samples)


def _picture(words: np.ndarray, page: Any) -> Picture:
    colors = {_RGB: 3, _INKS: 4}.get(page.photometric, 1)
    found = words[..., :colors]
    if page.photometric == _GREY_INVERTED:
        found = by_bands(lambda band: 65535 - band, found)
    kinds = _transparency(page)
    if not kinds:
        return Picture(_pixels(found, page.iccprofile))
    first = min(kinds)
    alpha = words[..., colors + first]
    if kinds[first] == _PREMULTIPLIED:
        _divide(found, alpha)
    return with_alpha(_pixels(found, page.iccprofile), from_samples(alpha, 65535))


def _pixels(words: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Grey, RGB or CMYK of 16 bits as RGB in sRGB, 0-255."""
    colors = words.shape[2]
    if colors == 1:
        return from_planes(profiles.grey_to_srgb16(words[..., 0], profile)).pixels
    if colors == 3:
        return profiles.to_srgb16(words, profile)
    inks = by_bands(lambda band: (band >> 8).astype(np.uint8), words)
    image = Image.frombytes("CMYK", (inks.shape[1], inks.shape[0]), inks.tobytes())
    image.info["icc_profile"] = profile
    return np.asarray(profiles.to_srgb(image))


def _divide(words: np.ndarray, alpha: np.ndarray) -> None:
    """Make colours that were multiplied by their opacity what they were before, in place."""
    for band in bands(words.shape):
        share = np.maximum(alpha[band], 1).astype(np.float32) / 65535
        words[band] = np.round(words[band] / share[..., None]).clip(0, 65535)


def grey_samples(samples: np.ndarray, tags: Mapping[int, Any]) -> np.ndarray:
    """The samples of a grey Pillow image of more than 8 bits as 0-65535, or as floats.

    Pillow gives those of a TIFF as they are stored, although they may have 12 or 32 bits, and 0 may
    be white.

    Parameters
    ----------
    samples : array H×W
    tags : mapping
        Those of the TIFF; empty for other files.
    """
    bits = tags.get(_BITS, (16,))[0]
    is_inverted = tags.get(_PHOTOMETRIC) == _GREY_INVERTED
    if samples.dtype.kind == "f":
        return 1 - samples if is_inverted else samples
    if bits != 16 and tags.get(_FORMAT, (_UNSIGNED,))[0] == _UNSIGNED:
        samples = _to_uint16(samples.view(f"u{samples.dtype.itemsize}"), bits)
    samples = samples.clip(0, 65535)
    return 65535 - samples if is_inverted else samples


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
