"""The message that says how an array is stored: in its header, in one piece, or in chunks."""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.hdf5.source import Cursor, UnsupportedError

COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3
# How chunks are found. 0 is a B-tree of version 1; the others are those since HDF5 1.10.
OLD_TREE, SINGLE, IMPLICIT, FIXED_ARRAY, EXTENSIBLE_ARRAY, TREE = 0, 1, 2, 3, 4, 5
# Bytes of each index's parameters, which its own header repeats.
_PARAMETERS = {SINGLE: 0, IMPLICIT: 0, FIXED_ARRAY: 1, EXTENSIBLE_ARRAY: 5, TREE: 6}
# Flags of chunks.
EDGES_WITHOUT_FILTERS, SINGLE_FILTERED = 1, 2


@dataclass(frozen=True)
class Layout:
    """A layout message: the kind, then what each kind needs."""

    kind: int
    address: int | None = None
    data: bytes = b""           # of a compact array
    size: int = 0               # of a contiguous one
    chunk: tuple[int, ...] = ()
    index: int = OLD_TREE
    flags: int = 0
    filtered: tuple[int, int] | None = None     # size and mask of a single compressed chunk


def read_layout(body: Cursor) -> Layout:
    """Read a layout message of version 3, 4 or 5; HDF5 2.0 writes the last for large chunks."""
    version, kind = body.number(1), body.number(1)
    if version not in (3, 4, 5) or kind > VIRTUAL:
        raise UnsupportedError(f"an array is stored as version {version} of HDF5's layouts says, "
                               "but versions 3 to 5 are read")
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
    if index not in _PARAMETERS:
        raise UnsupportedError(f"an array has its chunks in an index of the kind {index}, which "
                               "is unknown")
    filtered = None
    if index == SINGLE and flags & SINGLE_FILTERED:
        filtered = body.length(), body.number(4)
    body.take(_PARAMETERS[index])
    return Layout(kind, body.address(), chunk=chunk, index=index, flags=flags, filtered=filtered)


def _chunk(body: Cursor, rank: int, width: int) -> tuple[int, ...]:
    """The shape of a chunk; a layout lists it with the size of an element at the end."""
    if not 2 <= rank <= 9 or not 1 <= width <= 8:
        raise ValueError(f"chunks of {rank - 1} dimensions")
    chunk = tuple(body.number(width) for _ in range(rank))[:-1]
    if 0 in chunk:
        raise ValueError("chunks without elements")
    return chunk
