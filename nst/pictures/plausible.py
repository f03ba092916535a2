"""What a picture file states is compared with its size, before and after a decoder opens it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PIL import Image

from nst.pictures import directory, jpeg2000, tiff

# Larger pictures are rejected, because a file of a few kilobytes could fill the memory. The number
# is Pillow's own limit.
MAX_PIXELS = 178_956_970
# A file with many more pixels than bytes is a decompression bomb: reading it takes up to 22 bytes
# of memory for each pixel. A blank page may have as many, so small pictures are read anyway.
MAX_PIXELS_PER_BYTE = 600
ALWAYS_READ = 20_000_000    # pixels
# What Pillow decodes in Python: pixels, or where each number takes time, numbers.
MAX_SLOW_PIXELS = 40_000_000
MAX_SLOW_NUMBERS = 12_000_000
MAX_COMMENTS = 10_000       # in a PPM of decimal numbers; each is cut out of a megabyte
MAX_EXIF = 8 << 20          # bytes; Pillow makes an object of 200 bytes for each fraction in it


class _DenseFileError(Image.DecompressionBombError):
    """A small file states many pixels; the message is the end of a sentence about it."""


def in_words(error: Image.DecompressionBombError) -> str:
    """The end of a sentence about a picture with too many pixels; Pillow finds some of them."""
    if isinstance(error, _DenseFileError):
        return str(error)
    return f"has more than {MAX_PIXELS:,} pixels, the limit of this program; scale it down first"


def check_pixels(path: Path, pixels: int, stored: int = 0) -> None:
    """Check the size of a picture before it is decoded.

    Parameters
    ----------
    stored : int, optional
        The decoded bytes over 3, if that is more: pixels of 16 bits and more need more memory.

    Raises
    ------
    DecompressionBombError
    """
    if pixels > MAX_PIXELS:
        raise Image.DecompressionBombError
    size = path.stat().st_size
    if max(pixels, stored) > max(ALWAYS_READ, MAX_PIXELS_PER_BYTE * size):
        raise _DenseFileError(
            f"claims to have {pixels:,} pixels in a file of {size:,} bytes, which is not "
            f"plausible; save it again")


def check_effort(path: Path, image: Image.Image) -> None:
    """Check that a small file does not state work for minutes.

    Raises
    ------
    ValueError
    """
    if image.format == "JPEG2000":
        jpeg2000.check_counts(path.read_bytes())
    elif image.format == "TIFF":
        tiff.check_opened(image, partial(check_pixels, path))
    pixels = image.width * image.height
    decoders = {tile[0] for tile in getattr(image, "tile", ())} & Image.DECODERS.keys()
    if decoders:                            # those written in Python
        check_slow(pixels, MAX_SLOW_PIXELS, f"pixels as {image.format}")
    if decoders & {"ppm", "ppm_plain"}:
        check_slow(pixels * len(image.getbands()), MAX_SLOW_NUMBERS, "numbers as PPM")
    if "ppm_plain" in decoders:
        check_slow(path.read_bytes().count(b"#"), MAX_COMMENTS, "comments")


def check_slow(count: int, limit: int, what: str) -> None:
    """Check a number of things each of which takes Python's time.

    Raises
    ------
    ValueError
    """
    if count > limit:
        raise ValueError(f"it has {count:,} {what}, which takes too long to read; save it as PNG")


def check_exif(image: Image.Image) -> None:
    """Check the length of a picture's EXIF, and its entries, before it is parsed.

    Raises
    ------
    ValueError
    """
    exif = image.info.get("exif") or b""
    hexadecimal = image.info.get("Raw profile type exif") or ""
    length = max(len(exif), len(hexadecimal) // 2)
    if length > MAX_EXIF:
        raise ValueError(f"its EXIF has {length:,} bytes, but may have {MAX_EXIF:,}")
    directory.check_metadata(exif or _digits(hexadecimal))


def _digits(hexadecimal: str) -> bytes:
    """The bytes of a text of three lines and digits, as Pillow reads it."""
    try:
        return bytes.fromhex("".join(hexadecimal.split("\n")[3:]))
    except ValueError:
        return b""
