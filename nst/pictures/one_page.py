"""A TIFF as if it had one page, of which only the entries of the picture are left.

tifffile knows the files of some thirty programs by private entries and by texts, and reads more of
them as it opens the file: all pages of a microscope's or scanner's, without end if they lead in a
circle, or a million values one by one (1 KB took for ever, 8 MB took 27 s and 1.5 GB). None of it
is about the pixels, which are those of a plain TIFF. So tifffile sees the file through a stream in
which the directory of the picture is replaced by a shorter one.

References
----------
TIFF 6.0, section 2; BigTIFF.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from nst.pictures.directory import Entry, Layout

# What says how the pixels are stored: sides, bits, compression, colours, order of bits, strips,
# orientation, samples, planes, prediction, tiles, inks, further samples, kind of numbers, tables of
# JPEG, depths, profile, and the value of what a sparse file leaves out.
_KEPT = frozenset((256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 322, 323, 324,
                   325, 332, 338, 339, 347, 32997, 32998, 34675, 42113))
_SMALLEST_HEAD = 8              # bytes


class _Patch(NamedTuple):
    place: int
    data: bytes


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file of a TIFF, with one page: that of the picture.

    Raises
    ------
    ValueError
        An entry of the page is longer than the file: tifffile allocates what an entry states before
        it reads it.
    """
    with open(path, "rb", buffering=0) as file:
        patched = _Patched(file, _patches(file))
        patched.seek(0)
        with io.BufferedReader(patched) as stream:
            yield stream


def _patches(file: io.FileIO) -> list[_Patch]:
    """A head and a directory for one page; nothing if the file has none."""
    layout = Layout(file)
    *_, start = 0, *layout.pages_to_picture()
    if start < _SMALLEST_HEAD:
        return []
    found: dict[int, Entry] = {}
    for entry in layout.entries(start):
        if entry.tag in _KEPT:
            found.setdefault(entry.tag, entry)           # the first of several counts
    if any(entry.length > layout.size for entry in found.values()):
        raise ValueError("an entry of its directory is longer than the file")
    # No longer than the directory in its place, so no pixels are hidden.
    return [_Patch(start, layout.directory(list(found.values()))), _Patch(0, layout.head(start))]


class _Patched(io.RawIOBase):
    """A file of which some bytes are others; the last patch wins."""

    def __init__(self, file: io.FileIO, patches: list[_Patch]) -> None:
        self._file, self._patches = file, patches

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any, /) -> int:
        start = self._file.tell()
        end = start + (self._file.readinto(buffer) or 0)
        for place, data in self._patches:
            first, last = max(start, place), min(end, place + len(data))
            if first < last:
                buffer[first - start : last - start] = data[first - place : last - place]
        return end - start
