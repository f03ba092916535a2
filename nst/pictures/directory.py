"""What the directory of a TIFF states, before a decoder believes it.

Pillow makes an object of every strip and of every fraction as it opens the file, tifffile and
libtiff allocate what a tile states, however small the picture is: 255 bytes took 2 GB. Before
version 13, Pillow also copies what each entry refers to, and entries may refer to the same bytes:
1 MB took 3 GB. EXIF and the index of an MPO are such directories, too.

References
----------
TIFF 6.0, section 2, and the design of BigTIFF; EXIF 3.0, section 4.6.3: directories in it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import chain, islice
from math import prod
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np

from nst.pictures.bounded import check_count

# Strips and tiles; a decoder takes up to 400 bytes and 9 µs for each, also for those that a file
# lacks.
MAX_SEGMENTS = 500_000
MAX_FRACTIONS = 1_000_000       # Pillow takes 2.6 µs and 250 bytes for each
MAX_NUMBERS = 4_000_000         # Pillow takes 36 bytes for each
MAX_ENTRIES = 65_535            # as many as a directory can have, but for BigTIFF
MAX_INNER = 16                  # directories of EXIF and the like; most files have one of each
# Bytes that the entries of a directory may share; no more than a few need to be.
MAX_SHARED_VALUES = 1 << 20
_CLASSIC, _BIG = (b"II*\0", b"MM\0*"), (b"II+\0", b"MM\0+")
# Heads that Pillow takes for those of a TIFF, the last for that of another layout than it is.
_MISREAD = b"II\0*", b"MM*\0", b"MM\0+"
_EXIF = b"Exif\0\0"             # before the head; may stand twice
# Bytes of a value of each type, where it is more than one.
_TYPE_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_FRACTIONS, _NUMBERS = (5, 10), {6, *_TYPE_SIZES}       # types
_PLACES = 273, 279, 324, 325    # tags: offsets and lengths of strips and of tiles
_LENGTHS = 279, 325
_WIDTH = 256
_SUBFILE, _NO_PICTURE = 254, 1 | 4      # tag, and its bits of a smaller copy and of a mask
MAX_PAGES = 4                   # that are looked at for the picture
# Strips and tiles may share bytes, mostly those of a blank tile. A decoder reads them each time.
MAX_SHARES = 4                  # times the bytes of the file
ALWAYS_SHARED = 64 << 20        # bytes
_INNER = 34_665, 34_853, 40_965     # tags: directories of EXIF, GPS and interoperability


class Entry(NamedTuple):
    """An entry of a directory."""

    tag: int
    kind: int
    values: int                 # how many
    value: int                  # or the place of all
    raw: bytes

    @property
    def length(self) -> int:
        """The bytes of all values."""
        return self.values * _TYPE_SIZES.get(self.kind, 1)


def is_tiff(path: Path) -> bool:
    """Whether the file begins like a TIFF."""
    with open(path, "rb") as file:
        return file.read(4) in _CLASSIC + _BIG


def is_misread(path: Path) -> bool:
    """Whether the file begins like what Pillow would read as another TIFF than tifffile.

    Nobody writes two of these heads. The third is that of a BigTIFF, which Pillow reads as if its
    numbers had 32 bits.
    """
    with open(path, "rb") as file:
        return file.read(4) in _MISREAD


def picture_page(path: Path) -> int:
    """The number of the first page that is no thumbnail or mask of another; 0 if there is none."""
    if not is_tiff(path):
        return 0
    with open(path, "rb") as file:
        return Layout(file).picture_page()


def check_counts(path: Path) -> None:
    """Check how many strips, tiles and numbers a TIFF has, and how often its bytes are read.

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
        layout = Layout(file)
        pages = [list(layout.entries(start)) for start in layout.pages_to_picture()]
        entries = list(chain.from_iterable(pages))
        check_entries([*pages, *_inner(layout, entries)], layout.size)
        read = sum(layout.total(entry) for entry in entries
                   if entry.tag in _LENGTHS and entry.length <= layout.size)
        check_count(read, max(MAX_SHARES * layout.size, ALWAYS_SHARED), "bytes of strips or tiles")


def check_metadata(data: bytes) -> None:
    """Check the entries of EXIF, or of another TIFF without pixels.

    Raises
    ------
    ValueError
        There are too many, or they share too much; or Pillow would read them in another way.
    """
    while data.startswith(_EXIF):
        data = data.removeprefix(_EXIF)
    if data[:4] in _MISREAD + _BIG:
        raise ValueError("its EXIF begins like nothing that this program knows")
    if data[:4] in _CLASSIC:
        layout = Layout(io.BytesIO(data))
        first = list(layout.entries(layout.first))
        check_entries([first, *_inner(layout, first)], layout.size)


