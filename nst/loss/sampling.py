"""Random positions of a picture, and its features there.

Random numbers depend on the run's seed, the scale and the evaluation only, so a resumed run draws
the same ones as an uninterrupted run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minigrad import Tensor, cat
from nst.model import vgg

SAMPLES = 1024          # positions; Kolkin et al. (2019), section 2.5
SCALED = 1e-30          # mean square below which features are not scaled: they are zeros


def generator(seed: int, scale: int, evaluation: int) -> np.random.Generator:
    """The random numbers of one evaluation."""
    return np.random.default_rng((seed, scale, evaluation))


@dataclass(frozen=True)
class Positions:
    """Pixels of a picture, as arrays of rows and of columns."""

    rows: np.ndarray
    columns: np.ndarray


def draw(random: np.random.Generator, size: tuple[int, int], count: int,
         mask: np.ndarray | None = None, border: int = 0) -> Positions:
    """Positions inside the border of a picture.

    Without a mask they are distinct; a picture with at most `count` positions gives all of them, in
    order. With a mask, positions are drawn independently, each as often as the mask says.

    Parameters
    ----------
    size : tuple of two int
        Height and width without the border.
    mask : array, height×width, optional
        Not 0 everywhere.
    """
    total = size[0] * size[1]
    if mask is not None:
        shares = mask.ravel().astype(np.float64)
        chosen = random.choice(total, count, p=shares / shares.sum())
    elif total <= count:
        chosen = np.arange(total)
    else:
        chosen = random.choice(total, count, replace=False, shuffle=False)
    rows, columns = np.divmod(chosen, size[1])
    return Positions(rows + border, columns + border)


def features_at(features: Tensor, layer: str, positions: Positions) -> Tensor:
    """Features 1×N×H×W of a layer at pixels of the picture, n×N, by bilinear interpolation."""
    stride = vgg.min_size([layer])
    if stride == 1:
        return features[:, :, positions.rows, positions.columns][0].transpose(0, 1)
    height, width = features.shape[2:]
    top, bottom, down = _neighbours(positions.rows, stride, height)
    left, right, across = _neighbours(positions.columns, stride, width)
    rows, columns = np.stack([top, top, bottom, bottom]), np.stack([left, right, left, right])
    shares = np.stack([(1 - down) * (1 - across), (1 - down) * across,
                       down * (1 - across), down * across])
    corners = features[:, :, rows, columns][0]              # N×4×n
    weights = Tensor(shares.astype(features.dtype), device=features.device)
    return (corners * weights).sum(dim=1).transpose(0, 1)


def _neighbours(pixels: np.ndarray, stride: int, length: int
                ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two nearest positions of a layer along one axis, and the share of the second one."""
    place = ((pixels + 0.5) / stride - 0.5).clip(0, length - 1)
    first = np.floor(place).astype(np.int64)
    return first, np.minimum(first + 1, length - 1), place - first


class Hypercolumns:
    """The hypercolumns of a picture at some positions, collected layer by layer.

    A hypercolumn is the features of several layers at one position, one below the other; see
    Kolkin et al. (2019), section 2.1. Each layer has a factor, see `layer_factors`.
    """

    def __init__(self, positions: Positions, factors: Mapping[str, float]) -> None:
        self.positions = positions
        self.factors = factors
        self.parts: list[Tensor] = []

    def add(self, layer: str, features: Tensor) -> None:
        """Take the features of one of the layers, or ignore those of others."""
        if layer in self.factors:
            self.parts.append(features_at(features, layer, self.positions) * self.factors[layer])

    def matrix(self) -> Tensor:
        """The hypercolumns, n×d."""
        return cat(self.parts, dim=1)


def hypercolumns(features: Mapping[str, Tensor], factors: Mapping[str, float],
                 positions: Positions) -> Tensor:
    """The hypercolumns n×d of a picture whose features are known."""
    columns = Hypercolumns(positions, factors)
    for layer in features:
        columns.add(layer, features[layer])
    return columns.matrix()


def layer_factors(pictures: Sequence[Mapping[str, Tensor]], shares: Sequence[float],
                  weights: Mapping[str, float]) -> dict[str, float]:
    """The factor of each layer in a hypercolumn.

    Elements have a mean square of 1 over the pictures. A layer's part of the squared length, and
    so of the cosine, is its share of the weights.

    Parameters
    ----------
    pictures : sequence of dict
        The features of each picture.
    shares : sequence of float
        How much each picture counts; their sum is 1.
    weights : mapping
        Layer -> weight.
    """
    channels = {layer: pictures[0][layer].shape[1] for layer in weights}
    total = sum(weights.values())
    factors = {}
    for layer, weight in weights.items():
        square = sum(share * _mean_square(picture[layer])
                     for picture, share in zip(pictures, shares))
        part = weight / total * sum(channels.values()) / channels[layer]
        factors[layer] = float(np.sqrt(part / square)) if square > SCALED else 1.0
    return factors


def _mean_square(features: Tensor) -> float:
    return float((features * features).sum(dtype=np.float64).item()) / features.numel()
