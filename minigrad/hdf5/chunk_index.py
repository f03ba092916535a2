"""Where the chunks of an array lie in a file, by the six kinds of index that HDF5 has.

Three of them number the chunks. HDF5 counts along each axis all chunks that the largest shape has,
not only those of the present one; in an array that may grow without end along one axis, that axis
is counted as the first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from operator import floordiv, mul
from typing import NamedTuple

from minigrad.hdf5.datatypes import Space
from minigrad.hdf5.layouts import (
    EXTENSIBLE_ARRAY,
    FIXED_ARRAY,
    IMPLICIT,
    OLD_TREE,
    SINGLE,
    TREE,
    Layout,
)
from minigrad.hdf5.source import COST_OF_ENTRY, Cursor, Source
from minigrad.hdf5.trees import CHUNK_NODE, CHUNKS, FILTERED_CHUNKS, leaves, records

# A list longer than any that an index can have.
MAX_BITS = 64


class Place(NamedTuple):
    """First element of a chunk; address in the file, None if it was never written; stored bytes;
    and the mask of the filters that were skipped."""

    origin: tuple[int, ...]
    address: int | None
    stored: int
    mask: int = 0


def places(source: Source, layout: Layout, space: Space, size: int, filtered: bool
           ) -> Iterator[Place]:
    """Yield the place of every chunk.

    Parameters
    ----------
    size : int
        Bytes of a chunk without filters.
    filtered : bool
        Whether chunks go through filters, so that each has its own size in the file.

    Raises
    ------
    ValueError
        The index is damaged, or has a chunk where none belongs.
    """
    lines = grid(space.shape, layout.chunk)
    if layout.address is None:
        return
    if layout.index == SINGLE:
        yield Place((0,) * len(lines), layout.address, *(layout.filtered or (size, 0)))
    elif layout.index in (OLD_TREE, TREE):
        yield from _from_tree(source, layout, lines, size, filtered)
    else:
        steps = _steps(layout, space)
        place = _numbered(source, layout, size, filtered)
        for origin in itertools.product(*lines):
            cell = map(floordiv, origin, layout.chunk)
            yield Place(origin, *place(sum(map(mul, cell, steps))))


def grid(shape: tuple[int, ...], chunk: tuple[int, ...]) -> list[range]:
    """The first elements of chunks along each axis."""
    return [range(0, length, step) for length, step in zip(shape, chunk, strict=True)]


# ---------------------------------------------------------------- trees


def _from_tree(source: Source, layout: Layout, lines: list[range], size: int, filtered: bool
               ) -> Iterator[Place]:
    found = (_old_tree(source, layout, len(lines)) if layout.index == OLD_TREE
             else _tree(source, layout, size, filtered))
    seen = set()
    for place in found:
        origin = place.origin
        if origin in seen or any(start not in line for start, line in zip(origin, lines)):
            raise ValueError(f"a chunk at {origin}, where none belongs")
        seen.add(origin)
        yield place


def _old_tree(source: Source, layout: Layout, rank: int) -> Iterator[Place]:
    for key, address in leaves(source, layout.address, CHUNK_NODE, 16 + 8 * rank):
        stored, mask = key.number(4), key.number(4)
        yield Place(tuple(key.number(8) for _ in range(rank)), address, stored, mask)


def _tree(source: Source, layout: Layout, size: int, filtered: bool) -> Iterator[Place]:
    least = source.offset_size + 8 * len(layout.chunk)
    kind, widths = (FILTERED_CHUNKS, range(5, 13)) if filtered else (CHUNKS, range(1))
    for record in records(source, layout.address, kind, [least + width for width in widths]):
        address, stored, mask = _entry(record, record.left - least, size)
        yield Place(tuple(record.number(8) * step for step in layout.chunk), address, stored, mask)


def _entry(entry: Cursor, width: int, size: int) -> tuple[int | None, int, int]:
    """Address, stored bytes and mask: `width` bytes for both if there are filters, or none."""
    address = entry.address()
    return (address, entry.number(width - 4), entry.number(4)) if width else (address, size, 0)


# ---------------------------------------------------------------- numbers


def _steps(layout: Layout, space: Space) -> list[int]:
    """By how much the number of a chunk rises along each axis."""
    most = [None if limit is None else -(-limit // step)
            for limit, step in zip(space.maximum, layout.chunk)]
    if most.count(None) != (layout.index == EXTENSIBLE_ARRAY):
        raise ValueError(f"an array that may grow along {most.count(None)} axes without end has "
                         "another index of its chunks")
    steps, step = [0] * len(most), 1
    # The axis without end is last here, so its step is the greatest.
    for axis in sorted(range(len(most)), key=lambda axis: (most[axis] is None, -axis)):
        steps[axis] = step
        step *= most[axis] or 1
    return steps


def _numbered(source: Source, layout: Layout, size: int, filtered: bool
              ) -> Callable[[int], tuple[int | None, int, int]]:
    """The function from the number of a chunk to its address, stored bytes and mask."""
    if layout.index == IMPLICIT:
        if filtered:
            raise ValueError("chunks with filters in an index without sizes")
        start = layout.address or 0
        return lambda number: (start + number * size, size, 0)
    kind = FixedArray if layout.index == FIXED_ARRAY else ExtensibleArray
    array = kind(source, layout.address, filtered)

    def place(number: int) -> tuple[int | None, int, int]:
        source.charge(COST_OF_ENTRY)
        entry = array.entry(number)
        return (None, 0, 0) if entry is None else _entry(entry, array.sizes, size)
    return place


class _Array:
    """What both arrays of chunks share: entries of equal width, in blocks and pages of blocks."""

    def __init__(self, source: Source, head: Cursor, filtered: bool) -> None:
        self.source = source
        client, self.width = head.number(1), head.number(1)
        self.sizes = self.width - source.offset_size
        if client != filtered or self.sizes not in (range(5, 13) if filtered else (0,)):
            raise ValueError("a list of chunks with another width than expected")
        self.blocks: dict[int, Cursor] = {}

    def block(self, address: int, count: int, signature: bytes) -> Cursor:
        """A block, which is read once; count without its checksum."""
        if address not in self.blocks:
            self.blocks[address] = self.source.checked(address, count + 4, signature)
        return self.blocks[address]

    def among(self, block: Cursor, start: int, number: int) -> Cursor:
        """An entry of a block."""
        return _inside(block, start + number * self.width, self.width)


def _inside(block: Cursor, at: int, count: int) -> Cursor:
    """A part of a block that starts at a byte."""
    part = block.data[at : at + count]
    return Cursor(part, block.offset_size, block.length_size)


def _has_page(block: Cursor, start: int, number: int) -> bool:
    """Whether a page was written; the bits of a byte are counted from its highest."""
    return bool(block.data[start + number // 8] << number % 8 & 128)


class FixedArray(_Array):
    """A list of all chunks that there can be, which is cut into pages if it is long."""

    def __init__(self, source: Source, at: int | None, filtered: bool) -> None:
        head = source.checked(at, 12 + source.offset_size + source.length_size, b"FAHD\x00")
        super().__init__(source, head, filtered)
        page_bits, self.count, self.address = head.number(1), head.length(), head.address()
        if page_bits > MAX_BITS:
            raise ValueError(f"a list of chunks in pages of 2^{page_bits}")
        self.page = 1 << page_bits

    def entry(self, number: int) -> Cursor | None:
        """The entry of a chunk; None if it was never written."""
        if number >= self.count or self.address is None:
            return None
        start = 6 + self.source.offset_size
        if self.count <= self.page:
            block = self.block(self.address, start + self.count * self.width, b"FADB\x00")
            return self.among(block, start, number)
        flags = -(-self.count // self.page) + 7 >> 3
        block = self.block(self.address, start + flags, b"FADB\x00")
        page, place = divmod(number, self.page)
        if not _has_page(block, start, page):
            return None
        at = self.address + start + flags + 4 + page * (self.page * self.width + 4)
        length = min(self.page, self.count - page * self.page)
        return self.among(self.block(at, length * self.width, b""), 0, place)


class ExtensibleArray(_Array):
    """A list that grows: its first entries lie in an index, the others in blocks, ever larger.

    Blocks of the same length form a group, numbered from 0. Group g has 2^⌊g/2⌋ blocks of
    least · 2^⌈g/2⌉ entries. The index has the addresses of the blocks of the first groups, and of
    tables of those of the others.
    """

    def __init__(self, source: Source, at: int | None, filtered: bool) -> None:
        head = source.checked(at, 16 + 6 * source.length_size + source.offset_size, b"EAHD\x00")
        super().__init__(source, head, filtered)
        bits, self.first, self.least, pointers, page_bits = (head.number(1) for _ in range(5))
        head.take(6 * source.length_size)
        self.address = head.address()
        powers = all(value and value & value - 1 == 0 for value in (self.least, pointers))
        if not powers or bits > MAX_BITS or page_bits > MAX_BITS:
            raise ValueError("a list of chunks of impossible sizes")
        self.page = 1 << page_bits
        self.offset_bytes = bits + 7 >> 3
        self.direct_groups = 2 * (pointers.bit_length() - 1)
        self.direct_blocks = 2 * (pointers - 1)
        self.groups = bits + 2 - self.least.bit_length()

    def entry(self, number: int) -> Cursor | None:
        """The entry of a chunk; None if it was never written."""
        if self.address is None:
            return None
        if number < self.first:
            return self.among(self._index(), self._head, number)
        number -= self.first
        group = (number // self.least + 1).bit_length() - 1
        if group >= self.groups:
            return None
        length = self.least << (group + 1) // 2
        block, place = divmod(number - self.least * ((1 << group) - 1), length)
        if group < self.direct_groups:
            before = sum(1 << other // 2 for other in range(group))
            return self._of_block(self._address(before + block), length, place)
        return self._of_group(group, length, block, place)

    @property
    def _head(self) -> int:
        """Bytes before the entries of the index."""
        return 6 + self.source.offset_size

    def _index(self) -> Cursor:
        tables = max(self.groups - self.direct_groups, 0)
        size = self.first * self.width + (self.direct_blocks + tables) * self.source.offset_size
        assert self.address is not None
        return self.block(self.address, self._head + size, b"EAIB\x00")

    def _address(self, number: int) -> int | None:
        """An address in the index: of a block, or after those of a table."""
        size = self.source.offset_size
        start = self._head + self.first * self.width
        return _inside(self._index(), start + number * size, size).address()

    def _of_block(self, address: int | None, length: int, place: int) -> Cursor | None:
        if address is None:
            return None
        if length > self.page:
            raise ValueError("a list of chunks with pages where none belong")
        start = self._head + self.offset_bytes
        return self.among(self.block(address, start + length * self.width, b"EADB\x00"), start,
                          place)

    def _of_group(self, group: int, length: int, block: int, place: int) -> Cursor | None:
        address = self._address(self.direct_blocks + group - self.direct_groups)
        if address is None:
            return None
        size, blocks = self.source.offset_size, 1 << group // 2
        pages = length // self.page if length > self.page else 0
        start = self._head + self.offset_bytes
        flags = (pages + 7 >> 3) * blocks
        table = self.block(address, start + flags + blocks * size, b"EASB\x00")
        address = _inside(table, start + flags + block * size, size).address()
        if not pages or address is None:
            return self._of_block(address, length, place)
        page, place = divmod(place, self.page)
        if not _has_page(table, start, block * pages + page):
            return None
        at = address + start + 4 + page * (self.page * self.width + 4)
        return self.among(self.block(at, self.page * self.width, b""), 0, place)
