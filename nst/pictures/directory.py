"""What the directory of a TIFF states, before a decoder believes it.

Pillow makes an object of every strip and of every fraction as it opens the file, tifffile and
libtiff allocate what a tile states, however small the picture is: 255 bytes took 2 GB.

References
----------
TIFF 6.0, section 2, and the design of BigTIFF; EXIF 3.0, section 4.6.3: directories in it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from math import prod
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np

from nst.pictures.bounded import check_count

# Strips and tiles; a decoder takes up to 400 bytes and 9 µs for each, also for those that a file
# lacks.
MAX_SEGMENTS = 500_000
MAX_FRACTIONS = 1_000_000       # Pillow takes 2.6 µs and 250 bytes for each
MAX_ENTRIES = 65_535            # as many as a directory can have, but for BigTIFF
_SIGNATURES = b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"        # the last two: BigTIFF
# Bytes of a value of each type, where it is more than one.
_TYPE_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_FRACTIONS = 5, 10              # types
_PLACES = 273, 279, 324, 325    # tags: offsets and lengths of strips and of tiles
_LENGTHS = 279, 325
_WIDTH = 256
_SUBFILE, _NO_PICTURE = 254, 1 | 4      # tag, and its bits of a smaller copy and of a mask
MAX_PAGES = 4                   # that are looked at for the picture
# Strips and tiles may share bytes, mostly those of a blank tile. A decoder reads them each time.
MAX_SHARES = 4                  # times the bytes of the file
ALWAYS_SHARED = 64 << 20        # bytes
_INNER = 34_665, 34_853, 40_965     # tags: directories of EXIF, GPS and interoperability


class _Entry(NamedTuple):
    tag: int
    kind: int
    values: int                 # how many
    value: int                  # or the place of all


def is_tiff(path: Path) -> bool:
    """Whether the file begins like a TIFF."""
    with open(path, "rb") as file:
        return file.read(4) in _SIGNATURES


def picture_page(path: Path) -> int:
    """The number of the first page that is no thumbnail or mask of another; 0 if there is none."""
    if not is_tiff(path):
        return 0
    with open(path, "rb") as file:
        return _Layout(file).picture_page()


def check_counts(path: Path) -> None:
    """Check how many strips, tiles and fractions a TIFF has, and how often its bytes are read.

    That counts the pages up to that of the picture. Other damage is left to decoders.

    Files that are no TIFF pass.

    Raises
    ------
    ValueError
        There are too many.
    """
    if not is_tiff(path):
        return
    with open(path, "rb") as file:
        layout = _Layout(file)
        entries = list(layout.entries_to_picture())
        inner = [entry for start in {entry.value for entry in entries if entry.tag in _INNER}
                 for entry in layout.entries(start)]
        inner += [entry for start in {entry.value for entry in inner if entry.tag in _INNER}
                  for entry in layout.entries(start)]
        size = layout.size
        read = sum(layout.total(entry) for entry in entries if entry.tag in _LENGTHS)
    # Pillow leaves out values that are longer than the file.
    held = [entry for entry in entries + inner
            if entry.values * _TYPE_SIZES.get(entry.kind, 1) <= size]
    check_count(max((entry.values for entry in held if entry.tag in _PLACES), default=0),
                MAX_SEGMENTS, "strips or tiles")
    check_count(sum(entry.values for entry in held if entry.kind in _FRACTIONS), MAX_FRACTIONS,
                "fractions")
    check_count(read, max(MAX_SHARES * size, ALWAYS_SHARED), "bytes of strips or tiles")


def check_lengths(path: Path) -> None:
    """Check that no entry is longer than the file.

    tifffile allocates the memory that an entry states before it reads it. Other damage is left to
    tifffile.

    Raises
    ------
    ValueError
        One is.
    """
    with open(path, "rb") as file:
        layout = _Layout(file)
        for entry in layout.entries_to_picture():
            if entry.values * _TYPE_SIZES.get(entry.kind, 1) > layout.size:
                raise ValueError("an entry of its directory is longer than the file")


def check_segments(picture: tuple[int, ...], part: tuple[int, ...]) -> None:
    """Check the number of strips or tiles of a size, in pixels.

    Raises
    ------
    ValueError
        There are too many.
    """
    check_count(prod(-(-side // max(1, length)) for side, length in zip(picture, part)),
                MAX_SEGMENTS, "strips or tiles")


class _Layout:
    """How numbers are stored in a TIFF, and where its first directory is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        file.seek(0)
        head = file.read(16).ljust(16, b"\0")
        self._order = "<" if head[:2] == b"II" else ">"
        self._endian: Literal["little", "big"] = "little" if self._order == "<" else "big"
        self._is_big = 43 in head[2:4]
        (self._first,) = struct.unpack(self._order + ("8xQ" if self._is_big else "4xI8x"), head)

    def pages(self) -> Iterator[int]:
        """Where the directories of the first pages begin."""
        start = self._first
        for _ in range(MAX_PAGES):
            if not 0 < start < self.size:
                return
            yield start
            start = self._next(start)

    def picture_page(self) -> int:
        """The number of the first page that is no thumbnail or mask; 0 if there is none."""
        for number, start in enumerate(self.pages()):
            values = {entry.tag: entry.value for entry in self.entries(start)
                      if entry.tag in (_SUBFILE, _WIDTH)}
            if _WIDTH in values and not values.get(_SUBFILE, 0) & _NO_PICTURE:
                return number
        return 0

    def entries_to_picture(self) -> Iterator[_Entry]:
        """The entries of the pages up to that of the picture."""
        for start in islice(self.pages(), self.picture_page() + 1):
            yield from self.entries(start)

    def _next(self, start: int) -> int:
        """The place of the next directory; 0 if there is none."""
        count, width, place = ("Q", 20, "Q") if self._is_big else ("H", 12, "I")
        self._file.seek(start)
        data = self._file.read(struct.calcsize(count))
        if len(data) < struct.calcsize(count):
            return 0
        end = start + len(data) + struct.unpack(self._order + count, data)[0] * width
        self._file.seek(min(end, self.size))
        data = self._file.read(struct.calcsize(place))
        return int.from_bytes(data, self._endian) if len(data) == struct.calcsize(place) else 0

    def entries(self, start: int) -> Iterator[_Entry]:
        """The entries of a directory, as far as the file holds them."""
        count, entry = ("Q", "HHQ8s") if self._is_big else ("H", "HHI4s")
        count, entry = self._order + count, self._order + entry
        self._file.seek(min(start, self.size))
        counted = self._file.read(struct.calcsize(count))
        if len(counted) < struct.calcsize(count):
            return
        width = struct.calcsize(entry)
        data = self._file.read(min(*struct.unpack(count, counted), MAX_ENTRIES) * width)
        whole = data[: len(data) // width * width]
        for tag, kind, values, value in struct.iter_unpack(entry, whole):
            used = value[: _TYPE_SIZES.get(kind, len(value))]
            yield _Entry(tag, kind, values, int.from_bytes(used, self._endian))

    def total(self, entry: _Entry) -> int:
        """The sum of an entry's integers; 0 for one or a few, which are in the entry itself."""
        width = _TYPE_SIZES.get(entry.kind, 1)
        if entry.values * width <= (8 if self._is_big else 4) or entry.values > MAX_SEGMENTS:
            return 0
        self._file.seek(min(entry.value, self.size))
        data = self._file.read(entry.values * width)
        numbers = np.frombuffer(data[: len(data) // width * width], f"{self._order}u{width}")
        return int(numbers.sum(dtype=np.float64))       # 64 bits could overflow
