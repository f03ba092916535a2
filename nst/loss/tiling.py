"""Tiles of a picture whose features equal those of the whole picture.

A tile has a core, surrounded by a halo. The cores partition the picture. The halo is as wide as the
receptive field, so the features of the core are those of the whole picture. At the edges of
the picture the halo ends, and the network's padding is the same as for the whole picture.

      ┌───────────────┬──────
      │  core   ┊     │         cores meet at │ and ─, at multiples of the network's step
      │         ┊     │         (16 pixels for relu5_1, after four poolings of two);
      │┈┈┈┈┈┈┈┈┈┘     │         a tile's halo extends into its neighbours' cores
      └───────────────┴──────

Tiles start at multiples of four steps. In every layer the tiles of the convolution algorithm
(Winograd's F(4×4)) start there as well, so nearly all rounding errors of a tile are those of the
whole picture. This matters where two pixels of a pooling window are equal except for rounding, as
in a clear sky: max pooling has to choose the same one.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from minigrad.errors import ArgumentError
from nst.model import vgg
from nst.model.receptive_field import reach

ALIGNMENT = 4       # steps after which rounding errors repeat


@dataclass(frozen=True)
class Span:
    """One side of a tile, in pixels of the picture.

    Attributes
    ----------
    start, stop : int
        Including the halo.
    core_start, core_stop : int
        Without the halo.
    """

    start: int
    stop: int
    core_start: int
    core_stop: int

    @property
    def pixels(self) -> slice:
        """Core and halo in the picture."""
        return slice(self.start, self.stop)

    def within(self, layer: str) -> slice:
        """The core's positions among those of the tile's features."""
        before, _ = vgg.size_at(layer, self.start, self.stop)
        core = self.of_picture(layer)
        return slice(core.start - before, core.stop - before)

    def of_picture(self, layer: str) -> slice:
        """The core's positions among those of the whole picture's features."""
        return slice(*vgg.size_at(layer, self.core_start, self.core_stop))


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
    """The alignment and the halo that a network requires of its tiles.

    Attributes
    ----------
    step : int
        Pixels per position of the deepest layer.
    halo : int
        Pixels around a core, a multiple of ``step``.
    """

    step: int
    halo: int

    @property
    def smallest(self) -> int:
        """The side of the smallest tile; cores meet at a multiple of it plus the halo."""
        return ALIGNMENT * self.step

    def tiles(self, size: Iterable[int], side: int) -> list[Tile]:
        """The tiles of a picture, row by row.

        Parameters
        ----------
        size : two int
            Height and width of the picture.
        side : int
            The longest side of a core in pixels, at least `smallest`.
        """
        down, across = (self.spans(length, side) for length in size)
        return [Tile(rows, columns) for rows in down for columns in across]

    def largest(self, size: Iterable[int], side: int) -> tuple[int, int]:
        """Height and width of the largest of the `tiles`, without a list of all."""
        height, width = (max(span.stop - span.start for span in self.spans(length, side))
                         for length in size)
        return height, width

    def spans(self, length: int, side: int) -> list[Span]:
        """The tiles along one axis; cores have at most `side` pixels, the last one a step more."""
        cuts = self._cuts(length, side)
        # Tiles of equal size need less memory, provided that their number stays the same.
        even = -(-length // ((len(cuts) + 1) * self.smallest)) * self.smallest
        if even < side and len(self._cuts(length, even)) == len(cuts):
            cuts = self._cuts(length, even)
        return [Span(max(0, start - self.halo), min(length, stop + self.halo), start, stop)
                for start, stop in itertools.pairwise([0, *cuts, length])]

    def _cuts(self, length: int, side: int) -> list[int]:
        """The positions where cores meet, each as far from the previous one as `side` allows.

        The halo before a cut starts at a multiple of `smallest`.
        """
        cuts, last = [], 0
        while length - last > side:
            furthest = last + side
            last = furthest - (furthest - self.halo) % self.smallest
            # A core without a position in the deepest layer would be useless.
            if length - last < self.step:
                break
            cuts.append(last)
        return cuts


def grid(layers: Collection[str], convolutions: Collection[str] = vgg.LAYERS) -> Grid:
    """The grid of a network that runs down to the deepest of `layers`; see `reach`."""
    step = vgg.min_size(layers)
    return Grid(step, -(-reach(layers, convolutions) // step) * step)


def check_side(side: int, layers: Collection[str]) -> None:
    """Check that tiles of `side` pixels are large enough.

    Raises
    ------
    ArgumentError
        They are smaller than the smallest tile.
    """
    smallest = grid(layers).smallest
    if side < smallest:
        raise ArgumentError(f"tile is {side} pixels, but {vgg.deepest(layers)} needs tiles of "
                            f"{smallest} or more")
