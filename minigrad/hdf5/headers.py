"""Superblock and object headers: the root of a file, and the messages that describe an object."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BufferedReader

from minigrad.hdf5.source import COST_OF_ENTRY, Cursor, Source

MAGIC = b"\x89HDF\r\n\x1a\n"

# Types of messages.
DATASPACE, LINK_INFO, DATATYPE, FILL_VALUE, LINK, EXTERNAL_FILES, LAYOUT = (
    0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x08)
FILTERS, ATTRIBUTE = 0x0B, 0x0C
CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x10, 0x11, 0x15

MAX_MESSAGES = 10_000
_HEAD = struct.Struct("<BHB")       # of a message: its type, its size, its flags
# Bits of a message's flags.
SHARED = 2
# HDF5 begins at byte 0, or after a block of another program: at byte 512, 1024, 2048 …
STARTS = (0, *(1 << power for power in range(9, 24)))


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an object header."""

    kind: int
    shared: bool
    body: bytes


def find_start(file: BufferedReader) -> int | None:
    """The byte at which HDF5 begins; None if the file is of another kind."""
    for start in STARTS:
        file.seek(start)
        head = file.read(len(MAGIC))
        if head == MAGIC:
            return start
        if not head:
            break
    return None


def read_superblock(source: Source) -> int:
    """Read the sizes of addresses and lengths, and return the address of the root group.

    Raises
    ------
    ValueError
        It is damaged, of an unknown version, or the file is cut short.
    """
    start = source.block(0, min(source.size, 16), MAGIC)
    version = start.number(1)
    if version not in (0, 1, 2, 3):
        raise ValueError(f"version {version} of its superblock is unknown")
    start.take(4 if version < 2 else 0)
    source.offset_size, source.length_size = start.number(1), start.number(1)
    if {source.offset_size, source.length_size} - {4, 8}:
        raise ValueError(f"addresses of {source.offset_size} bytes")
    offset = source.offset_size
    if version < 2:
        block = source.block(0, 24 + 4 * version + 6 * offset)
        block.take(24 + 4 * version)
        base, _, end, _, _ = (block.address() for _ in range(5))
        root = block.address()
    else:
        block = source.checked(0, 16 + 4 * offset, MAGIC)
        block.take(4)
        base, _, end, root = (block.address() for _ in range(4))
    if base != source.start:
        raise ValueError(f"its addresses count from another byte than {source.start}, at which it "
                         "begins")
    if end is None or root is None:
        raise ValueError("its superblock has an undefined address")
    size = source.start + source.size
    if end > size:
        raise ValueError(f"truncated file: eof = {size}, stored_eof = {end}")
    return root


def read_messages(source: Source, at: int) -> list[Message]:
    """All messages of the object header at an address.

    Raises
    ------
    ValueError
        It is damaged or endless.
    """
    if source.block(at, 4).data == b"OHDR":
        return _version_2(source, at)
    return _version_1(source, at)


def _version_1(source: Source, at: int) -> list[Message]:
    head = source.block(at, 16)
    version = head.number(1)
    if version != 1:
        raise ValueError(f"version {version} of an object header is unknown")
    head.take(1)
    expected = head.number(2)
    head.take(4)
    pending = [(at + 16, head.number(4))]
    found: list[Message] = []
    while pending and len(found) < expected:
        block = source.block(*pending.pop(0))
        while block.left >= 8 and len(found) < expected:
            kind, size, flags = block.number(2), block.number(2), block.number(1)
            block.take(3)
            _add(source, found, pending, kind, flags, block.part(size))
    return found


def _version_2(source: Source, at: int) -> list[Message]:
    head = source.block(at, min(38, source.size - at), b"OHDR\x02")
    flags = head.number(1)
    head.take(16 * bool(flags & 32) + 4 * bool(flags & 16))
    size = head.number(1 << (flags & 3))
    block = source.checked(at, head.at + size + 4, b"OHDR")
    block.take(head.at - 4)
    pending: list[tuple[int, int]] = []
    found: list[Message] = []
    while True:
        while block.left >= 4 + 2 * bool(flags & 4):
            kind, size, marks = _HEAD.unpack(block.take(4))
            block.take(2 * bool(flags & 4))
            _add(source, found, pending, kind, marks, block.part(size))
        if not pending:
            return found
        block = source.checked(*pending.pop(0), b"OCHK")


def _add(source: Source, found: list[Message], pending: list[tuple[int, int]], kind: int,
         flags: int, body: Cursor) -> None:
    """Add a message; note where the header continues if the message says so."""
    if len(found) >= MAX_MESSAGES:
        raise ValueError(f"an object with more than {MAX_MESSAGES:,} messages")
    source.charge(COST_OF_ENTRY)
    found.append(Message(kind, bool(flags & SHARED), body.data))
    if kind == CONTINUATION:
        address = body.address()
        if address is None:
            raise ValueError("an object header that continues at an undefined address")
        pending.append((address, body.length()))
