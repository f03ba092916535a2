"""How a picture is cut into tiles whose features are exactly those of the whole picture.

A tile has a core and, around it, a halo. The cores are a partition of the picture; the halo is
as wide as the receptive field reaches, so in the core no feature can tell a tile from the whole
picture. Where the halo ends at an edge of the picture, the padding there is the true one.

      ┌───────────────┬──────
      │  core   ┊     │         cores meet at │ and ─, at multiples of the network's step
      │         ┊     │         (16 pixels for relu5_1, after four poolings of two);
      │┈┈┈┈┈┈┈┈┈┘     │         a tile's halo reaches over into its neighbours' cores
      └───────────────┴──────

Tiles begin at multiples of four steps: there the tiles of the convolution algorithm (Winograd's
F(4×4)) begin as well in every layer, so that nearly all rounding errors of a tile are those of
the whole picture, too. That matters where two pixels of a pooling window are equal but for
rounding, as in a clear sky: max pooling is to take the same one.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from minigrad.errors import ArgumentError
from nst.model import vgg
from nst.model.receptive_field import reach

ROUNDING = 4        # steps after which rounding errors repeat


@dataclass(frozen=True)
class Span:
    """One side of a tile, in pixels of the picture.

    Attributes
    ----------
    start, stop : int
        With the halo.
    first, end : int
        Of the core.
    """

    start: int
    stop: int
    first: int
    end: int

    @property
    def pixels(self) -> slice:
        """Of the picture: core and halo."""
        return slice(self.start, self.stop)

    def within(self, layer: str) -> slice:
        """The core's positions among those of the tile's features."""
        before, _ = vgg.size_at(layer, self.start, self.stop)
        core = self.of_picture(layer)
        return slice(core.start - before, core.stop - before)

    def of_picture(self, layer: str) -> slice:
        """The core's positions among those of the whole picture's features."""
        return slice(*vgg.size_at(layer, self.first, self.end))


@dataclass(frozen=True)
class Tile:
    """A core with its halo."""

    rows: Span
    columns: Span

    @property
    def pixels(self) -> tuple[Any, ...]:
        """The index of the tile in a picture 1×3×H×W."""
        return (slice(None), slice(None), self.rows.pixels, self.columns.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width with the halo, in pixels."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def within(self, layer: str) -> tuple[slice, slice]:
        """Rows and columns of the core in the tile's features."""
        return self.rows.within(layer), self.columns.within(layer)

    def of_picture(self, layer: str) -> tuple[Any, ...]:
        """The index of the core in the whole picture's features 1×N×H'×W'."""
        return (slice(None), slice(None), self.rows.of_picture(layer),
                self.columns.of_picture(layer))


@dataclass(frozen=True)
class Grid:
    """What tiles of a network have to keep to.

    Attributes
    ----------
    step : int
        Pixels to a position of the deepest layer.
    halo : int
        Pixels around a core, a multiple of ``step``.
    """

    step: int
    halo: int

    @property
    def smallest(self) -> int:
        """The smallest tile: cores meet only at every so manyth pixel."""
        return ROUNDING * self.step

    def tiles(self, size: Iterable[int], side: int) -> list[Tile]:
        """The tiles of a picture, row by row.

        Parameters
        ----------
        size : two int
            Height and width of the picture.
        side : int
            The longest side of a core, in pixels: ``smallest`` or more.
        """
        down, across = (self.spans(length, side) for length in size)
        return [Tile(rows, columns) for rows in down for columns in across]

    def spans(self, length: int, side: int) -> list[Span]:
        """One axis of ``length`` pixels; cores of ``side`` at most, or a step more at the end."""
        cuts = self._cuts(length, side)
        # As evenly as the alignment allows, if that takes no more tiles: less memory.
        even = -(-length // ((len(cuts) + 1) * self.smallest)) * self.smallest
        if even < side and len(self._cuts(length, even)) == len(cuts):
            cuts = self._cuts(length, even)
        return [Span(max(0, first - self.halo), min(length, end + self.halo), first, end)
                for first, end in itertools.pairwise([0, *cuts, length])]

    def _cuts(self, length: int, side: int) -> list[int]:
        """Where cores meet: each as far from the one before as ``side`` allows.

        The halo before a cut begins at a multiple of ``smallest``.
        """
        cuts, last = [], 0
        while length - last > side:
            furthest = last + side
            last = furthest - (furthest - self.halo) % self.smallest
            # A core without a position in the deepest layer would be one for nothing.
            if length - last < self.step:
                break
            cuts.append(last)
        return cuts


def grid(layers: Collection[str], convolutions: Collection[str] = vgg.LAYERS) -> Grid:
    """For a network that is run as far as the deepest of ``layers``; see `reach`."""
    step = vgg.min_size(layers)
    return Grid(step, -(-reach(layers, convolutions) // step) * step)


def check_side(side: int, layers: Collection[str]) -> None:
    """Demand that tiles of ``side`` pixels are not smaller than the smallest.

    Raises
    ------
    ArgumentError
    """
    smallest = grid(layers).smallest
    if side < smallest:
        raise ArgumentError(f"tile is {side} pixels, but {vgg.deepest(layers)} needs tiles of "
                            f"{smallest} or more")
