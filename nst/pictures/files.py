"""Read and write picture files."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from minigrad.errors import ArgumentError, FileError
from minigrad.printable import printable
from nst.pictures import (
    avif,
    containers,
    directory,
    metadata,
    plausible,
    profiles,
    repairs,
    tiff,
    transparency,
)
from nst.pictures.bands import by_bands
from nst.pictures.bounded import BoundedFile, webp_pixels
from nst.pictures.picture import Picture, from_image, from_planes, from_samples, with_alpha
from nst.pictures.quiet import silent_libraries
from nst.system.files import write_atomically

# File suffix -> format and options, which lose as little as the format allows at moderate cost.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
}
MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}     # pixels; limits of the formats

# Formats that Pillow may read. EPS is excluded, because it would start another program.
READABLE = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "JPEG2000", "AVIF", "PPM",
            "TGA", "ICO", "PCX", "SGI", "QOI", "PSD")
# Bytes of text and profiles in a PNG, one chunk and all; Pillow refuses the file at 1 and 64 MB.
MAX_TEXT_CHUNK, MAX_TEXT_MEMORY = 32 << 20, 64 << 20

# EXIF orientation -> what turns an image upright; 1 is upright already.
_ORIENTATION = 274
_TURNS = dict(enumerate((
    Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90), 2))

ADDRESSES = ("http:", "https:", "ftp:")         # beginnings

# Files that are not pictures, by their first bytes.
NOT_PICTURES = {
    b"<!DOCTYPE": "a web page", b"<!doctype": "a web page", b"<html": "a web page",
    b"<svg": "an SVG drawing", b"<?xml": "an XML file (an SVG drawing?)", b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document", b"PK\3\4": "a ZIP archive", b"\x89HDF": "an HDF5 file",
}


def read(path: Path, role: str) -> Picture:
    """A picture file: upright, in sRGB, with its transparency.

    Parameters
    ----------
    role : str
        The purpose of the picture ("content", "style" …), for messages.

    Raises
    ------
    FileError
        The file is missing, damaged, not a picture, or a decompression bomb.
    """
    _check_file(path, role)
    try:
        with _silence():
            directory.check_counts(path)
            return _decoded(path)
    except Image.DecompressionBombError as error:
        raise FileError(f"the {role} picture {path} {plausible.in_words(error)}") from None
    except UnidentifiedImageError:
        raise FileError(f"the {role} picture {path} {_describe_file(path)}") from None
    except Exception as error:              # a decoder may raise anything for a damaged file
        raise FileError(f"the {role} picture {path} cannot be read: {_reason(error)}") from None


def read_settings(path: Path) -> dict[str, Any] | None:
    """The settings embedded in a picture file by `write`; None if there are none.

    Raises
    ------
    FileError
        The file is missing or not a picture.
    """
    _check_file(path, "finished")
    try:
        directory.check_counts(path)
        with _silence(), _opened(path) as image:
            return metadata.read_settings(image)
    except Image.DecompressionBombError as error:
        raise FileError(f"the picture {path} {plausible.in_words(error)}") from None
    except UnidentifiedImageError:
        raise FileError(f"the picture {path} {_describe_file(path)}") from None
    except Exception as error:
        raise FileError(f"the picture {path} cannot be read: {_reason(error)}") from None


def check_format(path: Path, size: tuple[int, int] | None = None) -> None:
    """Check that the suffix of a path selects a format that can store the picture.

    Parameters
    ----------
    size : (int, int), optional
        Width and height in pixels, if known.

    Raises
    ------
    ArgumentError
        The suffix is missing or unknown, or needs a package that is missing; or the picture is
        too large for the format.
    """
    suffix = path.suffix.lower()
    if path.name.lower() in FORMATS:
        raise ArgumentError(f"the output {path} is only an extension; put a name before it, as in "
                            f"out{path.name}")
    if suffix not in FORMATS:
        raise ArgumentError(f"the output {path} must end in {', '.join(FORMATS)}, "
                            f"which selects the format")
    kind, _ = FORMATS[suffix]
    if kind == "TIFF":
        tiff.require_tifffile()
    limit = MAX_SIDE.get(kind)
    if size and limit and max(size) > limit:
        raise ArgumentError(f"the output {path} would be {size[0]}×{size[1]} pixels, but a "
                            f"{suffix} file has at most {limit} per side; use a name that ends in "
                            f".png")


def write(picture: Picture, path: Path, settings: Mapping[str, Any] | None = None) -> None:
    """Write the picture atomically, in the format of the path's suffix.

    The file contains an sRGB profile. PNG and WebP are lossless, TIFF has 16 bits; JPEG has no
    transparency, so the picture is put on white.

    Parameters
    ----------
    settings : mapping, optional
        The settings of the picture as plain data, to be embedded.

    Raises
    ------
    ArgumentError, FileError
        `check_format` rejects it, or the file cannot be written.
    """
    check_format(path, picture.size)
    write_atomically(path, encode(picture, path.suffix.lower(), settings))


def encode(picture: Picture, suffix: str, settings: Mapping[str, Any] | None = None) -> bytes:
    """The content of a file with this suffix (".png" …)."""
    kind, options = FORMATS[suffix]
    if kind == "TIFF":
        return tiff.encode(picture, settings)
    image = (picture.on_white() if kind == "JPEG" else picture).image()
    described = ({"pnginfo": metadata.for_png(settings)} if kind == "PNG"
                 else {"exif": metadata.for_exif(settings)})
    encoded = io.BytesIO()
    image.save(encoded, kind, icc_profile=profiles.srgb(), **described, **options)
    return encoded.getvalue()


def from_pillow(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a `Picture`.

    Raises
    ------
    ValueError
        Floats outside 0-1.
    """
    tags = getattr(image, "tag_v2", {})     # only the image that was opened has them
    image = _upright(image)
    if image.mode.startswith("I"):          # Pillow would clip 16-bit grey at 255, not scale it
        stored = np.asarray(image)
        words = tiff.grey_samples(stored, tags)
        grey = from_planes(profiles.grey_to_srgb16(words, image.info.get("icc_profile")))
        clear = image.info.get("transparency")
        if not isinstance(clear, int):
            return grey
        alpha = by_bands(lambda band: (band != clear) * np.uint8(255), stored)
        return with_alpha(grey.pixels, alpha)
    if image.mode == "F":
        values = tiff.grey_samples(np.asarray(image), tags)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"it contains floats from {values.min():g} to {values.max():g}, but "
                             f"0 is black and 1 white")
        return from_planes(from_samples(values, 1, lambda band: band.astype(np.float64)))
    return from_image(profiles.to_srgb(image))


