"""Changes of MATLAB's files: elements are taken apart, changed, and put together with right sizes.

An element is a type, a count of bytes and content; a matrix contains elements, and a compressed
element one matrix.
"""

from __future__ import annotations

import struct
import zlib
from random import Random

from tests.fuzz.mutators.basic import EDGES, Leaf

HEADER = 128
MATRIX, COMPRESSED = 14, 15
KINDS = (1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 15, 16, 17, 18, 255)
MAX_DEPTH = 12
# Decompressed bytes of a whole file, and of what one change puts in.
MAX_BYTES = 1 << 18

# (type, content or the elements in it)
Element = tuple[int, "bytes | list[Element]"]


def mutate_mat(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change one element somewhere inside, or the bytes of the file."""
    if random.random() < 0.25 or data[126:128] != b"IM":
        return leaf(random, data)
    try:
        elements = _Parser().elements(data[HEADER:])
    except Exception:           # damaged by an earlier change, or too large
        return leaf(random, data)
    changed = data[:HEADER] + _join(_mutated(random, elements, leaf, 0))
    if random.random() < 0.15:
        at = HEADER + 4 * random.randrange((len(changed) - HEADER) // 4 or 1)
        edge = random.choice(EDGES[:10])
        changed = changed[:at] + edge + changed[at + len(edge):]
    return changed


class _Parser:
    """Takes elements apart, unless they are too large when decompressed."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def elements(self, data: bytes, depth: int = 0) -> list[Element]:
        found: list[Element] = []
        at = 0
        while at + 8 <= len(data):
            kind, count = struct.unpack_from("<II", data, at)
            if kind >> 16:                  # packed into the tag; a damaged one states up to 65535
                found.append((kind & 0xFFFF, data[at + 4 : at + 4 + min(kind >> 16, 4)]))
                at += 8
                continue
            content = data[at + 8 : at + 8 + count]
            if kind == COMPRESSED and depth < MAX_DEPTH:
                found.append((kind, self.elements(self.inflated(content), depth + 1)))
                at += 8 + count
                continue
            is_matrix = kind == MATRIX and depth < MAX_DEPTH
            found.append((kind, self.elements(content, depth + 1) if is_matrix else content))
            at += 8 + count + -count % 8
        return found

    def inflated(self, content: bytes) -> bytes:
        data = zlib.decompressobj().decompress(content, MAX_BYTES)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"more than {MAX_BYTES:,} bytes when decompressed")
        return data


def _join(elements: list[Element]) -> bytes:
    parts = []
    for kind, inner in elements:
        content = inner if isinstance(inner, bytes) else _join(inner)
        if kind == COMPRESSED:
            content = zlib.compress(content, 1)
            parts.append(struct.pack("<II", kind, len(content)) + content)
        elif 0 < len(content) <= 4 and kind != MATRIX:
            parts.append(struct.pack("<HH", kind, len(content)) + content.ljust(4, b"\0"))
        else:
            parts.append(struct.pack("<II", kind, len(content)) + content
                         + bytes(-len(content) % 8))
    return b"".join(parts)


def _size(inner: bytes | list[Element]) -> int:
    """The bytes of a content, without compression."""
    return len(inner) if isinstance(inner, bytes) else sum(8 + _size(each) for _, each in inner)


def _mutated(random: Random, elements: list[Element], leaf: Leaf, depth: int) -> list[Element]:
    """Change one element, in this list or deeper."""
    if not elements:
        return [(random.choice(KINDS), b"")]
    changed = list(elements)
    at = random.randrange(len(changed))
    kind, inner = changed[at]
    if isinstance(inner, list) and random.random() < 0.85:
        changed[at] = kind, _mutated(random, inner, leaf, depth + 1)
        return changed
    match random.randrange(8):
        case 0:
            del changed[at]
        case 1:
            copies = random.choice((1, 1, 1, 10, 300))
            changed[at:at] = [changed[at]] * min(copies, MAX_BYTES // (_size(inner) + 8))
        case 2:
            changed[at] = random.choice(changed)
        case 3:
            changed[at] = random.choice(KINDS), inner
        case 4:
            # One matrix within itself: nested deeper than before.
            changed[at] = kind, [*changed[:at], (MATRIX, list(elements)), *changed[at + 1:]]
        case _ if isinstance(inner, bytes):
            changed[at] = kind, leaf(random, inner)[: 1 << 15]
        case _:
            changed.reverse()
    return changed
