"""Read MATLAB's level 5 MAT-files as one stream: cells, structures, text and numbers.

Files may be untrusted and as large as 500 MB. The stream is read and decompressed once from start
to end, and unneeded arrays are skipped. SciPy reads the same format, but as a whole, and its C code
recurses on the content.

Specification: MathWorks, "MAT-File Format", chapter 1, level 5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np

# A cell of structures of cells of arrays has four levels.
MAX_DEPTH = 12
MAX_ELEMENTS = 20_000
MAX_VARIABLES = 1_000
# Decompressed bytes of a whole file; VGG19 with its dense layers has 575 million.
MAX_BYTES = 1 << 30
# Bytes of all arrays that are kept, at eight bytes for an element.
MAX_KEPT = 1 << 28
MAX_NAME = 4096
# Bytes of all names, names of fields and texts; those of a thousand classes have 50 KB.
MAX_TEXT = 4 << 20

# Types of stored numbers -> NumPy's code. 14 is a matrix, 15 a compressed element.
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
           13: "u8", 16: "u1", 17: "u2"}
MATRIX, COMPRESSED = 14, 15

# Types of text -> encoding, without the order of bytes, and bytes of its code units.
TEXT = {1: ("latin-1", 1), 2: ("latin-1", 1), 3: ("utf-16", 2), 4: ("utf-16", 2), 16: ("utf-8", 1),
        17: ("utf-16", 2), 18: ("utf-32", 4)}

# Classes of matrices.
CELL, STRUCT, OBJECT, CHAR = 1, 2, 3, 4
NUMERIC = range(6, 16)
OPAQUE = 17                 # an object of a newer class, such as a string: no dimensions

Keep = Callable[[tuple[int, ...]], bool]


@dataclass
class Budget:
    """What a whole file has up to here: elements and names of fields, and bytes of text."""

    elements: int = 0
    text: int = 0

    def charge(self, elements: int = 0, text: int = 0) -> None:
        self.elements += elements
        self.text += text
        if self.elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements and fields")
        if self.text > MAX_TEXT:
            raise ValueError(f"more than {MAX_TEXT:,} bytes of names and text")


class Stream:
    """A forward-only byte stream, plain or compressed, with a bound on its length."""

    def __init__(self, file: BinaryIO, left: int, compressed: bool) -> None:
        self.file = file
        self.left = left                # bytes of the file that belong to this stream
        self.inflate = zlib.decompressobj() if compressed else None
        self.at = 0

    def read(self, count: int) -> bytes:
        """Read exactly `count` bytes."""
        parts = list(self._parts(count))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, count: int) -> None:
        for _ in self._parts(count):
            pass

    def _parts(self, count: int) -> Iterator[bytes]:
        self.at += count
        if self.at > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes when decompressed")
        while count > 0:
            part = self._next(min(count, 1 << 20))
            if not part:
                raise EOFError("an element ends early")
            count -= len(part)
            yield part

    def _next(self, limit: int) -> bytes:
        if self.inflate is None:
            part = self.file.read(min(limit, self.left))
            self.left -= len(part)
            return part
        while True:
            pending = self.inflate.unconsumed_tail
            if not pending:
                pending = self.file.read(min(1 << 16, self.left))
                self.left -= len(pending)
            part = self.inflate.decompress(pending, limit)
            if part or self.inflate.eof or not pending:
                return part


class Reader:
    """Reads matrices from a `Stream`.

    Parameters
    ----------
    stream : Stream
    order : str
        "<" or ">".
    keep : callable
        Whether to keep an array of a given shape; others become None.
    budget : Budget
        That of the whole file.
    """

    def __init__(self, stream: Stream, order: str, keep: Keep, budget: Budget) -> None:
        self.stream = stream
        self.order = order
        self.keep = keep
        self.budget = budget
        self.kept = 0

    def tag(self) -> tuple[int, int, int]:
        """Type, number of bytes and bytes of padding of the next element."""
        kind, count = struct.unpack(self.order + "II", self.stream.read(8))
        return kind, count, -count % 8

    def small(self, limit: int = MAX_NAME) -> tuple[int, bytes]:
        """Read a small element: its type and content.

        Up to four bytes may be packed into the tag itself, with the count beside the type.
        """
        word = self.stream.read(4)
        (kind,) = struct.unpack(self.order + "I", word)
        if kind >> 16:
            data = self.stream.read(4)
            return kind & 0xFFFF, data[: kind >> 16]
        (count,) = struct.unpack(self.order + "I", self.stream.read(4))
        if count > limit:
            raise ValueError(f"{count:,} bytes but at most {limit:,} are expected")
        data = self.stream.read(count)
        self.stream.skip(-count % 8)
        return kind, data

    def integers(self, limit: int) -> list[int]:
        kind, data = self.small(limit)
        return np.frombuffer(data, self.order + NUMBERS[kind]).tolist()

    def text(self) -> str:
        data = self.small()[1]
        self.budget.charge(text=len(data))
        return data.rstrip(b"\0").decode("latin-1")

    def matrix(self, depth: int = 0) -> tuple[str, Any]:
        """Read name and value of the next element, which must be a matrix."""
        kind, count, _ = self.tag()
        if kind != MATRIX:
            raise ValueError(f"an element of type {kind}, but a matrix is expected")
        self.budget.charge(elements=1)
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        if count == 0:
            return "", None
        end = self.stream.at + count
        name, value = self.body(depth)
        if self.stream.at > end:
            raise ValueError(f"the matrix {name[:40]!r} is longer than stated")
        self.stream.skip(end - self.stream.at)
        return name, value

    def body(self, depth: int) -> tuple[str, Any]:
        flags = self.integers(8)[0]
        kind = flags & 0xFF
        if kind == OPAQUE:
            return self.text(), None        # `matrix` skips the rest
        shape = tuple(self.integers(64))
        if len(shape) < 2 or any(not 0 <= size <= 1 << 31 for size in shape):
            raise ValueError(f"dimensions {shape}")
        name = self.text()
        if kind == CELL:
            return name, [self.matrix(depth + 1)[1] for _ in range(prod(shape))]
        if kind in (STRUCT, OBJECT):
            return name, self.structure(kind, prod(shape), depth)
        if kind == CHAR:
            return name, self.characters(shape)
        return name, self.array(shape) if kind in NUMERIC and not flags & 0x800 else None

    def structure(self, kind: int, count: int, depth: int) -> list[dict[str, Any]]:
        """Read a structure array as one dictionary per element."""
        if kind == OBJECT:
            self.text()
        (width,) = self.integers(8)
        names = self.small()[1]
        if width < 1:
            raise ValueError(f"names of {width} bytes")
        self.budget.charge(elements=-(-len(names) // width), text=len(names))
        fields = [names[at : at + width].split(b"\0")[0].decode("latin-1")
                  for at in range(0, len(names), width)]
        if not fields and count:
            return []
        return [{field: self.matrix(depth + 1)[1] for field in fields} for _ in range(count)]

    def characters(self, shape: tuple[int, ...]) -> str | None:
        """Read text; None if it is long.

        A character may have more code units than one: up to four bytes, or two halves of UTF-16.
        """
        if prod(shape) > MAX_NAME:
            return None
        kind, data = self.small(8 * MAX_NAME)
        self.budget.charge(text=len(data))
        encoding, size = TEXT[kind]
        if not prod(shape) * size <= len(data) <= prod(shape) * 4:
            raise ValueError(f"{len(data):,} bytes for text of shape {shape}")
        if size > 1:
            encoding += "-le" if self.order == "<" else "-be"
        return data.decode(encoding, "replace")

    def array(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Read real numbers, first index fastest; None if the array is not kept."""
        if not self.keep(shape):
            return None
        self.kept += prod(shape) * 8
        if self.kept > MAX_KEPT:
            raise ValueError(f"more than {MAX_KEPT:,} bytes of kernels")
        if prod(shape) * 8 <= MAX_NAME:  # small arrays may be packed into the tag
            kind, data = self.small(8 * MAX_NAME)
        else:
            kind, count, padding = self.tag()
            if kind not in NUMBERS or count != prod(shape) * np.dtype(NUMBERS[kind]).itemsize:
                raise ValueError(f"{count:,} bytes for an array of shape {shape}")
            data = self.stream.read(count)
            self.stream.skip(padding)
        return np.frombuffer(data, self.order + NUMBERS[kind]).reshape(shape, order="F")


