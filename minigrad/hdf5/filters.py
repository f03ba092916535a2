"""Filters, through which chunks go when they are written: deflate, shuffle and Fletcher-32."""

from __future__ import annotations

import zlib

import numpy as np

from minigrad.hdf5.checksums import fletcher32_fits
from minigrad.hdf5.source import Cursor, UnsupportedError

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
MAX_FILTERS = 8
# Registered filters of other programs, for a message.
_NAMES = {4: "szip", 5: "nbit", 6: "scale-offset", 32000: "LZF", 32001: "Blosc", 32004: "LZ4",
          32008: "Bitshuffle", 32013: "ZFP", 32015: "Zstandard", 32026: "Blosc2"}


def read_filters(body: Cursor) -> tuple[int, ...]:
    """The numbers of a pipeline's filters, in the order of writing.

    Raises
    ------
    UnsupportedError
        One of them is not of those above.
    ValueError
    """
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
            raise UnsupportedError(
                f"an array is compressed with {_NAMES.get(number, 'an unknown filter')} (HDF5's "
                f"filter {number}), which cannot be read; save it again without, or with gzip")
        if number in found:
            raise ValueError(f"data to which HDF5's filter {number} was applied twice")
        found.append(number)
    return tuple(found)


def most_stored(size: int) -> int:
    """Bytes that a chunk has at most in a file: deflate and Fletcher-32 may make it longer."""
    return size + size // 500 + 64


def restored(data: bytes, filters: list[int], size: int, itemsize: int) -> bytes:
    """Undo the filters of a chunk, the last first; the result has `size` bytes.

    Raises
    ------
    ValueError, zlib.error
        The chunk is damaged.
    """
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
