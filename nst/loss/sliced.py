"""The sliced Wasserstein distance of a layer's features.

Features are projected onto random directions θ of length 1. In one dimension the squared
2-Wasserstein distance compares sorted numbers: the quantiles of the result with those of the style.

    E = N/tr S · mean over θ and i of (⟨θ, F⟩₍ᵢ₎ − ⟨θ, F_style⟩₍ᵢ₎)²

N is the number of channels and S the style's second moment, so features of zeros are at a distance
of 1. Quantiles of a different number of positions are interpolated linearly.

Heitz, Vanhoey, Chambon and Belcour, "A Sliced Wasserstein Loss for Neural Texture Synthesis"
(2021), section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, no_grad, sort
from minigrad.backend import array_module

DIRECTIONS = 32


def draw_directions(random: np.random.Generator, channels: int, like: Tensor) -> Tensor:
    """Unit vectors, DIRECTIONS×channels, of the type and on the device of a tensor."""
    vectors = random.standard_normal((DIRECTIONS, channels))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Tensor(vectors.astype(like.dtype), device=like.device)


@dataclass(frozen=True)
class Cloud:
    """The features of positions that may count in part.

    Attributes
    ----------
    features : Tensor, M×N
    shares : array of M, optional
        How much each position counts; their sum is 1 and none is 0. None: equally.
    """

    features: Tensor
    shares: np.ndarray | None = None

    def second_moment(self) -> float:
        """The trace of the second moment."""
        squares = (self.features * self.features).sum(dim=1, dtype=np.float64).numpy()
        return float(squares.mean() if self.shares is None else self.shares @ squares)


def cloud(features: Tensor, mask: np.ndarray | None = None) -> Cloud | None:
    """The features 1×N×H×W as far as a mask H×W covers them; None if it covers none."""
    flat = features[0].permute(1, 2, 0).reshape(-1, features.shape[1])
    if mask is None:
        return Cloud(flat)
    covered = mask.ravel().nonzero()[0]
    if not len(covered):
        return None
    shares = mask.ravel()[covered].astype(np.float64)
    if len(covered) < mask.size:
        flat = flat[covered]
    return Cloud(flat, shares / shares.sum())


def mixed(clouds: Sequence[Cloud], amounts: Sequence[float]) -> Cloud:
    """One cloud of several, each counting as much as its amount; their sum is 1."""
    used = [(one, amount) for one, amount in zip(clouds, amounts) if amount]
    if len(used) == 1:
        return used[0][0]
    shares = [amount * (np.full(len(one.features), 1 / len(one.features)) if one.shares is None
                        else one.shares) for one, amount in used]
    return Cloud(_joined([one.features for one, _ in used]), np.concatenate(shares))


def _joined(parts: Sequence[Tensor]) -> Tensor:
    xp = array_module(parts[0].data)
    return Tensor(xp.concatenate([part.data for part in parts]))


def quantiles(style: Cloud, directions: Tensor) -> Any:
    """Quantiles of the style in each direction at levels (g + ½)/M, an array K×M."""
    with no_grad():
        projected = (directions @ style.features.transpose(0, 1)).data
    xp = array_module(projected)
    if style.shares is None:
        return xp.sort(projected, axis=1)
    order = xp.argsort(projected, axis=1)
    values = xp.take_along_axis(projected, order, 1)
    levels = _levels(xp.asarray(style.shares)[order])
    grid = (xp.arange(values.shape[1]) + 0.5) / values.shape[1]
    return xp.stack([xp.interp(grid, *row) for row in zip(levels, values)]).astype(projected.dtype)


def _levels(sorted_shares: Any) -> Any:
    """The level of each of sorted positions: the shares before it and half of its own."""
    return sorted_shares.cumsum(axis=-1) - sorted_shares / 2


def sliced_distance(result: Cloud, directions: Tensor, table: Any) -> Tensor:
    """The mean over directions of the squared distances to a style's quantiles, in float64."""
    values, order = sort(directions @ result.features.transpose(0, 1), dim=1)
    xp = array_module(table)
    count = values.shape[1]
    if result.shares is None:
        target = (table if table.shape[1] == count
                  else _quantiles_at(table, (xp.arange(count) + 0.5)[None] / count))
        return F.mse_loss(values, Tensor(target), reduction="sum") / values.numel()
    shares = xp.asarray(result.shares)[order.data]
    target = _quantiles_at(table, _levels(shares))
    roots = Tensor(xp.sqrt(shares).astype(table.dtype))
    return F.mse_loss(values * roots, Tensor(target) * roots, reduction="sum") / values.shape[0]


def _quantiles_at(table: Any, levels: Any) -> Any:
    """The quantiles K×M at levels K×L or 1×L, interpolated linearly."""
    xp = array_module(table)
    last = table.shape[1] - 1
    place = (levels * table.shape[1] - 0.5).clip(0, last)
    first = xp.floor(place).astype(np.int64)
    share = (place - first).astype(table.dtype)
    rows = xp.arange(len(table))[:, None]
    lower, upper = table[rows, first], table[rows, xp.minimum(first + 1, last)]
    return lower + share * (upper - lower)