def variables(file: BinaryIO, size: int, keep: Keep) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every variable: lists, dictionaries, text and arrays.

    Parameters
    ----------
    file : binary file, at its beginning.
    size : int
        Its length.
    keep : callable
        Whether to keep an array of a given shape; others become None.

    Raises
    ------
    ValueError, EOFError, zlib.error, KeyError …
        The file is damaged, or larger or more nested than any weights file.
    """
    header = file.read(128)
    order = {b"IM": "<", b"MI": ">"}[header[126:128]]
    at, bytes_read, budget = 128, 0, Budget()
    for _ in range(MAX_VARIABLES):
        if at + 8 > size:
            return
        kind, count = struct.unpack(order + "II", file.read(8))
        if count > size - at - 8:
            raise EOFError(f"an element of {count:,} bytes, but {size - at - 8:,} are left")
        if kind == COMPRESSED:
            stream = Stream(file, count, compressed=True)
        else:
            file.seek(at)
            stream = Stream(file, count + 8, compressed=False)
        stream.at = bytes_read                               # the bound applies to the whole file
        if kind in (MATRIX, COMPRESSED):
            yield Reader(stream, order, keep, budget).matrix()
        bytes_read = stream.at
        at += 8 + count + (0 if kind == COMPRESSED else -count % 8)
        file.seek(at)
    raise ValueError(f"more than {MAX_VARIABLES:,} variables")
