"""Transforms of image tiles: M·d·Mᵀ for every tile d and channel.

Two transforms of Winograd's convolution have this form: Bᵀ·d·B for the overlapping tiles of the
image, and A·d·Aᵀ for the disjoint tiles of a gradient. Both work on bands of tile rows, so that a
band stays in the cache from one step to the next.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minigrad.kernels import parallel, relu_mask
from minigrad.kernels.parallel import scratch
from minigrad.kernels.selection import kept

# Tiles and products of a band. With smaller bands, threads wait for Python's global lock.
BAND_BYTES = 4 << 20
MIN_TILES = 64                  # of a band: rows of its matrix products


@dataclass(frozen=True)
class Tiles:
    """Images cut into tiles, and the matrix of their transform.

    Attributes
    ----------
    image : N×H×W×C.
    matrix : n×w; a tile is w×w pixels, its transform n×n.
    step : pixels from one tile to the next.
    top, left : zeros above and left of the image.
    down, across : tiles in each direction.
    gate : packed bits N×H×⌈W·C/8⌉, or None; a pixel counts as zero where its bit is 0.
    """

    image: np.ndarray
    matrix: np.ndarray
    step: int
    top: int
    left: int
    down: int
    across: int
    gate: np.ndarray | None = None

    def bands(self, numbers: int) -> list[tuple[int, int]]:
        """(first, end) of bands of tile rows, numbered over all images.

        There are as many for any number of threads, and an even number, so that few threads share
        them evenly. `numbers` is how many elements a band holds for each tile.
        """
        rows = len(self.image) * self.down
        tiles = max(MIN_TILES, BAND_BYTES // (self.image.itemsize * numbers))
        wanted = max(1, -(-rows * self.across // tiles))
        multiple = 2 if wanted <= 2 else 4 if wanted <= 4 else parallel.PARTS
        count = min(rows, -(-wanted // multiple) * multiple)
        return list(itertools.pairwise([rows * k // count for k in range(count + 1)]))

    def segments(self, first: int, stop: int) -> Iterator[tuple[int, int, int, slice]]:
        """(image, first tile row, end tile row, position in the band) for each image of a band."""
        row = first
        while row < stop:
            image, start = divmod(row, self.down)
            end = min(self.down, start + stop - row)
            yield image, start, end, slice(row - first, row - first + end - start)
            row += end - start

    def transform(self, first: int, stop: int, out: np.ndarray) -> None:
        """Transform tile rows first … stop − 1 into `out` n²×T×C, columns of a tile first."""
        n, window = self.matrix.shape
        pixels = scratch("odd", (window, n, stop - first, self.across, self.image.shape[3]),
                         self.image.dtype)
        for image, start, end, place in self.segments(first, stop):
            columns = self._transformed_columns(image, start, end)
            # Gather pixel j of every tile.
            for j in range(window):
                part = columns[:, :, j:j + (self.across - 1) * self.step + 1:self.step]
                np.copyto(pixels[j, :, place], part.transpose(1, 0, 2, 3))
        # Along the rows of tiles.
        np.matmul(self.matrix, pixels.reshape(window, n, -1).transpose(1, 0, 2),
                  out=out.reshape(n, n, -1).transpose(1, 0, 2))

    def _transformed_columns(self, image: int, start: int, stop: int) -> np.ndarray:
        """Transform down the columns, for whole rows: tile rows × n × padded width × C."""
        (n, window), rows = self.matrix.shape, stop - start
        channels = self.image.shape[3]
        width = (self.across - 1) * self.step + window
        columns = min(self.image.shape[2], width - self.left)
        strip = self._rows(image, start * self.step - self.top, (rows - 1) * self.step + window)
        pitch = strip.strides[0]    # a tile row is a few image rows, joined for BLAS
        windows = np.lib.stride_tricks.as_strided(
            strip, (rows, window, columns * channels), (self.step * pitch, pitch, strip.itemsize))
        down = scratch("even", (rows, n, width * channels), strip.dtype)
        inside = slice(self.left * channels, (self.left + columns) * channels)
        np.matmul(self.matrix, windows, out=down[:, :, inside])
        down[:, :, :inside.start] = 0
        down[:, :, inside.stop:] = 0
        return down.reshape(rows, n, width, channels)

    def _rows(self, image: int, first: int, height: int) -> np.ndarray:
        """Image rows first … first + height − 1, gated, with zeros outside the image."""
        _, rows, columns, channels = self.image.shape
        above, below = max(0, -first), max(0, first + height - rows)
        source = self.image[image, first + above:first + height - below]
        packed = source.strides[1:] == (channels * source.itemsize, source.itemsize)
        if self.gate is None and packed and not above and not below:
            return source
        strip = scratch("strip", (height, columns, channels), self.image.dtype)
        strip[:above] = 0
        strip[height - below:] = 0
        inside = strip[above:above + len(source)]
        if self.gate is None:
            np.copyto(inside, source)
        else:
            bits = self.gate[image, first + above:first + above + len(source)]
            kept(source, relu_mask.unpack_rows(np, bits, source.shape), inside)
        return strip
