"""Where the bytes of an array lie: in its header, in one piece, or in chunks with filters."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from minigrad.hdf5.checksums import fletcher32_fits
from minigrad.hdf5.source import COST_OF_CHUNK, COST_OF_FILTER, Cursor, Source
from minigrad.hdf5.trees import CHUNK_NODE, leaves

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3
# How chunks are found in files since HDF5 1.10.
SINGLE, IMPLICIT, FIXED_ARRAY = 1, 2, 3
# A chunk is always held whole.
MAX_CHUNK = 1 << 26
MAX_CHUNKS = 50_000
MAX_FILTERS = 8


@dataclass(frozen=True)
class Layout:
    """A layout message: the kind, then what each kind needs."""

    kind: int
    address: int | None = None
    data: bytes = b""           # of a compact array
    size: int = 0               # of a contiguous one
    chunk: tuple[int, ...] = ()
    index: int = 0              # 0 is a B-tree
    filtered: tuple[int, int] | None = None     # size and mask of a single compressed chunk


def read_layout(body: Cursor) -> Layout:
    """Read a layout message of version 3 or 4."""
    version, kind = body.number(1), body.number(1)
    if version not in (3, 4) or kind > VIRTUAL:
        raise ValueError(f"version {version} of a layout is unknown")
    if kind == COMPACT:
        return Layout(kind, data=body.take(body.number(2)))
    if kind == CONTIGUOUS:
        return Layout(kind, body.address(), size=body.length())
    if kind == VIRTUAL:
        return Layout(kind)
    if version == 3:
        rank = body.number(1)
        address = body.address()
        return Layout(kind, address, chunk=_chunk(body, rank, 4))
    flags, rank, width = body.number(1), body.number(1), body.number(1)
    chunk, index = _chunk(body, rank, width), body.number(1)
    filtered = None
    if index == SINGLE and flags & 2:
        filtered = body.length(), body.number(4)
    if index == FIXED_ARRAY:
        body.take(1)
    if index not in (SINGLE, IMPLICIT, FIXED_ARRAY):
        raise ValueError("chunks of an array that can grow, which no weights need")
    return Layout(kind, body.address(), chunk=chunk, index=index, filtered=filtered)


def _chunk(body: Cursor, rank: int, width: int) -> tuple[int, ...]:
    """The shape of a chunk; a layout lists it with the size of an element at the end."""
    if not 2 <= rank <= 9 or not 1 <= width <= 8:
        raise ValueError(f"chunks of {rank - 1} dimensions")
    chunk = tuple(body.number(width) for _ in range(rank))[:-1]
    if 0 in chunk:
        raise ValueError("chunks without elements")
    return chunk


def read_filters(body: Cursor) -> tuple[int, ...]:
    """The numbers of a pipeline's filters, in the order of writing."""
    version, count = body.number(1), body.number(1)
    if version not in (1, 2) or count > MAX_FILTERS:
        raise ValueError(f"{count} filters")
    body.take(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        number = body.number(2)
        name = body.number(2) if version == 1 or number >= 256 else 0
        body.number(2)
        values = body.number(2)
        body.take(name + 4 * values + (4 * (values % 2) if version == 1 else 0))
        if number not in (DEFLATE, SHUFFLE, FLETCHER32):
            raise ValueError(f"data with HDF5's filter {number}, which no weights need")
        if number in found:
            raise ValueError(f"data to which HDF5's filter {number} was applied twice")
        found.append(number)
    return tuple(found)


def read_chunks(source: Source, layout: Layout, filters: tuple[int, ...], shape: tuple[int, ...],
                dtype: np.dtype) -> np.ndarray:
    """Read an array that is stored in chunks.

    Raises
    ------
    ValueError, zlib.error
        A chunk is missing, damaged or larger than any in a weights file, or all of them are far
        larger than the array.
    """
    chunk = layout.chunk
    size = prod(chunk) * dtype.itemsize
    grid = [range(0, length, step) for length, step in zip(shape, chunk, strict=True)]
    missing = prod(map(len, grid))
    if size > MAX_CHUNK or missing > MAX_CHUNKS:
        raise ValueError(f"{missing:,} chunks of {size:,} bytes, which is too many or too large")
    # Chunks at the edge reach beyond the array, and an array that was made to grow may be much
    # smaller than its only chunk. All of them are decoded in full.
    source.charge_overhang(max(missing * size - 2 * prod(shape) * dtype.itemsize, 0))
    result = np.empty(shape, dtype)
    for place, address, stored, mask in _places(source, layout, grid, size, bool(filters)):
        if address is None:
            raise ValueError("a chunk is missing")
        used = [number for bit, number in enumerate(filters) if not mask >> bit & 1]
        source.charge(COST_OF_CHUNK + COST_OF_FILTER * len(used))
        if stored > most_stored(size):
            raise ValueError(f"{stored:,} bytes for a chunk of {size:,}")
        data = _restored(source.data(address, stored), used, size, dtype.itemsize)
        target = tuple(slice(start, start + step) for start, step in zip(place, chunk))
        part = result[target]
        part[...] = np.frombuffer(data, dtype).reshape(chunk)[
            tuple(slice(0, length) for length in part.shape)]
        missing -= 1
    if missing:
        raise ValueError("a chunk is missing")
    return result


def most_stored(size: int) -> int:
    """Bytes that a chunk has at most in a file: deflate and Fletcher-32 may make it longer."""
    return size + size // 500 + 64


Place = tuple[tuple[int, ...], int | None, int, int]


def _places(source: Source, layout: Layout, grid: list[range], size: int, filtered: bool
            ) -> Iterator[Place]:
    """Yield first element, address, stored bytes and mask of skipped filters of every chunk."""
    if layout.address is None:
        return
    origins = itertools.product(*grid)
    if layout.index == SINGLE:
        stored, mask = layout.filtered or (size, 0)
        yield next(origins), layout.address, stored, mask
    elif layout.index == IMPLICIT:
        for number, origin in enumerate(origins):
            yield origin, layout.address + number * size, size, 0
    elif layout.index == FIXED_ARRAY:
        for origin, entry in zip(origins, _fixed_array(source, layout.address)):
            address = entry.address()
            if not filtered:
                yield origin, address, size, 0
            else:
                yield origin, address, entry.number(entry.left - 4), entry.number(4)
    else:
        yield from _tree_places(source, layout, grid)


def _tree_places(source: Source, layout: Layout, grid: list[range]) -> Iterator[Place]:
    seen = set()
    for key, address in leaves(source, layout.address, CHUNK_NODE, 16 + 8 * len(grid)):
        stored, mask = key.number(4), key.number(4)
        origin = tuple(key.number(8) for _ in grid)
        if origin in seen or any(start not in line for start, line in zip(origin, grid)):
            raise ValueError(f"a chunk at {origin}, where none belongs")
        seen.add(origin)
        yield origin, address, stored, mask


def _fixed_array(source: Source, at: int) -> Iterator[Cursor]:
    """Yield the entries of a fixed array, which is cut into pages if it is long."""
    head = source.checked(at, 12 + source.offset_size + source.length_size, b"FAHD\x00")
    client, width, page_bits, count = head.number(1), head.number(1), head.number(1), head.length()
    address = head.address()
    if count > MAX_CHUNKS or client > 1 or address is None or page_bits > 32:
        raise ValueError(f"a list of {count:,} chunks")
    page = 1 << page_bits
    start = 6 + source.offset_size
    if count <= page:
        block = source.checked(address, start + count * width + 4, b"FADB\x00")
        block.take(start - 5)
        for _ in range(count):
            yield block.part(width)
        return
    pages = -(-count // page)
    source.checked(address, start + -(-pages // 8) + 4, b"FADB\x00")
    at = address + start + -(-pages // 8) + 4
    for first in range(0, count, page):
        length = min(page, count - first)
        block = source.checked(at, length * width + 4, b"")
        for _ in range(length):
            yield block.part(width)
        at += page * width + 4


def _restored(data: bytes, filters: list[int], size: int, itemsize: int) -> bytes:
    """Undo the filters of a chunk, the last first; the result has `size` bytes."""
    for number in reversed(filters):
        if number == FLETCHER32:
            if len(data) < 4 or not fletcher32_fits(data[:-4], int.from_bytes(data[-4:], "little")):
                raise ValueError("a chunk has a wrong checksum")
            data = data[:-4]
        elif number == DEFLATE:
            # Four bytes more, for a checksum that was computed before the compression.
            data = zlib.decompressobj().decompress(data, size + 4)
        elif itemsize > 1:      # shuffle: all first bytes, then all second bytes …
            whole = len(data) // itemsize * itemsize
            planes = np.frombuffer(data, np.uint8, whole).reshape(itemsize, -1)
            data = planes.T.tobytes() + data[whole:]
    if len(data) != size:
        raise ValueError(f"a chunk of {len(data):,} bytes, but {size:,} are expected")
    return data
