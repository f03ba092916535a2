"""Arrays that are stored in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from minigrad.hdf5.chunk_index import grid, places
from minigrad.hdf5.datatypes import Space
from minigrad.hdf5.filters import most_stored, restored
from minigrad.hdf5.layouts import EDGES_WITHOUT_FILTERS, Layout
from minigrad.hdf5.source import COST_OF_CHUNK, COST_OF_FILTER, Source, UnsupportedError

# A chunk is always held whole.
MAX_CHUNK = 1 << 26
MAX_CHUNKS = 50_000


class Chunk(NamedTuple):
    """Where a chunk belongs in its array, where it lies in the file, and its filters."""

    origin: tuple[int, ...]
    address: int
    stored: int
    filters: list[int]


def find_chunks(source: Source, layout: Layout, filters: tuple[int, ...], space: Space,
                itemsize: int) -> Iterator[Chunk]:
    """Yield every chunk of an array, of which the data are not read.

    Raises
    ------
    UnsupportedError
        There are more or larger chunks than in any weights file.
    ValueError
        One is missing, beyond the file or far too long, or all of them are far larger than the
        array.
    """
    shape, chunk = space.shape, layout.chunk
    size = prod(chunk) * itemsize
    missing = prod(map(len, grid(shape, chunk)))
    if size > MAX_CHUNK or missing > MAX_CHUNKS:
        raise UnsupportedError(f"an array is stored in {missing:,} chunks of {size:,} bytes, but "
                               f"at most {MAX_CHUNKS:,} of {MAX_CHUNK:,} are read")
    # Chunks at the edge reach beyond the array, and an array that was made to grow may be much
    # smaller than its only chunk. All of them are decoded in full.
    source.charge_overhang(max(missing * size - 2 * prod(shape) * itemsize, 0))
    for place in places(source, layout, space, size, bool(filters)):
        if place.address is None:
            break
        used = [number for bit, number in enumerate(filters) if not place.mask >> bit & 1]
        if layout.flags & EDGES_WITHOUT_FILTERS and any(
                start + step > length for start, step, length in zip(place.origin, chunk, shape)):
            used = []
        source.charge(COST_OF_CHUNK + COST_OF_FILTER * len(used))
        if place.stored > most_stored(size):
            raise ValueError(f"{place.stored:,} bytes for a chunk of {size:,}")
        source.check_range(place.address, place.stored)
        yield Chunk(place.origin, place.address, place.stored, used)
        missing -= 1
    if missing:
        raise ValueError("a chunk is missing")


def read_chunks(source: Source, layout: Layout, filters: tuple[int, ...], space: Space,
                dtype: np.dtype) -> np.ndarray:
    """Read an array that is stored in chunks.

    Raises
    ------
    ValueError, zlib.error
        As `find_chunks`, or a chunk is damaged.
    """
    size = prod(layout.chunk) * dtype.itemsize
    result: np.ndarray | None = None
    for chunk in find_chunks(source, layout, filters, space, dtype.itemsize):
        if result is None:      # not before the first checks
            result = np.empty(space.shape, dtype)
        data = restored(source.data(chunk.address, chunk.stored), chunk.filters, size,
                        dtype.itemsize)
        part = result[tuple(slice(start, start + step)
                            for start, step in zip(chunk.origin, layout.chunk))]
        part[...] = np.frombuffer(data, dtype).reshape(layout.chunk)[
            tuple(slice(0, length) for length in part.shape)]
    assert result is not None
    return result
