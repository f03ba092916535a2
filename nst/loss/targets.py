"""What a picture is compared with, worked out once, before the first iteration.

Every term of the loss is a factor times a sum of squares. The factors hold everything that does
not change: the layer's weight, the norm, the share of the picture that a region covers.

With automatic weights the norm's factor gives way to 1 / (the sum of squares of the target), so
each term is a squared relative error, (‖ΔF‖/‖F‖)² or (‖ΔG‖/‖A‖)². That does not depend on the
size of the picture, on the size of a layer's features or on the norm, which all cancel; layer
weights are divided by their sum, so another choice of layers does not shift the balance between
content and style either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import minigrad.functional as F
from minigrad import Tensor
from nst.config.settings import Settings
from nst.loss.normalizations import NORMS
from nst.pictures import masks as mask_maker
from nst.pictures.masks import Masks

Features = dict[str, Tensor]


@dataclass(frozen=True)
class ContentTarget:
    """One layer of the content: factor · Σ mask·(F − features)².

    Attributes
    ----------
    features : Tensor, 1×N×H×W
        Times ``sqrt_mask``, where there is a mask.
    sqrt_mask : Tensor 1×1×H×W, optional
        √mask; None if the content counts everywhere.
    """

    features: Tensor
    sqrt_mask: Tensor | None
    factor: float


@dataclass(frozen=True)
class StyleTarget:
    """One layer of the style in one region: factor · Σ (G − gram)², G from mask·F·Fᵀ.

    Attributes
    ----------
    gram : Tensor, 1×N×N
        What G would be of a picture painted like this, as large as the region.
    sqrt_mask : Tensor 1×1×H×W, optional
        √mask of the region; None if it is the whole picture.
    """

    gram: Tensor
    sqrt_mask: Tensor | None
    factor: float


def content_targets(features: Features, settings: Settings, masks: Masks
                    ) -> dict[str, ContentTarget]:
    """The targets by layer, from the content's features."""
    return {layer: _content_target(features[layer], weight, settings, masks)
            for layer, weight in _weights(settings.content_layers, settings).items()}


def _content_target(features: Tensor, weight: float, settings: Settings, masks: Masks
                    ) -> ContentTarget:
    channels, height, width = features.shape[1:]
    if settings.auto_weights:
        factor = weight / _squares(features)
    else:
        factor = weight * NORMS[settings.norm].content(channels, height * width)
    if masks.content is None:
        return ContentTarget(features, None, factor)
    sqrt_mask = mask_maker.sqrt_mask(masks.content, height, width, features.device)
    return ContentTarget(features * sqrt_mask, sqrt_mask, factor)


def style_targets(features: Sequence[Features], sizes: dict[str, tuple[int, int]],
                  settings: Settings, masks: Masks) -> dict[str, list[StyleTarget]]:
    """The targets by layer, one for each region that is not empty.

    Parameters
    ----------
    features : sequence of dict
        Of each style picture.
    sizes : dict
        Height and width of the painted picture's features in each layer.
    """
    grams = {layer: [_mean_gram(of_style[layer], mask) for of_style, mask
                     in zip(features, masks.styles or [None] * len(features))]
             for layer in settings.style_layers}
    return style_targets_of(grams, sizes, settings, masks)


def style_targets_of(all_grams: dict[str, list[MeanGram]], sizes: dict[str, tuple[int, int]],
                     settings: Settings, masks: Masks) -> dict[str, list[StyleTarget]]:
    """The same from the Gram matrices of the style pictures, by layer."""
    targets = {}
    for layer, weight in _weights(settings.style_layers, settings).items():
        grams = all_grams[layer]
        blend = np.array(settings.blend or [1.0] * len(grams)) / sum(settings.blend or [len(grams)])
        regions = (_regions(grams, blend, masks, *sizes[layer]) if masks.regions
                   else [(_blended(grams, blend, *sizes[layer]), None, 1.0)])
        targets[layer] = [_style_target(gram, sqrt_mask, share, weight, sizes[layer], settings)
                          for gram, sqrt_mask, share in regions]
    return targets


@dataclass(frozen=True)
class MeanGram:
    """A Gram matrix 1×N×N and how many positions it is a sum over."""

    gram: Tensor
    positions: float

    def of_size(self, positions: float) -> Tensor:
        """As it would be of so many positions."""
        return self.gram * (positions / self.positions)


def _mean_gram(features: Tensor, mask: np.ndarray | None) -> MeanGram:
    """Of a style picture, or of the part of it that the mask shows."""
    height, width = features.shape[2:]
    if mask is None:
        return MeanGram(F.gram_matrix(features), height * width)
    sqrt_mask = mask_maker.sqrt_mask(mask, height, width, features.device)
    return MeanGram(F.gram_matrix(features * sqrt_mask), count_positions(sqrt_mask))


def _blended(grams: Sequence[MeanGram], blend: np.ndarray, height: int, width: int) -> Tensor:
    """The mean of the Gram matrices, weighted.

    Σ bₖ‖G − Aₖ‖² and ‖G − Σ bₖAₖ‖² differ by a constant only, as Σ bₖ = 1: aiming at the mean
    is aiming at all of them, at the price of one.
    """
    total = None
    for share, gram in zip(blend, grams):
        part = gram.of_size(height * width)
        part = part if share == 1 else part * float(share)
        total = part if total is None else total + part
    return total


def _regions(grams: Sequence[MeanGram], blend: np.ndarray, masks: Masks, height: int, width: int
             ) -> list[tuple[Tensor, Tensor | None, float]]:
    """Target, √mask and weight of each region.

    The weight is the region's share of the picture, so that a pixel is pulled at as hard in a
    small region as in a large one, times what the blend says about its style.
    """
    found = []
    for gram, mask, amount in zip(grams, masks.regions, blend * len(blend)):
        if mask is None:
            found.append((gram.of_size(height * width), None, float(amount)))
            continue
        sqrt_mask = mask_maker.sqrt_mask(mask, height, width, gram.gram.device)
        positions = count_positions(sqrt_mask)
        if positions and amount:
            share = positions / (height * width)
            found.append((gram.of_size(positions), sqrt_mask, float(amount * share)))
    return found


def _style_target(gram: Tensor, sqrt_mask: Tensor | None, share: float, weight: float,
                  size: tuple[int, int], settings: Settings) -> StyleTarget:
    if settings.auto_weights:
        return StyleTarget(gram, sqrt_mask, weight * share / _squares(gram))
    whole = size[0] * size[1]
    part = whole if sqrt_mask is None else count_positions(sqrt_mask)
    # Norms are for Gram matrices over the whole picture: a region's is taken to that size.
    norm = NORMS[settings.norm].style(gram.shape[1], whole) * (whole / part) ** 2
    return StyleTarget(gram, sqrt_mask, weight * share * norm)


def _weights(layers: dict[str, float], settings: Settings) -> dict[str, float]:
    total = sum(layers.values()) if settings.auto_weights else 1
    return {layer: weight / total for layer, weight in layers.items()}


def count_positions(sqrt_mask: Tensor) -> float:
    """How many positions a mask amounts to: Σ mask."""
    return _sum_of_squares(sqrt_mask)


def _squares(target: Tensor) -> float:
    """What a relative error is relative to; a target of zeros has none, so 1."""
    return _sum_of_squares(target) or 1.0


def _sum_of_squares(tensor: Tensor) -> float:
    return float((tensor * tensor).sum(dtype=np.float64).item())
