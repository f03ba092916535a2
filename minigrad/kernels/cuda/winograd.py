"""Launch winograd.cu: transforms in registers, products by cuBLAS.

The image is processed in portions of tiles. The planes of a small portion (n² elements per tile and
channel, twice) stay in the device's L2 cache from the transform to the product and back. A large
portion uses the multiprocessors better. On an H100 a fixed share of the image is fastest, and it
keeps the additional memory small.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.kernels import winograd
from minigrad.kernels.array_cache import cached
from minigrad.kernels.cuda import blas, relu_mask
from minigrad.kernels.cuda.compiler import contiguous, launch, warps
from minigrad.kernels.layout import channels_first

TILES = (2, 4, 6)               # m for which there is a kernel
MIN_PORTION = 48 << 20          # bytes of planes in one portion
SHARE = 0.4                     # of the bytes of image and result that a portion may take


@lru_cache
def definitions(m: int, is_turned: bool) -> str:
    """The matrices of F(m×m, 3×3) as constexpr functions, which the compiler evaluates."""
    use = winograd.turned(m) if is_turned else winograd.matrices(m)
    tables = [_function("AT", use.AT, "float"), _function("BT", use.BT, "float"),
              _function("G", use.G, "double")]
    return "\n".join([f"const int m = {m}, n = {m + 2};", *tables])


def _function(name: str, matrix: np.ndarray, kind: str) -> str:
    """Text of a constexpr function `name(i, j)` that returns the elements of a matrix."""
    rows, columns = matrix.shape
    suffix = "f" if kind == "float" else ""
    values = ", ".join(f"{value:.17e}{suffix}" for value in matrix.ravel())
    return (f"__device__ constexpr {kind} {name}(int i, int j) {{\n"
            f"    constexpr {kind} values[{rows * columns}] = {{{values}}};\n"
            f"    return values[i * {columns} + j];\n}}")


def transform_weight(xp: Any, weight: Any, m: int) -> Any:
    """The (n²)×C×O planes of weights O×C×3×3, rounded for the precision in force; cached."""
    rounds = blas.precision() == "high"

    def compute() -> Any:
        filters, channels = weight.shape[:2]
        planes = xp.empty(((m + 2) ** 2, channels, filters), dtype=weight.dtype)
        launch(xp, "winograd", "weight_transform", channels * filters,
               xp.ascontiguousarray(weight), planes, channels, filters, rounds,
               extra=definitions(m, False))
        return planes
    return cached(weight, ("winograd on cuda", m, rounds), compute)


def winograd_conv2d(xp: Any, x: Any, weight: Any, bias: Any, padding: tuple[int, int, int, int],
                    m: int, *, is_turned: bool = False, relu: bool = False, gate: Any = None,
                    wants_mask: bool = False) -> tuple[Any, Any]:
    """Convolve float32 images N×C×H×W with 3×3 weights and stride 1.

    Parameters and results are those of `minigrad.kernels.winograd.winograd_conv2d`, except that
    `weight` is not transformed yet.
    """
    planes = transform_weight(xp, weight, m)
    image = contiguous(xp, x)
    bias = bias if bias is None else xp.ascontiguousarray(bias)
    gate = gate if gate is None else xp.ascontiguousarray(gate)
    channels = image.shape[3]
    filters = planes.shape[1 if is_turned else 2]
    top, bottom, left, right = padding
    size = (len(image), image.shape[1] + top + bottom - 2, image.shape[2] + left + right - 2)
    y = xp.empty((*size, filters), dtype=image.dtype)
    down, across = -(-size[1] // m), -(-size[2] // m)
    bits = relu_mask.empty(xp, y.shape) if wants_mask else None
    fused = bits is not None and filters % 8 == 0       # bits of one pixel fill whole bytes
    number = len(image) * down * across
    room = max(MIN_PORTION, int(SHARE * (image.nbytes + y.nbytes)))
    for first, count in portions(number, m, channels + filters, room):
        tiles = _image_transform(xp, image, gate, first, count, (down, across), (top, left), m,
                                 is_turned)
        products = xp.empty((len(planes), count, filters), dtype=image.dtype)
        blas.multiply(xp, tiles, planes, products, transpose_b=is_turned)
        launch(xp, "winograd", "result_transform", count * warps(filters), products, bias, y,
               bits if fused else None, np.int64(first), count, size[1], size[2], filters,
               warps(filters), down, across, -(-size[2] * filters // 8), relu,
               extra=definitions(m, is_turned))
    result = channels_first(y)
    return result, relu_mask.pack(result) if wants_mask and not fused else bits


def portions(tiles: int, m: int, channels: int, room: int) -> list[tuple[int, int]]:
    """(first tile, number of tiles) of equal portions whose planes fit into `room` bytes."""
    largest = max(1, room // (4 * (m + 2) ** 2 * channels))
    pieces = -(-tiles // largest)
    edges = [tiles * k // max(pieces, 1) for k in range(pieces + 1)]
    return [(start, stop - start) for start, stop in itertools.pairwise(edges)]


def _image_transform(xp: Any, image: Any, gate: Any, first: int, count: int,
                     grid: tuple[int, int], corner: tuple[int, int], m: int, is_turned: bool
                     ) -> Any:
    _, height, width, channels = image.shape
    tiles = xp.empty(((m + 2) ** 2, count, channels), dtype=image.dtype)
    launch(xp, "winograd", "image_transform", count * warps(channels), image, gate, tiles,
           np.int64(first), count, height, width, channels, warps(channels), *grid, *corner,
           -(-width * channels // 8), blas.precision() == "high", extra=definitions(m, is_turned))
    return tiles
