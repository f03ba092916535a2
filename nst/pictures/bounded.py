"""What decoders of pictures would allocate or do because a file merely states it."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

_AT_ONCE = 1 << 16          # bytes that may be asked for without a look at the length of the file
# Pillow's decoders in Python read a few bytes for each pixel, segment or comment, and take 0.2 to
# 1.2 µs for each time.
MAX_READS = 6_000_000
_RIFF_BYTES = 30            # up to the end of a WebP's size, in each of its three forms
# Marker of a JPEG; the bytes 0 and D0 to D7 after FF belong to a scan's data.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _END, _NO_LENGTH, _SEQUENTIAL = 0xDA, 0xD9, (0x01, 0xD8), (0xC0, 0xC1)
# A frame states the size of the picture; the other markers from C0 to CF are those of tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
MAX_SCANNED = 4_000_000_000     # pixels of all scans of a JPEG; 20 scans of the largest picture
_read = io.BufferedReader.read      # not through super(): some decoders read single bytes


class BoundedFile(io.BufferedReader):
    """A file that is never asked for more bytes than are left of it, and not too often.

    Python allocates what `read` is asked for before it reads, and Pillow asks for what a chunk of
    the file states: gigabytes, for a file of 53 bytes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes; all that are left if it is negative or None.

        Raises
        ------
        ValueError
            It was called more than `MAX_READS` times.
        """
        self._reads += 1
        if self._reads > MAX_READS:
            raise ValueError(f"it is read in more than {MAX_READS:,} pieces, which takes too long; "
                             f"save it as PNG")
        if size is not None and size > _AT_ONCE:
            size = min(size, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return _read(self, size)


def webp_pixels(file: BoundedFile) -> int:
    """The pixels that a WebP file states; 0 for other files.

    libwebp allocates eight bytes for each as soon as Pillow opens the file.

    References
    ----------
    WebP container specification; RFC 6386, section 9.1; WebP lossless specification, section 3.
    """
    file.seek(0)
    head = file.read(_RIFF_BYTES).ljust(_RIFF_BYTES, b"\0")
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return 0
    if head[12:16] == b"VP8X":
        return (_number(head[24:27]) + 1) * (_number(head[27:30]) + 1)
    if head[12:16] == b"VP8L":          # 14 bits each
        sides = _number(head[21:25])
        return ((sides & 0x3FFF) + 1) * ((sides >> 14 & 0x3FFF) + 1)
    return (_number(head[26:28]) & 0x3FFF) * (_number(head[28:30]) & 0x3FFF)


def jpeg_scans(data: bytes) -> int:
    """The scans of a JPEG that libjpeg decodes, each of which may change all of its pixels.

    It takes 7 ms for a scan of 20 million pixels that has no data: 12 bytes of a file.
    """
    scans, at, components = 0, 2, None
    while match := _MARKER.search(data, at):
        marker, at = data[match.end() - 1], match.end()
        if marker in _SEQUENTIAL:
            components = data[at + 7 : at + 8]
        if marker == _SCAN:
            scans += 1
            if data[at + 2 : at + 3] == components:
                return 1                        # libjpeg does not look for another one
        if marker == _END:
            break
        if marker not in _NO_LENGTH:
            at += int.from_bytes(data[at : at + 2])
    return scans


def jpeg_pixels(data: bytes) -> int:
    """The pixels that the frame of a JPEG states; 0 if it has none."""
    at = 2
    while match := _MARKER.search(data, at):
        marker, at = data[match.end() - 1], match.end()
        if marker in _FRAMES:
            return int.from_bytes(data[at + 3 : at + 5]) * int.from_bytes(data[at + 5 : at + 7])
        if marker not in _NO_LENGTH:
            at += int.from_bytes(data[at : at + 2])
    return 0


def check_scanned(pixels: int) -> None:
    """Check the pixels of all scans of a JPEG together.

    Raises
    ------
    ValueError
        They are too many.
    """
    check_count(pixels, MAX_SCANNED, "pixels in its scans")


def check_count(count: int, limit: int, what: str) -> None:
    """Check a number that a picture file states.

    Raises
    ------
    ValueError
        It is above the limit.
    """
    if count > limit:
        raise ValueError(f"it states {count:,} {what}, but may have {limit:,}; save it again")


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
