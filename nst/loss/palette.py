"""The palette: the distribution of colours, without their places.

Along a direction of the colour cube, the colours of a picture are numbers. Sorted, they are moved
to the sorted numbers of the style at the least cost, so the mean squared difference is a
Wasserstein distance. The palette term is its mean over the axes, the diagonals of the faces and
those of the cube, relative to the variance of the style's colours:

    P = Σ_d mean_i (sort(d·x)_i − sort(d·y)_i)² / (13 · tr C / 3)

Means and covariances of features leave the shape of the distribution open: a style of three flat
colours and a picture with all colours in between can have the same ones.

References
----------
Bonneel, Rabin, Peyré, Pfister, "Sliced and Radon Wasserstein Barycenters of Measures" (2015),
section 2.3.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad.functional as F
from minigrad import Tensor
from minigrad.backend import is_cuda, to_device
from minigrad.kernels import parallel, quantiles
from minigrad.ops.shape import select
from nst.pictures import masks as mask_maker
from nst.pictures.masks import Masks

COVERED = 0.5       # a mask above it counts as white, because sorting knows no weights
MIN_VARIANCE = 1.0  # grey levels squared: a style of one colour has no variance


def _directions() -> np.ndarray:
    """The 13 directions between the 26 neighbours of a cube, as unit vectors 13×3."""
    all_directions = np.array(list(itertools.product((-1, 0, 1), repeat=3)), np.float32)
    half = all_directions[14:]          # the first 13 are the opposites of the last 13
    return half / np.linalg.norm(half, axis=1, keepdims=True)


DIRECTIONS = _directions()


@dataclass(frozen=True)
class PaletteTarget:
    """The palette of one region.

    Attributes
    ----------
    quantiles : array
        The style's numbers along each direction, sorted, as many as the region has pixels: the
        table of 13×n for `minigrad.kernels.quantiles.at_ranks`.
    directions : Tensor, 13×3
        `DIRECTIONS`, on the picture's device.
    pixels : Tensor of int, n, optional
        The region's pixels, row by row; None for the whole picture.
    factor : float
        The weight of the sum of squared differences.
    """

    quantiles: Any
    directions: Tensor
    pixels: Tensor | None
    factor: float

    def distance(self, colors: Tensor) -> Tensor:
        """The term of a picture's colours, 3×(H·W)."""
        if self.pixels is not None:
            colors = select(colors, (slice(None), self.pixels.data))    # [] checks, and waits
        numbers = self.directions @ colors
        moved, spread = quantiles.at_ranks(numbers.data, self.quantiles)
        cost = F.mse_loss(numbers, Tensor(moved), reduction="sum")
        return self.factor * (cost + Tensor(spread) if is_cuda(spread) else cost)


def colors_of(picture: Tensor, border: int) -> Tensor:
    """The colours 3×(H·W) of a picture 1×3×H×W inside its border."""
    height, width = picture.shape[2:]
    inside = picture[0, :, border:height - border, border:width - border]
    return inside.reshape(3, -1)


def palette_targets(styles: Sequence[Tensor], size: tuple[int, int], blend: Sequence[float],
                    masks: Masks) -> list[PaletteTarget]:
    """The palettes of the regions, or one of all styles together.

    Parameters
    ----------
    styles : sequence of Tensor 1×3×H×W
    size : tuple of two int
        Height and width of the result.
    blend : sequence of float
        Share of each style; the sum is 1.
    """
    samples = [_sample(style, mask) for style, mask
               in zip(styles, masks.styles or [None] * len(styles))]
    if not masks.regions:
        return [_target(samples, blend, None, size, 1.0, styles[0])]
    targets = []
    for sample, mask, share in zip(samples, masks.regions, blend):
        pixels = _covered(mask, size)
        if share and (pixels is None or len(pixels)):
            targets.append(_target([sample], [1.0], pixels, size, share * len(samples), styles[0]))
    return targets


def _sample(style: Tensor, mask: np.ndarray | None) -> np.ndarray:
    """The colours of a style, 3×n, or those under its mask."""
    height, width = style.shape[2:]
    colors = style.numpy()[0].reshape(3, -1)
    pixels = _covered(mask, (height, width))
    return colors if pixels is None or not len(pixels) else colors[:, pixels]


def _covered(mask: np.ndarray | None, size: tuple[int, int]) -> np.ndarray | None:
    if mask is None:
        return None
    return np.flatnonzero(mask_maker.reduced(mask, *size) > COVERED)


def _target(samples: Sequence[np.ndarray], shares: Sequence[float], pixels: np.ndarray | None,
            size: tuple[int, int], weight: float, like: Tensor) -> PaletteTarget:
    """The target made of samples with `shares`; `weight` is relative to the whole picture."""
    total = size[0] * size[1]
    count = total if pixels is None else len(pixels)
    colors = np.concatenate(samples, axis=1).astype(np.float64)
    weights = np.concatenate([np.full(sample.shape[1], share / sample.shape[1])
                              for sample, share in zip(samples, shares)])
    ordered = np.empty((len(DIRECTIONS), count))
    alike = len(samples) == 1           # so all weights are equal

    def fill(k: int) -> None:
        ordered[k] = _quantiles(DIRECTIONS[k].astype(np.float64) @ colors, weights, count, alike)

    parallel.run(fill, range(len(DIRECTIONS)))
    mean = (colors * weights).sum(axis=1, keepdims=True)
    variance = max(float((weights * (colors - mean) ** 2).sum()) / 3, MIN_VARIANCE)

    def tensor(array: np.ndarray) -> Tensor:
        return Tensor(to_device(array, like.device))

    return PaletteTarget(quantiles.table(tensor(ordered.astype(like.dtype)).data),
                         tensor(DIRECTIONS.astype(like.dtype)),
                         None if pixels is None else tensor(pixels),
                         weight / (total * len(DIRECTIONS) * variance))


def _quantiles(values: np.ndarray, weights: np.ndarray, count: int, alike: bool) -> np.ndarray:
    """`count` numbers with the distribution of weighted `values`, sorted.

    `alike` promises that all weights are equal: then the order is not needed, only the values in
    order, which NumPy finds several times as fast.
    """
    if alike:
        values = np.sort(values)
    else:
        order = np.argsort(values)
        values, weights = values[order], weights[order]
    middles = np.cumsum(weights) - weights / 2      # middle of the share that each value stands for
    return np.interp((np.arange(count) + 0.5) / count, middles, values)