def _upright(image: Image.Image) -> Image.Image:
    """The image as its orientation says; only that entry of its EXIF needs to be sound."""
    image.load()                            # which turns a TIFF
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


# ----------------------------------------------------------------------------- reading


def _check_file(path: Path, role: str) -> None:
    try:
        path.stat()
    except PermissionError:
        raise FileError(f"the {role} picture {path} cannot be read: its folder cannot be entered"
                        ) from None
    except (OSError, ValueError):
        if path.parts[:1] and path.parts[0].lower() in ADDRESSES:
            raise FileError(f"the {role} picture is an address on the network; download it first "
                            f"and name the file") from None
        raise FileError(f"the {role} picture {path} does not exist") from None
    if os.path.isdir(path):
        raise FileError(f"the {role} picture {path} is a folder; name a picture in it")
    if not os.path.isfile(path):
        raise FileError(f"the {role} picture {path} is not a file, but a device or pipe; "
                        f"name a file")


def _decoded(path: Path) -> Picture:
    if repairs.is_raw(path):
        raise ValueError("it is a raw photograph; export it as TIFF, PNG or JPEG")
    if not directory.is_tiff(path):
        return _by_pillow(path)
    check = partial(plausible.check_pixels, path)
    try:
        return tiff.read_deep(path, check) or _by_pillow(path)
    except UnidentifiedImageError:
        picture = tiff.read_deep(path, check, min_bytes=1)      # Pillow does not know its samples
        if picture is None:
            raise
        return picture
    except tiff.MissingCodecError:
        try:
            return _by_pillow(path)         # with 8 bits per colour
        except OSError:
            pass                            # Pillow does not know the compression either
        raise


def _by_pillow(path: Path) -> Picture:
    with _opened(path) as image:
        samples = transparency.samples_of(image)
        try:
            with silent_libraries() if image.format == "TIFF" else nullcontext():
                image.load()
        except OSError:
            whole = repairs.completed(path)
            if whole is None:
                raise
            return from_pillow(whole)
        plausible.check_exif(image)         # again: in a PNG, it may stand behind the pixels
        if image.format == "PNG":
            transparency.settle(image, samples, path)
        picture = from_pillow(image)
        if image.format == "PNG" and not {"srgb", "icc_profile"} & image.info.keys():
            gamma = image.info.get("gamma")
            return repairs.on_screen(picture, gamma) if gamma else picture
        return picture


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture of plausible size, to be decoded."""
    Image.init()
    formats = [name for name in READABLE if name in Image.OPEN]
    if directory.is_misread(path):
        raise UnidentifiedImageError
    page = directory.picture_page(path)
    with BoundedFile(path) as file:
        plausible.check_pixels(path, webp_pixels(file))
        for pixels, are_runs in containers.check_parts(file, MAX_TEXT_CHUNK):
            plausible.check_pixels(path, pixels)
            plausible.check_slow(pixels if are_runs else 0, plausible.MAX_SLOW_PIXELS,
                                 "pixels of an icon")
        avif.check_items(file, partial(plausible.check_pixels, path))
        file.seek(0)
        with Image.open(file, formats=formats) as image:
            plausible.check_pixels(path, image.width * image.height)
            if page:
                image.seek(page)
                plausible.check_pixels(path, image.width * image.height)
            plausible.check_effort(path, image)
            plausible.check_exif(image)
            yield image


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress warnings and log messages of decoders, mostly about damaged metadata.

    Within it, long texts in a PNG are accepted.
    """
    texts = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = MAX_TEXT_CHUNK, MAX_TEXT_MEMORY
    loggers = [logging.getLogger(name) for name in ("PIL", "tifffile")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = texts
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def _reason(error: Exception) -> str:
    """The message of a decoder, if it is meant for users."""
    message = (error.strerror if isinstance(error, OSError) else None) or str(error)
    message = message.strip().partition("\n")[0].rstrip(".")
    # Errors of other types, or without a sentence, are bugs in the decoder.
    readable = (isinstance(error, (OSError, ValueError, SyntaxError))
                and " " in message[:60].strip())
    return printable(message[:160]) if readable and message[0].isalpha() else "it is damaged"


def _describe_file(path: Path) -> str:
    """The end of a sentence about a file of unknown format."""
    with open(path, "rb") as file:
        head = file.read(64)
    if not head:
        return "is not a picture: it is empty"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "is a HEIC photograph, which cannot be read; export it as JPEG"
    for beginning, name in NOT_PICTURES.items():
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(beginning):
            return f"is {name}, not a picture; JPEG and PNG are safe choices"
    return ("is not a picture, or has an unsupported format; JPEG and PNG are safe choices")
