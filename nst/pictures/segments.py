"""The strips and tiles of a TIFF, decoded to no more bytes than their pixels need.

tifffile's own decoders go on for as long as the data do, whatever the directory states: 230 KB,
inflated, took 3 GB. So `tifffile` gets strips and tiles that are decoded here already, and puts
them in their places. A decoder that stops also takes what libtiff takes: data with more rows than
the picture has.

References
----------
TIFF 6.0, sections 8, bits of samples, and 9, PackBits; TIFF Technical Note 3, zlib. LZMA and
Zstandard have no specification but libtiff's `tif_lzma.c` and `tif_zstd.c`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from copy import copy
from functools import partial
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

from nst.pictures.bounded import check_count

_PLAIN, _PLAIN_PREDICTOR = 1, 1         # no compression, no differences of pixels
_REVERSED = 2                           # the order of bits in a byte
# Bytes that LZMA may allocate, of which its best preset needs 65 MB. That takes 20 µs each time.
_MAX_DICTIONARY, _MAX_DICTIONARIES = 256 << 20, 100_000
_PACKED = range(9, 16)                  # bits of a sample that lies across bytes
_AT_ONCE = 1 << 16                      # samples that are unpacked, so that they stay in the cache
_FLIPPED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))

Decoder = Callable[[bytes, int], bytes]     # of data, to at most that many bytes


def decode_within_bounds(page: Any) -> None:
    """Make a page of `tifffile` decode its strips or tiles here, if their compression is known.

    So are samples of 9 to 15 bits. All other decoders are those of the package imagecodecs, which
    gets the number of bytes from tifffile and keeps to it.

    Raises
    ------
    ValueError
        There are too many strips or tiles for a slow decoder.
    """
    if page.compression in _LZMA:
        check_count(len(page.dataoffsets), _MAX_DICTIONARIES, "strips or tiles of LZMA")
    decoder = _decoder(page.compression)
    is_packed = page.bitspersample in _PACKED and page.predictor == _PLAIN_PREDICTOR
    if decoder is None or (page.compression == _PLAIN and not is_packed):
        return
    decoded = copy(page)
    for name in ("decode", "hash"):         # values that are computed once
        decoded.__dict__.pop(name, None)
    decoded.compression, decoded.fillorder = _PLAIN, 1
    row = _samples_of_row(page)
    length = prod(page.chunks) * page.dtype.itemsize
    if is_packed:
        length = prod(page.chunks) // row * _bytes_of_row(row, page.bitspersample)
        decoded.bitspersample = 16
    place = decoded.decode

    def decode(data: bytes | None, index: int, /, **options: Any) -> Any:
        if data is not None:
            data = data.translate(_FLIPPED) if page.fillorder == _REVERSED else data
            data = decoder(data, length)
        if data is not None and is_packed:
            words = unpacked(data, page.bitspersample, row)
            return place(words.astype(page.parent.byteorder + "u2", copy=False), index, **options)
        return place(data, index, **options)

    page.decode = decode


def unpacked(data: bytes, bits: int, row: int) -> np.ndarray:
    """Samples of 9 to 15 bits that lie across bytes, as uint16, one after the other.

    Parameters
    ----------
    row : int
        Samples of a row, which begins with a byte.
    """
    length = _bytes_of_row(row, bits)
    rows = len(data) // length
    packed = np.frombuffer(data, np.uint8, rows * length).reshape(rows, length)
    words = np.empty((rows, row), np.uint16)
    step = max(1, _AT_ONCE // row)
    for top in range(0, rows, step):
        words[top : top + step] = _unpacked_rows(packed[top : top + step], bits)[:, :row]
    return words.ravel()


def _unpacked_rows(packed: np.ndarray, bits: int) -> np.ndarray:
    """The samples of rows of bytes, and those of what fills the last group of eight samples."""
    rows, length = packed.shape
    groups = -(-length // bits)             # eight samples take as many bytes as one takes bits
    filled = np.zeros((rows, groups * bits), np.uint8)
    filled[:, :length] = packed
    grouped = filled.reshape(rows, groups, bits)
    words = np.empty((rows, groups, 8), np.uint16)
    for number in range(8):
        first, skipped = divmod(number * bits, 8)
        value = np.zeros((rows, groups), np.uint32)
        for place in range(first, first + 3):
            value <<= 8
            if place < bits:
                value |= grouped[..., place]
        words[..., number] = value >> (24 - skipped - bits) & ((1 << bits) - 1)
    return words.reshape(rows, groups * 8)


def _samples_of_row(page: Any) -> int:
    """Samples in a row of a strip or tile."""
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    return samples * (page.tilewidth if page.is_tiled else page.imagewidth)


def _bytes_of_row(row: int, bits: int) -> int:
    return -(-row * bits // 8)


# ------------------------------------------------------------------------ decoders


def _decoder(compression: int) -> Decoder | None:
    """The decoder of a compression; None for those that are left to tifffile."""
    try:
        if compression in _LZMA:
            lzma = import_module("lzma")                    # WebAssembly has none
            return partial(_streamed, partial(lzma.LZMADecompressor, memlimit=_MAX_DICTIONARY))
        if compression in _ZSTD:
            zstd = import_module("compression.zstd")        # Python 3.14
            return partial(_streamed, zstd.ZstdDecompressor)
    except ImportError:
        return None
    return _DECODERS.get(compression)


def _streamed(make: Callable[[], Any], data: bytes, length: int) -> bytes:
    """What a stream of `zlib`, `lzma` or `zstd` begins with."""
    stream = make()
    # With one byte more, a decoder comes to the end of the data and compares their checksum.
    found: bytes = stream.decompress(data, length + 1)
    if len(found) <= length and not stream.eof:
        raise ValueError("the data of a strip or tile end too early")
    return found[:length]


def _without_runs(data: bytes, length: int) -> bytes:
    """PackBits: a number n, and n + 1 bytes, or one byte that stands for 257 - n."""
    found, at = bytearray(), 0
    while at < len(data) and len(found) < length:
        number = data[at]
        if number < 128:
            found += data[at + 1 : at + 2 + number]
            at += 2 + number
        elif number == 128:                 # stands for nothing
            at += 1
        else:
            found += data[at + 1 : at + 2] * (257 - number)
            at += 2
    return bytes(found[:length])


_zlib = partial(_streamed, zlib.decompressobj)
_LZMA, _ZSTD = (34925,), (34926, 50000)
_DECODERS: dict[int, Decoder] = {
    _PLAIN: lambda data, length: data[:length], 8: _zlib, 32946: _zlib, 50013: _zlib,
    32773: _without_runs,
}
