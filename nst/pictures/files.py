"""Picture files: what people have comes in as a `Picture`, or is refused with one sentence."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from minigrad.errors import ArgumentError, FileError
from nst.pictures import metadata as metadata
from nst.pictures import profiles as profiles
from nst.pictures import tiff as tiff
from nst.pictures.picture import Picture, from_image, from_planes, from_words
from nst.system.files import write_atomically

# What is written under each ending, and how: the least loss that the format offers cheaply.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"lossless": True}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
}
MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}     # pixels; limits of the formats

# What Pillow may be asked to read. EPS is not among them: it would start another program.
READABLE = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "JPEG2000", "AVIF", "PPM",
            "TGA", "ICO", "PCX", "SGI", "QOI", "PSD")
# Beyond this, a file of a few kilobytes could fill the memory. Pillow's own limit.
MAX_PIXELS = 178_956_970

# What people take for pictures, by how it begins.
MISTAKEN = {
    b"<!DOCTYPE": "a web page", b"<!doctype": "a web page", b"<html": "a web page",
    b"<svg": "an SVG drawing", b"<?xml": "an XML file (an SVG drawing?)", b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document", b"PK\3\4": "a ZIP archive", b"\x89HDF": "an HDF5 file",
}


def read(path: Path, role: str) -> Picture:
    """A picture file: upright, in sRGB, with its transparency.

    Parameters
    ----------
    role : str
        What the picture is for ("content", "style" …), for messages.

    Raises
    ------
    FileError
        The file is missing, damaged, no picture, or a decompression bomb.
    """
    _check_file(path, role)
    try:
        with _silence():
            return _decoded(path)
    except Image.DecompressionBombError:
        raise FileError(f"the {role} picture {path} has more than {MAX_PIXELS:,} pixels, "
                        f"which memory is not made for; scale it down first") from None
    except UnidentifiedImageError:
        raise FileError(f"the {role} picture {path} {_what_it_is(path)}") from None
    except Exception as error:              # a decoder that meets damage may raise anything
        raise FileError(f"the {role} picture {path} cannot be read: {_reason(error)}") from None


def read_settings(path: Path) -> dict[str, Any] | None:
    """The settings that `write` put into a picture file; None if there are none.

    Raises
    ------
    FileError
        The file is missing or no picture.
    """
    _check_file(path, "finished")
    try:
        with _silence(), _opened(path) as image:
            return metadata.read_settings(image)
    except Exception as error:
        raise FileError(f"the picture {path} cannot be read: {_reason(error)}") from None


def check_format(path: Path, size: tuple[int, int] | None = None) -> None:
    """Demand an ending that says how to write the picture, and a format that can hold it.

    Parameters
    ----------
    size : (int, int), optional
        Width and height in pixels, where they are known.

    Raises
    ------
    ArgumentError
        The ending is missing or unknown, needs a package that is missing, or the picture is too
        long for the format.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise ArgumentError(f"the output {path} must end in {', '.join(FORMATS)}, "
                            f"which says what kind of picture to write")
    kind, _ = FORMATS[ending]
    if kind == "TIFF":
        tiff.require_tifffile()
    most = MAX_SIDE.get(kind)
    if size and most and max(size) > most:
        raise ArgumentError(f"the output {path} would be {size[0]}×{size[1]} pixels, but a "
                            f"{ending} file has at most {most} on a side; let the name end in .png")


def write(picture: Picture, path: Path, settings: Mapping[str, Any] | None = None) -> None:
    """Write the picture in the format of its name's ending, all at once.

    The file says that its colours are sRGB. PNG and WebP are without loss, TIFF has 16 bits;
    JPEG knows no transparency and gets white behind it.

    Parameters
    ----------
    settings : mapping, optional
        What made the picture: strings, numbers, lists and so on, to be embedded.

    Raises
    ------
    ArgumentError, FileError
        `check_format` refuses it, or the file cannot be written.
    """
    check_format(path, picture.size)
    write_atomically(path, encode(picture, path.suffix.lower(), settings))


def encode(picture: Picture, ending: str, settings: Mapping[str, Any] | None = None) -> bytes:
    """The bytes that `write` puts into a file with this ending (".png" …)."""
    kind, how = FORMATS[ending]
    if kind == "TIFF":
        return tiff.encode(picture, settings)
    image = (picture.on_white() if kind == "JPEG" else picture).image()
    described = ({"pnginfo": metadata.for_png(settings)} if kind == "PNG"
                 else {"exif": metadata.for_exif(settings)})
    encoded = io.BytesIO()
    image.save(encoded, kind, icc_profile=profiles.srgb(), **described, **how)
    return encoded.getvalue()


def from_pillow(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a `Picture`.

    Raises
    ------
    ValueError
        Floats outside 0-1.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):          # Pillow would clip 16-bit grey at 255, not scale it
        return from_planes(from_words(np.asarray(image).clip(0, 65535), 65535))
    if image.mode == "F":
        values = np.asarray(image)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"it holds floats from {values.min():g} to {values.max():g}, where 0 "
                             f"is black and 1 white")
        return from_planes(from_words(values.astype(np.float64), 1))
    return from_image(profiles.to_srgb(image))


# ----------------------------------------------------------------------------- reading


def _check_file(path: Path, role: str) -> None:
    if not path.exists():
        raise FileError(f"the {role} picture {path} does not exist")
    if path.is_dir():
        raise FileError(f"the {role} picture {path} is a folder; name a picture in it")
    if not path.is_file():
        raise FileError(f"the {role} picture {path} is not a file, but a device or pipe; "
                        f"name a file")


def _decoded(path: Path) -> Picture:
    with open(path, "rb") as file:
        if file.read(4) in tiff.SIGNATURES:
            deep = tiff.read_deep(path, MAX_PIXELS)
            if deep is not None:
                return deep
    with _opened(path) as image:
        image.load()
        return from_pillow(image)


def _opened(path: Path) -> Image.Image:
    Image.init()
    image = Image.open(path, formats=[name for name in READABLE if name in Image.OPEN])
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise Image.DecompressionBombError
    return image


@contextmanager
def _silence() -> Iterator[None]:
    """What decoders would tell about damaged metadata on stderr, by warnings and by loggers."""
    loggers = [logging.getLogger(name) for name in ("PIL", "tifffile")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def _reason(error: Exception) -> str:
    """What a decoder said, if it was meant for people."""
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    said = said.strip().partition("\n")[0].rstrip(".")
    # Of other types, and not a sentence: a decoder that has stumbled.
    meant = isinstance(error, (OSError, ValueError, SyntaxError)) and " " in said[:60].strip()
    return said[:160] if meant and said[0].isalpha() else "it is damaged"


def _what_it_is(path: Path) -> str:
    """The end of the sentence about a file that no decoder knows."""
    with open(path, "rb") as file:
        head = file.read(64)
    if not head:
        return "is not a picture: it is empty"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "is a HEIC photograph, which cannot be read; export it as JPEG"
    for beginning, name in MISTAKEN.items():
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(beginning):
            return f"is {name}, not a picture; JPEG and PNG are safe choices"
    return ("is not a picture, or of a kind that cannot be read; JPEG and PNG are safe choices")
