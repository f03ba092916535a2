"""The bytes of an HDF5 file of unknown origin: positions are checked, and metadata have a budget.

Reading metadata always ends, whatever a file says: each byte that is read or copied is charged to a
budget, and each entry of a list, as it becomes a Python object. So neither loops of addresses, nor
many references to one block, nor millions of tiny objects can take long or fill the memory.
"""

from __future__ import annotations

import os
from io import BufferedReader

import numpy as np

from minigrad.hdf5.checksums import lookup3

# 3,000 arrays with an attribute each, in groups of their own, need six megabytes; the whole budget
# takes two and a half seconds at most.
MAX_METADATA = 16 << 20
# For a look at the attributes of the root, before a file is opened again to read it.
METADATA_OF_ROOT = 4 << 20
# Whatever is read costs time even if it is short. The unit is the time of a byte, most of which is
# spent on its checksum.
COST_OF_BLOCK, COST_OF_ENTRY, COST_OF_CHUNK, COST_OF_FILTER = 64, 32, 64, 48
# Bytes of chunks beyond twice those of their arrays, for all arrays of a file.
MAX_OVERHANG = 128 << 20


class UnsupportedError(ValueError):
    """What a file holds is valid in HDF5, but not supported here; its text is for the user."""


class Cursor:
    """Reads numbers from a block of bytes, from its start to its end."""

    def __init__(self, data: bytes, offset_size: int = 8, length_size: int = 8) -> None:
        self.data = data
        self.at = 0
        self.offset_size = offset_size
        self.length_size = length_size

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        at, end = self.at, self.at + count
        if not at <= end <= len(self.data):
            raise ValueError("a part of its metadata ends early")
        self.at = end
        return self.data[at:end]

    def number(self, size: int) -> int:
        """The next unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def address(self) -> int | None:
        """The next address in the file; None if it is undefined, all bits set."""
        value = self.number(self.offset_size)
        return None if value == (1 << 8 * self.offset_size) - 1 else value

    def length(self) -> int:
        return self.number(self.length_size)

    def expect(self, signature: bytes) -> None:
        if self.take(len(signature)) != signature:
            name = signature.decode().rstrip("\0\1\2")        # a version may follow
            raise ValueError(f"no {name} where its metadata name one")

    def align(self, size: int) -> None:
        """Skip to the next multiple of `size` bytes."""
        self.take(-self.at % size)

    def part(self, count: int) -> Cursor:
        """A separate cursor over the next `count` bytes."""
        return Cursor(self.take(count), self.offset_size, self.length_size)


class Source:
    """An open file. The sizes of addresses and lengths are set when its superblock is read.

    Attributes
    ----------
    start : int
        Where HDF5 begins in the file; addresses count from there.
    size : int
        Bytes of the file from there.
    """

    def __init__(self, file: BufferedReader, budget: int = MAX_METADATA, start: int = 0) -> None:
        self.file = file
        self.start = start
        self.size = os.fstat(file.fileno()).st_size - start
        self.offset_size = self.length_size = 8
        self._budget = self._metadata_left = budget
        self._overhang_left = MAX_OVERHANG

    def data(self, at: int, count: int) -> bytes:
        """Bytes of an array.

        Raises
        ------
        ValueError
            They reach beyond the file.
        """
        self._seek(at, count)
        data = self.file.read(count)
        if len(data) != count:
            raise ValueError("it became shorter while it was read")
        return data

    def fill(self, at: int, array: np.ndarray) -> None:
        """Read an array in C order; raises as `data` does."""
        self._seek(at, array.nbytes)
        if self.file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
            raise ValueError("it became shorter while it was read")

    def check_range(self, at: int, count: int) -> None:
        """Check that bytes lie within the file.

        Raises
        ------
        ValueError
        """
        if count < 0 or at + count > self.size:
            raise ValueError(f"{count:,} bytes at {at:,} reach beyond its {self.size:,} bytes")

    def _seek(self, at: int, count: int) -> None:
        self.check_range(at, count)
        self.file.seek(self.start + at)

    def charge(self, count: int) -> None:
        """Take bytes from the budget of metadata."""
        self._metadata_left -= count
        if self._metadata_left < 0:
            raise ValueError(f"it has more than {self._budget:,} bytes of metadata, or refers to "
                             "the same ones again and again")

    def charge_overhang(self, count: int) -> None:
        """Take bytes that chunks have beyond their array from the budget for them."""
        self._overhang_left -= count
        if self._overhang_left < 0:
            raise ValueError(f"its chunks have over {MAX_OVERHANG:,} bytes more than twice those "
                             "of their arrays")

    def block(self, at: int | None, count: int, signature: bytes = b"") -> Cursor:
        """Metadata without a checksum, which begin with a signature."""
        if at is None:
            raise ValueError("its metadata refer to an undefined address")
        self.charge(count + COST_OF_BLOCK)
        cursor = Cursor(self.data(at, count), self.offset_size, self.length_size)
        cursor.expect(signature)
        return cursor

    def checked(self, at: int | None, count: int, signature: bytes) -> Cursor:
        """Metadata of `count` bytes, of which the last four are their checksum."""
        cursor = self.block(at, count, signature)
        if count < 4 + len(signature):
            raise ValueError("a part of its metadata ends early")
        stored = int.from_bytes(cursor.data[-4:], "little")
        cursor.data = cursor.data[:-4]
        if lookup3(cursor.data) != stored:
            raise ValueError("its metadata have a wrong checksum")
        return cursor
