"""One bit per number: which results of a ReLU were positive.

That is all its derivative needs, and takes a thirty-second of the memory of the results.
Bits lie as images do in memory: N×H×⌈W·C/8⌉ bytes, channels innermost.
"""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from . import memory, parallel
from .layout import channels_first, channels_last

ROWS = 16      # image rows per piece of work


def _pieces(shape: tuple) -> list[tuple[int, slice]]:
    return [(n, slice(row, row + ROWS))
            for n in range(shape[0]) for row in range(0, shape[1], ROWS)]


def pack(y: Any) -> Any:
    """The bits of y > 0 for y N×C×H×W."""
    xp = array_module(y)
    image = channels_last(y)
    n, h, w, c = image.shape
    bits = xp.empty((n, h, -(-w * c // 8)), dtype=xp.uint8)

    def work(piece: tuple[int, slice]) -> None:
        k, rows = piece
        part = image[k, rows] > 0
        bits[k, rows] = _pack_rows(xp, part.reshape(part.shape[0], -1))

    parallel.run(work, _pieces(image.shape), xp)
    return bits


def apply(y: Any, bits: Any) -> Any:
    """y N×C×H×W where its bit is 1, zero elsewhere."""
    xp = array_module(y)
    image = channels_last(y)
    w, c = image.shape[2:]
    gated = memory.empty_like_kind(xp, image.shape, y.dtype)

    def work(piece: tuple[int, slice]) -> None:
        k, rows = piece
        opened = _unpack_rows(xp, bits[k, rows], w * c)
        xp.multiply(image[k, rows], opened.reshape(-1, w, c), out=gated[k, rows])

    parallel.run(work, _pieces(image.shape), xp)
    return channels_first(gated)


def clear_negative(y: Any) -> None:
    """max(y, 0) in place, for y N×C×H×W."""
    xp = array_module(y)
    image = channels_last(y)

    def work(piece: tuple[int, slice]) -> None:
        k, rows = piece
        xp.maximum(image[k, rows], 0, out=image[k, rows])

    parallel.run(work, _pieces(image.shape), xp)


def _pack_rows(xp: Any, flags: Any) -> Any:
    """Each row of bools as bytes of its own (CuPy packs flat arrays only)."""
    padding = -flags.shape[1] % 8
    if padding:
        flags = xp.concatenate([flags, xp.zeros((len(flags), padding), bool)], axis=1)
    return xp.packbits(flags.reshape(-1)).reshape(len(flags), -1)


def _unpack_rows(xp: Any, bits: Any, count: int) -> Any:
    """The first ``count`` bits of each row, as bytes 0 and 1."""
    flat = xp.unpackbits(xp.ascontiguousarray(bits).reshape(-1))
    return flat.reshape(len(bits), -1)[:, :count]
