"""AVIFs with other items and boxes than those that Pillow writes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

SIDE = 64       # pixels of a picture


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of that kind."""
    joined = b"".join(content)
    return struct.pack(">I4s", len(joined) + 8, kind) + joined


def full(kind: bytes, *content: bytes, version: int = 0) -> bytes:
    """A box with a version."""
    return box(kind, struct.pack(">I", version << 24), *content)


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box."""
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + length]
        at += length


def inside(data: bytes, *path: bytes) -> bytes:
    """The content of the box on a path of kinds."""
    for kind in path:
        data = next(content for name, content in boxes(data) if name == kind)
        if kind == b"meta":
            data = data[4:]
    return data


def replaced(data: bytes, path: Sequence[bytes], content: bytes) -> bytes:
    """A file whose boxes on that path have another content; what moves is not found any more."""
    if not path:
        return content
    made = []
    for kind, inner in boxes(data):
        if kind == path[0]:
            head = 4 if kind == b"meta" and path[1:] else 0        # version and flags
            inner = inner[:head] + replaced(inner[head:], path[1:], content)
        made.append(box(kind, inner))
    return b"".join(made)


def of_items(data: bytes, cells: tuple[int, int] | None = None, parts: int = 1,
             in_idat: bool = False, properties: Sequence[bytes] = (),
             references: Sequence[bytes] = (), more: Sequence[bytes] = (),
             size: tuple[int, int] = (SIDE, SIDE), before: bytes = b"") -> bytes:
    """A file of one item, or of a grid of cells that share the pixels of one.

    Parameters
    ----------
    data : bytes
        A still picture as Pillow writes it.
    cells : (int, int), optional
        Rows and columns.
    parts : int
        Extents of each item.
    properties : list of bytes
        More properties of each picture, which are boxes.
    references, more : list of bytes
        Boxes in that of references, and in the table of items.
    size : (int, int)
        What each picture states.
    before : bytes
        Units of AV1 before those of the picture.
    """
    pixels = before + inside(data, b"mdat")
    rows, columns = cells or (1, 1)
    ids = range(2, 2 + rows * columns)
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, columns * SIDE, rows * SIDE)
    stored = grid + pixels
    ipco = [full(b"ispe", struct.pack(">II", columns * SIDE, rows * SIDE)),
            full(b"ispe", struct.pack(">II", *size)),
            *(box(kind, inside(data, b"meta", b"iprp", b"ipco", kind))
              for kind in (b"pixi", b"av1C")), *properties]

    def place(item: int, start: int, length: int, pieces: int = 1) -> bytes:
        each = -(-length // pieces)
        return struct.pack(">HHHH", item, in_idat, 0, pieces) + b"".join(
            struct.pack(">II", start + first, min(each, length - first))
            for first in range(0, length, each))

    def meta(start: int) -> bytes:
        infes = [full(b"infe", struct.pack(">HH", 1, 0), b"grid\0", version=2)] + [
            full(b"infe", struct.pack(">HH", item, 0), b"av01\0", version=2) for item in ids]
        places = [place(1, start, len(grid))] + [
            place(item, start + len(grid), len(pixels), parts) for item in ids]
        tied = [2, 3, 0x84, *(0x80 + 5 + index for index in range(len(properties)))]
        ipma = [struct.pack(">HB3B", 1, 3, 1, 3, 4)] + [
            struct.pack(">HB", item, len(tied)) + bytes(tied) for item in ids]
        dimg = box(b"dimg", struct.pack(f">HH{len(ids)}H", 1, len(ids), *ids)) if cells else b""
        return full(
            b"meta", full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", 1 if cells else 2)),
            full(b"iloc", struct.pack(">HH", 0x4400, len(places)), *places, version=1),
            full(b"iinf", struct.pack(">H", len(infes)), *infes),
            full(b"iref", dimg, *references),
            box(b"iprp", box(b"ipco", *ipco), full(b"ipma", struct.pack(">I", len(ipma)), *ipma)),
            *([box(b"idat", stored)] if in_idat else []), *more)

    ftyp = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    start = 0 if in_idat else len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + (b"" if in_idat else box(b"mdat", stored))
