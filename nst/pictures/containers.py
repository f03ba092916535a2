"""The parts of a picture file that Pillow visits one by one, counted before it opens the file.

Pillow keeps what a PNG or JPEG says beside its pixels, in Python and part by part: 5 MB of JPEG
took 51 seconds, because each of 100,000 pieces of EXIF was appended to a copy of all before it; and
6 MB of PNG took 14, because each of 200 profiles was unpacked to 32 MB.

References
----------
PNG specification, third edition, section 5.3, chunks; ITU-T T.81, annex B, markers of JPEG; the
icon files of Windows have a table of 16 bytes for each picture.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from typing import IO

from nst.pictures.bounded import check_count, check_scanned, jpeg_pixels, jpeg_scans
from nst.pictures.directory import check_metadata

MAX_CHUNKS = 1_000_000          # of a PNG; one of 2 GB has 250,000 from usual encoders
MAX_UNPACKED = 1 << 30          # bytes of all texts and profiles; a decoder takes 2 s for them
_MAX_RATIO = 1032               # of zlib's compression
_PACKED = b"iCCP", b"zTXt", b"iTXt"
_KEYWORD = 81                   # bytes of a text's name, and whether it is packed
_PNG = b"\x89PNG\r\n\x1a\n"
_ICO = b"\0\0\1\0"
MAX_ICONS = 256                 # pictures in an icon

MAX_SCANS = 200                 # of a JPEG; a progressive one has about ten
MAX_SEGMENTS = 5_000            # of a JPEG, before its first scan
MAX_EXIF_SEGMENTS = 100         # one holds 64 KB, and most files have one
MAX_METADATA = 64 << 20         # bytes of a JPEG before its first scan
MAX_TABLES = 1 << 20            # bytes of tables and frames there; Pillow makes 30 of each
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SCAN, _APP1, _APP2 = 0xDA, 0xE1, 0xE2
_EXIF, _INDEX = b"Exif\0\0", b"MPF\0"            # the latter: of the pictures in an MPO
_METADATA = frozenset((*range(0xE0, 0xF0), 0xFE))       # APP0 to APP15, and comments
# Markers that Pillow finds no segment after: a length there is that of nothing.
_NO_SEGMENT = frozenset((0xC8, 0xD8, 0xD9, *range(0xF0, 0xFE)))


def check_parts(file: IO[bytes], max_unpacked_chunk: int) -> list[tuple[int, bool]]:
    """Check how many parts a PNG, JPEG or icon has; other files have none that count.

    Parameters
    ----------
    max_unpacked_chunk : int
        Bytes after which the decoder gives up to unpack a chunk of a PNG.

    Returns
    -------
    list of (int, bool)
        Of each picture in an icon, how many pixels it states, and whether they are run lengths.

    Raises
    ------
    ValueError
        There are too many.
    """
    file.seek(0)
    head = file.read(8)
    if head == _PNG:
        check_chunks(file, 0, max_unpacked_chunk)
    elif head.startswith(b"\xff\xd8\xff"):
        data = head + file.read()
        check_segments(data)
        scans = jpeg_scans(data)
        check_count(scans, MAX_SCANS, "scans")
        check_scanned(scans * jpeg_pixels(data))
    elif head.startswith(_ICO):
        return list(_icons(file, max_unpacked_chunk))
    return []


def check_chunks(file: IO[bytes], start: int, max_unpacked_chunk: int) -> None:
    """Check the chunks of a PNG that begins at `start`."""
    end, at, unpacked = file.seek(0, os.SEEK_END), start + len(_PNG), 0
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(8 + _KEYWORD)
        if at >= end or len(head) < 8 or head[4:8] == b"IEND":
            return
        length, kind = int.from_bytes(head[:4]), head[4:8]
        is_plain = kind == b"iTXt" and head[8:].partition(b"\0")[2][:1] == b"\0"
        if kind in _PACKED and not is_plain:
            unpacked += min(min(length, end - at) * _MAX_RATIO, max_unpacked_chunk)
            check_count(unpacked >> 20, MAX_UNPACKED >> 20,
                        "megabytes of unpacked texts and profiles")
        at += 12 + length
    raise ValueError(f"it has more than {MAX_CHUNKS:,} chunks; save it again")


def check_segments(data: bytes) -> None:
    """Check what stands before the first scan of a JPEG, as Pillow reads it."""
    at, segments, tables = 2, 0, 0
    exif: list[bytes] = []
    while match := _MARKER.search(data, at):
        marker, at = data[match.end() - 1], match.end()
        if marker == _SCAN:
            break
        if marker in _NO_SEGMENT:
            continue
        segments += 1
        length = max(2, int.from_bytes(data[at : at + 2]))
        content = data[at + 2 : at + length]
        if marker == _APP1 and content.startswith(_EXIF):
            exif.append(content.removeprefix(_EXIF))
        elif marker == _APP2 and content.startswith(_INDEX):
            check_metadata(content.removeprefix(_INDEX))
        check_count(segments, MAX_SEGMENTS, "segments")
        check_count(len(exif), MAX_EXIF_SEGMENTS, "segments of EXIF")
        tables += 0 if marker in _METADATA else length
        check_count(tables, MAX_TABLES, "bytes of tables")
        at += length
    check_metadata(b"".join(exif))
    check_count(min(at, len(data)) >> 20, MAX_METADATA >> 20, "megabytes before its pixels")


def _icons(file: IO[bytes], max_unpacked_chunk: int) -> Iterator[tuple[int, bool]]:
    """Pixels and kind of each picture in an icon."""
    file.seek(4)
    count = int.from_bytes(file.read(2), "little")
    check_count(count, MAX_ICONS, "pictures")
    table = file.read(16 * count)
    table = table[: len(table) // 16 * 16]
    for start in {start for (start,) in struct.iter_unpack("<12xI", table)}:
        file.seek(start)
        head = file.read(24).ljust(24, b"\0")
        if head.startswith(_PNG):
            check_chunks(file, start, max_unpacked_chunk)
            width, height = struct.unpack_from(">II", head, 16)
            yield width * height, False
        elif head[:4] != b"\x0c\0\0\0":         # 12 bytes of head have sides of 16 bits
            width, height, kind = struct.unpack_from("<4xIi4xI", head)
            yield width * abs(height) // 2, kind in (1, 2)      # half of the rows are the mask
