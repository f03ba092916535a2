"""Heaps: where names of members, dense links and attributes, and text of variable length lie."""

from __future__ import annotations

from functools import cached_property

from minigrad.hdf5.checksums import lookup3
from minigrad.hdf5.source import COST_OF_BLOCK, Cursor, Source
from minigrad.hdf5.trees import HUGE_OBJECTS, bytes_for, records

MAX_OBJECT = 1 << 20
MAX_NAME = 4096


class LocalHeap:
    """The names of the members of an old group."""

    def __init__(self, source: Source, at: int | None) -> None:
        head = source.block(at, 8 + 2 * source.length_size + source.offset_size, b"HEAP\x00")
        head.take(3)
        size = head.length()
        head.length()
        self.source, self.data = source, source.block(head.address(), size).data

    def name(self, at: int) -> str:
        end = self.data.find(b"\0", at, at + MAX_NAME)
        if end < 0:
            raise ValueError("a name that does not end")
        self.source.charge(end - at)        # names may overlap
        return self.data[at:end].decode("utf-8", "surrogateescape")


def global_object(source: Source, at: int, index: int) -> bytes:
    """An object of a global heap, by its number."""
    head = source.block(at, 8 + source.length_size, b"GCOL\x01")
    head.take(3)
    heap = source.block(at, head.length())
    heap.take(len(head.data))
    while heap.left >= 8 + source.length_size:
        number = heap.number(2)
        heap.take(6)
        size = heap.length()
        if number == 0:     # the free space at the end
            break
        content = heap.take(size)
        if number == index:
            return content
        heap.take(min(-size % 8, heap.left))
    raise ValueError(f"no object {index} in a global heap")


class FractalHeap:
    """A heap of managed, huge and tiny objects, found by their identifiers."""

    def __init__(self, source: Source, at: int | None) -> None:
        lengths, addresses = source.length_size, source.offset_size
        head = source.checked(at, 26 + 12 * lengths + 3 * addresses, b"FRHP\x00")
        self.source, self.address = source, at
        _, filters, flags, largest = (head.number(size) for size in (2, 2, 1, 4))
        if filters:
            raise ValueError("a compressed heap")
        self.checksums = bool(flags & 2)
        head.length()
        self.huge = head.address()
        head.length()
        head.address()
        head.take(8 * lengths)
        self.width, self.first, self.largest_direct = head.number(2), head.length(), head.length()
        bits = head.number(2)
        head.number(2)
        self.root, self.rows = head.address(), head.number(2)
        self.offset_bytes = (bits + 7) // 8
        self.length_bytes = bytes_for(min(self.largest_direct, largest))
        if not self.first or not self.width or self.largest_direct > MAX_OBJECT or (
                max(bits, self.rows) > 64):
            raise ValueError("a heap of impossible sizes")
        self.direct_rows = (self.largest_direct // self.first).bit_length() + 1
        self.blocks: dict[int, bytes] = {}
        self.tables: dict[tuple[int | None, int], bytes] = {}

    def get(self, identifier: Cursor) -> Cursor:
        """The object of an identifier: a copy, which is charged, as many may name one place."""
        self.source.charge(COST_OF_BLOCK)
        kind = identifier.number(1)
        if kind & 0xC0:
            raise ValueError("an object of a heap of another version")
        if kind & 0x30 == 0x20:                                     # tiny: in the identifier
            return identifier.part(1 + (kind & 15))
        if kind & 0x30 == 0x10:
            return self._huge(identifier.number(min(8, identifier.left)))
        offset = identifier.number(self.offset_bytes)
        length = identifier.number(self.length_bytes)
        return self._managed(offset, length)

    def _cursor(self, data: bytes) -> Cursor:
        return Cursor(data, self.source.offset_size, self.source.length_size)

    def _huge(self, number: int) -> Cursor:
        if number not in self._huge_objects:
            raise ValueError(f"no object {number} in a heap")
        return self.source.block(*self._huge_objects[number])

    @cached_property
    def _huge_objects(self) -> dict[int, tuple[int | None, int]]:
        """Number -> address and length."""
        found = {}
        size = self.source.offset_size + 2 * self.source.length_size
        for record in records(self.source, self.huge, HUGE_OBJECTS, (size,)):
            address, length = record.address(), record.length()
            found[record.length()] = address, length
        return found

    def _managed(self, offset: int, length: int) -> Cursor:
        """Find the direct block that holds an offset, going down through indirect blocks."""
        address, rows, base, size = self.root, self.rows, 0, self.first
        while rows:
            row, start, size = self._row_of(offset - base)
            if row >= rows:
                raise ValueError("an object beyond the end of its heap")
            column = (offset - base - start) // size
            address = self._child(address, rows, row, column)
            base += start + column * size
            # An indirect block of a row has as many rows as it needs to cover the row's size.
            rows = 0 if row < self.direct_rows else (
                (size // (self.first * self.width)).bit_length())
        block = self._direct(address, size)
        at = offset - base
        if at < 0 or at + length > len(block):
            raise ValueError("an object that reaches beyond its heap")
        self.source.charge(length)
        return self._cursor(block[at : at + length])

    def _row_of(self, offset: int) -> tuple[int, int, int]:
        """The row of an indirect block that holds an offset, its start, and the size of its blocks.

        The blocks of the first two rows have the same size, those of each later row twice that of
        the row before. So every row but the first is as long as all before it together.
        """
        row = (offset // (self.width * self.first)).bit_length()
        size = self.first << max(row - 1, 0)
        return row, self.width * size if row else 0, size

    def _child(self, address: int | None, rows: int, row: int, column: int) -> int | None:
        size = self.source.offset_size
        entries = rows * self.width
        head = 5 + size + self.offset_bytes
        self.source.charge(COST_OF_BLOCK)
        if (address, rows) not in self.tables:
            block = self.source.checked(address, head + entries * size + 4, b"FHIB\x00")
            self.tables[address, rows] = block.data
        at = head + (row * self.width + column) * size      # no copy of what lies before
        return self._cursor(self.tables[address, rows][at : at + size]).address()

    def _direct(self, address: int | None, size: int) -> bytes:
        if address is None:
            raise ValueError("an object in a block that does not exist")
        if address not in self.blocks:
            self.blocks[address] = self._read_direct(address, size)
        return self.blocks[address]

    def _read_direct(self, address: int, size: int) -> bytes:
        block = self.source.block(address, size, b"FHDB\x00")
        if self.checksums:
            at = 5 + self.source.offset_size + self.offset_bytes
            stored = int.from_bytes(block.data[at : at + 4], "little")
            # The checksum is computed with zeros in its own place.
            if lookup3(block.data[:at] + bytes(4) + block.data[at + 4 :]) != stored:
                raise ValueError("its metadata have a wrong checksum")
        return block.data
