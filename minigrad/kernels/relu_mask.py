"""Packed bits that record which results of a ReLU were positive.

The derivative of a ReLU needs nothing else, and one bit takes 1/32 of the memory of a float32.
Bits have the memory order of images: N×H×⌈W·C/8⌉ bytes, channels innermost.
"""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.layout import channels_first, channels_last
from minigrad.kernels.selection import kept

ROWS = 16      # image rows per piece of work


def _pieces(shape: tuple) -> list[tuple[int, slice]]:
    return [(n, slice(row, row + ROWS))
            for n in range(shape[0]) for row in range(0, shape[1], ROWS)]


@on_cuda_too
def pack(y: Any) -> Any:
    """Pack y > 0 for y N×C×H×W."""
    xp = array_module(y)
    image = channels_last(y)
    bits = empty(xp, image.shape)

    def work(piece: tuple[int, slice]) -> None:
        k, rows = piece
        bits[k, rows] = pack_rows(xp, image[k, rows])

    parallel.run(work, _pieces(image.shape), xp)
    return bits


@on_cuda_too
def apply(y: Any, bits: Any) -> Any:
    """Return y N×C×H×W where its bit is 1, zero elsewhere."""
    xp = array_module(y)
    image = channels_last(y)
    gated = memory.empty_like_kind(xp, image.shape, y.dtype)

    def work(piece: tuple[int, slice]) -> None:
        k, rows = piece
        part = image[k, rows]
        kept(part, unpack_rows(xp, bits[k, rows], part.shape), gated[k, rows])

    parallel.run(work, _pieces(image.shape), xp)
    return channels_first(gated)


def empty(xp: Any, shape: tuple[int, int, int, int]) -> Any:
    """Allocate the bits of images N×H×W×C."""
    n, h, w, c = shape
    return xp.empty((n, h, -(-w * c // 8)), dtype=xp.uint8)


def pack_rows(xp: Any, part: Any) -> Any:
    """Pack part > 0 for image rows R×W×C; each row starts a new byte."""
    flags = (part > 0).reshape(len(part), -1)
    padding = -flags.shape[1] % 8
    if padding:
        flags = xp.concatenate([flags, xp.zeros((len(flags), padding), bool)], axis=1)
    return xp.packbits(flags.reshape(-1)).reshape(len(flags), -1)    # CuPy packs flat arrays only


def unpack_rows(xp: Any, bits: Any, shape: tuple[int, int, int]) -> Any:
    """Unpack the bits of image rows R×W×C to bytes 0 and 1."""
    flat = xp.unpackbits(xp.ascontiguousarray(bits).reshape(-1)).reshape(len(bits), -1)
    return flat[:, :shape[1] * shape[2]].reshape(shape)
