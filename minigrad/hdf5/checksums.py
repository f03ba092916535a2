"""The two checksums of HDF5 files: of metadata (Jenkins's lookup3) and of chunks (Fletcher-32)."""

from __future__ import annotations

import struct

import numpy as np

_MASK = 0xFFFFFFFF


def lookup3(data: bytes) -> int:
    """Hash of metadata, with an initial value of 0.

    Source: Bob Jenkins, "hashlittle" of lookup3, http://burtleburtle.net/bob/hash/evahash.html.
    """
    length = len(data)
    a = b = c = (0xDEADBEEF + length) & _MASK
    if not length:
        return c
    whole = (length - 1) // 12 * 12     # the last 1 to 12 bytes are mixed differently
    words = struct.unpack_from(f"<{whole // 4}I", data)
    for at in range(0, len(words), 3):
        a = (a + words[at]) & _MASK
        b = (b + words[at + 1]) & _MASK
        c = (c + words[at + 2]) & _MASK
        a = (a - c) & _MASK ^ (c << 4 & _MASK | c >> 28)
        c = (c + b) & _MASK
        b = (b - a) & _MASK ^ (a << 6 & _MASK | a >> 26)
        a = (a + c) & _MASK
        c = (c - b) & _MASK ^ (b << 8 & _MASK | b >> 24)
        b = (b + a) & _MASK
        a = (a - c) & _MASK ^ (c << 16 & _MASK | c >> 16)
        c = (c + b) & _MASK
        b = (b - a) & _MASK ^ (a << 19 & _MASK | a >> 13)
        a = (a + c) & _MASK
        c = (c - b) & _MASK ^ (b << 4 & _MASK | b >> 28)
        b = (b + a) & _MASK
    last = struct.unpack("<3I", data[whole:].ljust(12, b"\0"))
    return _final((a + last[0]) & _MASK, (b + last[1]) & _MASK, (c + last[2]) & _MASK)


def _final(a: int, b: int, c: int) -> int:
    def turn(x: int, by: int) -> int:
        return x << by & _MASK | x >> (32 - by)

    c = (c ^ b) - turn(b, 14) & _MASK
    a = (a ^ c) - turn(c, 11) & _MASK
    b = (b ^ a) - turn(a, 25) & _MASK
    c = (c ^ b) - turn(b, 16) & _MASK
    a = (a ^ c) - turn(c, 4) & _MASK
    b = (b ^ a) - turn(a, 14) & _MASK
    return (c ^ b) - turn(b, 24) & _MASK


def fletcher32(data: bytes) -> tuple[int, int]:
    """The two sums of a chunk over its 16-bit words, big-endian, each modulo 65535."""
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2")
    first = second = 0
    # 2^15 words: the second sum stays below 2^15 · 2^15 · 2^16, which fits into 64 bits.
    for at in range(0, len(words), 1 << 15):
        block = words[at : at + (1 << 15)].astype(np.uint64)
        falling = np.arange(len(block), 0, -1, dtype=np.uint64)
        second = (second + first * len(block) + int(block @ falling)) % 65535
        first = (first + int(block.sum())) % 65535
    return first, second


def fletcher32_fits(data: bytes, stored: int) -> bool:
    """Whether a chunk has the checksum that is stored after it."""
    first, second = fletcher32(data)
    return first == (stored & 0xFFFF) % 65535 and second == (stored >> 16) % 65535
