"""Changes of pictures: chunks of PNG with right checksums, entries of TIFF, boxes of AVIF."""

from __future__ import annotations

import struct
import zlib
from random import Random

from tests.fuzz.mutators.basic import EDGES, Leaf, mutate_number

PNG = b"\x89PNG\r\n\x1a\n"
KINDS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"eXIf",
         b"gAMA", b"cHRM", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"sRGB")
ENTRY = 12          # bytes of an entry of TIFF
MAX_CHUNKS = 200
# Boxes of AVIF that hold others, behind so many bytes; and boxes that may be put in for others.
HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"iref": 4, b"moov": 0, b"trak": 0,
           b"mdia": 0, b"minf": 0, b"stbl": 0, b"stsd": 8}
BOXES = (b"ispe", b"a1lx", b"a1op", b"lsel", b"auxC", b"dimg", b"auxl", b"thmb", b"idat", b"free",
         b"irot", b"clap", b"co64", b"grid")


def mutate_picture(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change a picture by the structure of its format, if there is one here."""
    if random.random() < 0.3:
        return leaf(random, data)
    if data.startswith(PNG):
        return _mutate_png(random, data, leaf)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _mutate_tiff(random, data, leaf)
    if data[4:8] == b"ftyp":
        return _mutate_boxes(random, data, leaf)
    return leaf(random, data)


def _mutate_png(random: Random, data: bytes, leaf: Leaf) -> bytes:
    chunks, at = [], len(PNG)
    while at + 8 <= len(data) and len(chunks) < MAX_CHUNKS:
        (count,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + count]))
        at += 12 + count
    if not chunks:
        return leaf(random, data)
    at = random.randrange(len(chunks))
    kind, content = chunks[at]
    match random.randrange(8):
        case 0:
            del chunks[at]
        case 1:
            chunks.insert(at, chunks[random.randrange(len(chunks))])
        case 2:
            chunks[at] = random.choice(KINDS), content
        case 3 if kind == b"IDAT":
            chunks[at] = kind, _recompressed(random, content, leaf)
        case 4 if kind == b"IHDR" and len(content) == 13:
            fields = list(struct.unpack(">IIBBBBB", content))
            place = random.randrange(7)
            limit = 1 << 32 if place < 2 else 256
            fields[place] = mutate_number(random, fields[place]) % limit
            chunks[at] = kind, struct.pack(">IIBBBBB", *fields)
        case _:
            chunks[at] = kind, leaf(random, content)
    lengths = [len(content) for _, content in chunks]
    if lengths and random.random() < 0.1:       # one chunk states another length than its own
        at = random.randrange(len(lengths))
        lengths[at] = mutate_number(random, lengths[at]) % (1 << 32)
    return PNG + b"".join(struct.pack(">I", length) + kind + content
                          + struct.pack(">I", zlib.crc32(kind + content))
                          for length, (kind, content) in zip(lengths, chunks))


def _recompressed(random: Random, content: bytes, leaf: Leaf) -> bytes:
    try:
        plain = zlib.decompressobj().decompress(content, 1 << 18)
    except zlib.error:
        return content
    return zlib.compress(leaf(random, plain), 1)


def _mutate_tiff(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change a field of an entry of the first directory, or of the data that it names."""
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 10 or data[2:4] not in (b"*\0", b"\0*"):
        return leaf(random, data)
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return leaf(random, data)
    (count,) = struct.unpack_from(order + "H", data, start)
    changed = bytearray(data)
    at = start + 2 + ENTRY * random.randrange(count or 1)
    if at + ENTRY > len(data):
        return leaf(random, data)
    tag, kind, values, value = struct.unpack_from(order + "HHII", data, at)
    match random.randrange(5):
        case 0:
            tag = random.choice((256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 322,
                                 323, 324, 325, 338, 339, 34675, 34665, 700, 270))
        case 1:
            kind = random.randrange(20)
        case 2:
            values = mutate_number(random, values) % (1 << 32)
        case 3:
            value = mutate_number(random, value) % (1 << 32)
        case _:
            edge = random.choice(EDGES[:10])
            changed[value : value + len(edge)] = edge[: max(0, len(changed) - value)]
    if at + ENTRY <= len(changed):
        struct.pack_into(order + "HHII", changed, at, tag, kind, values, value)
    return bytes(changed)


def _mutate_boxes(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change one box at any depth, and the lengths of those around it unless they shall be wrong.

    Places are not corrected, so most changes keep the length.
    """
    at, end, around = 0, len(data), []
    while True:
        found = _boxes(data, at, end)
        if not found:
            return leaf(random, data)
        start, stop = random.choice(found)
        kind = data[start + 4 : start + 8]
        at, end = start + 8 + HOLDERS.get(kind, 0), stop
        if kind not in HOLDERS or random.random() < 0.1:
            break
        around.append(start)
    content = data[start + 8 : stop]
    match random.randrange(8):
        case 0:
            made = b""
        case 1:
            made = 2 * data[start:stop]
        case 2:
            made = data[start : start + 4] + random.choice(BOXES) + content
        case 3:
            content = leaf(random, content)
            made = struct.pack(">I", 8 + len(content)) + kind + content
        case 4:
            made = struct.pack(">I", random.choice((0, 1, 7, stop - start + 8))) + kind + content
        case _:
            made = data[start : start + 8] + _renumbered(random, content)
    changed = bytearray(data[:start] + made + data[stop:])
    for outer in around if random.random() < 0.9 else ():
        length = struct.unpack_from(">I", data, outer)[0] + len(made) - (stop - start)
        struct.pack_into(">I", changed, outer, max(0, length))
    return bytes(changed)


def _boxes(data: bytes, at: int, end: int) -> list[tuple[int, int]]:
    """Begin and end of each box in a part of a file."""
    found: list[tuple[int, int]] = []
    while at + 8 <= end and len(found) < MAX_CHUNKS:
        (length,) = struct.unpack_from(">I", data, at)
        if length < 8:
            break
        found.append((at, min(end, at + length)))
        at += length
    return found


def _renumbered(random: Random, content: bytes) -> bytes:
    """Content in which one number of one, two or four bytes is another."""
    size = random.choice((1, 2, 4))
    if len(content) < size:
        return content
    at = random.randrange(len(content) - size + 1)
    number = mutate_number(random, int.from_bytes(content[at : at + size])) % (1 << 8 * size)
    return content[:at] + number.to_bytes(size) + content[at + size :]