def check_entries(directories: list[list[Entry]], size: int) -> None:
    """Check the entries of the directories in that many bytes.

    Raises
    ------
    ValueError
        There are too many.
    """
    # Pillow leaves out values that are longer than the file.
    held = [[entry for entry in each if entry.length <= size] for each in directories]
    for each in held:
        check_count(sum(entry.length for entry in each), size + MAX_SHARED_VALUES,
                    "bytes of entries")
    entries = list(chain.from_iterable(held))
    check_count(max((entry.values for entry in entries if entry.tag in _PLACES), default=0),
                MAX_SEGMENTS, "strips or tiles")
    check_count(sum(entry.values for entry in entries if entry.kind in _FRACTIONS), MAX_FRACTIONS,
                "fractions")
    check_count(sum(entry.values for entry in entries if entry.kind in _NUMBERS), MAX_NUMBERS,
                "numbers")


def _inner(layout: Layout, entries: list[Entry]) -> list[list[Entry]]:
    """The directories that entries refer to, and those in them."""
    found: list[list[Entry]] = []
    for _ in range(2):
        starts = {entry.value for entry in entries if entry.tag in _INNER}
        check_count(len(found) + len(starts), MAX_INNER, "directories of EXIF")
        inner = [list(layout.entries(start)) for start in starts]
        found += inner
        entries = list(chain.from_iterable(inner))
    return found


def check_segments(picture: tuple[int, ...], part: tuple[int, ...]) -> None:
    """Check the number of strips or tiles of a size, in pixels.

    Raises
    ------
    ValueError
        There are too many.
    """
    check_count(prod(-(-side // max(1, length)) for side, length in zip(picture, part)),
                MAX_SEGMENTS, "strips or tiles")


class Layout:
    """How numbers are stored in a TIFF, and where its first directory is.

    Attributes
    ----------
    size : int
        Bytes of the file.
    first : int
        The place of the first directory.
    is_big : bool
        BigTIFF.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        file.seek(0)
        head = file.read(16).ljust(16, b"\0")
        self._order = "<" if head[:2] == b"II" else ">"
        self._endian: Literal["little", "big"] = "little" if self._order == "<" else "big"
        self.is_big = 43 in head[2:4]
        (self.first,) = struct.unpack(self._order + ("8xQ" if self.is_big else "4xI8x"), head)

    def head(self, first: int) -> bytes:
        """What comes before the place of the first directory, and another place."""
        self._file.seek(0)
        return self._file.read(8 if self.is_big else 4) + self._place(first)

    def directory(self, entries: list[Entry]) -> bytes:
        """A directory of these entries, and no other behind it."""
        count = struct.pack(self._order + ("Q" if self.is_big else "H"), len(entries))
        return count + b"".join(entry.raw for entry in entries) + self._place(0)

    def _place(self, number: int) -> bytes:
        return struct.pack(self._order + ("Q" if self.is_big else "I"), number)

    def pages(self) -> Iterator[int]:
        """Where the directories of the first pages begin."""
        start = self.first
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

    def pages_to_picture(self) -> list[int]:
        """Where the directories of the pages up to that of the picture begin."""
        return list(islice(self.pages(), self.picture_page() + 1))

    def _next(self, start: int) -> int:
        """The place of the next directory; 0 if there is none."""
        count, width, place = ("Q", 20, "Q") if self.is_big else ("H", 12, "I")
        self._file.seek(start)
        data = self._file.read(struct.calcsize(count))
        if len(data) < struct.calcsize(count):
            return 0
        end = start + len(data) + struct.unpack(self._order + count, data)[0] * width
        self._file.seek(min(end, self.size))
        data = self._file.read(struct.calcsize(place))
        return int.from_bytes(data, self._endian) if len(data) == struct.calcsize(place) else 0

    def entries(self, start: int) -> Iterator[Entry]:
        """The entries of a directory, as far as the file holds them.

        Raises
        ------
        ValueError
            A BigTIFF states too many.
        """
        count, entry = ("Q", "HHQ8s") if self.is_big else ("H", "HHI4s")
        count, entry = self._order + count, self._order + entry
        self._file.seek(min(start, self.size))
        counted = self._file.read(struct.calcsize(count))
        if len(counted) < struct.calcsize(count):
            return
        width = struct.calcsize(entry)
        (stated,) = struct.unpack(count, counted)
        check_count(stated, MAX_ENTRIES, "entries")
        data = self._file.read(stated * width)
        whole = data[: len(data) // width * width]
        for at in range(0, len(whole), width):
            raw = whole[at : at + width]
            tag, kind, values, value = struct.unpack(entry, raw)
            used = value[: _TYPE_SIZES.get(kind, len(value))]
            yield Entry(tag, kind, values, int.from_bytes(used, self._endian), raw)

    def total(self, entry: Entry) -> int:
        """The sum of an entry's integers; 0 for one or a few, which are in the entry itself."""
        width = _TYPE_SIZES.get(entry.kind, 1)
        if entry.values * width <= (8 if self.is_big else 4) or entry.values > MAX_SEGMENTS:
            return 0
        self._file.seek(min(entry.value, self.size))
        data = self._file.read(entry.values * width)
        numbers = np.frombuffer(data[: len(data) // width * width], f"{self._order}u{width}")
        return int(numbers.sum(dtype=np.float64))       # 64 bits could overflow
