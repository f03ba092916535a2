"""The targets of the loss, computed once before the first iteration.

Every term of the loss is a factor times a sum of squares. The factor is constant: it contains the
layer's weight, the norm, and the share of the picture that a region covers.

With automatic weights the norm is replaced by 1 / (the sum of squares of the target), so each term
is a squared relative error, (‖ΔF‖/‖F‖)² or (‖ΔG‖/‖A‖)². It does not depend on the size of the
picture, on the size of a layer's features or on the norm. Layer weights are divided by their sum,
so another choice of layers does not shift the balance between content and style either.
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
        Multiplied by `sqrt_mask` if there is one.
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
        The Gram matrix of the style, scaled to the size of the region.
    sqrt_mask : Tensor 1×1×H×W, optional
        √mask of the region; None if it is the whole picture.
    """

    gram: Tensor
    sqrt_mask: Tensor | None
    factor: float


def content_targets(features: Features, settings: Settings, masks: Masks
                    ) -> dict[str, ContentTarget]:
    """The content targets, by layer."""
    return {layer: _content_target(features[layer], weight, settings, masks)
            for layer, weight in _weights(settings.content_layers, settings).items()}


def _content_target(features: Tensor, weight: float, settings: Settings, masks: Masks
                    ) -> ContentTarget:
    channels, height, width = features.shape[1:]
    if settings.auto_weights:
        factor = weight / _denominator(features)
    else:
        factor = weight * NORMS[settings.norm].content(channels, height * width)
    if masks.content is None:
        return ContentTarget(features, None, factor)
    sqrt_mask = mask_maker.sqrt_mask(masks.content, height, width, features.device)
    return ContentTarget(features * sqrt_mask, sqrt_mask, factor)


def style_targets(features: Sequence[Features], sizes: dict[str, tuple[int, int]],
                  settings: Settings, masks: Masks) -> dict[str, list[StyleTarget]]:
    """The style targets by layer, one for each region that is not empty.

    Parameters
    ----------
    features : sequence of dict
        The features of each style picture.
    sizes : dict
        Layer -> height and width of the result's features.
    """
    grams = {layer: [_mean_gram(of_picture[layer], mask) for of_picture, mask
                     in zip(features, masks.styles or [None] * len(features))]
             for layer in settings.style_layers}
    return style_targets_from_grams(grams, sizes, settings, masks)


def style_targets_from_grams(all_grams: dict[str, list[MeanGram]],
                             sizes: dict[str, tuple[int, int]], settings: Settings, masks: Masks
                             ) -> dict[str, list[StyleTarget]]:
    """The style targets, from the Gram matrices of the style pictures by layer."""
    targets = {}
    for layer, weight in _weights(settings.style_layers, settings).items():
        grams = all_grams[layer]
        amounts = settings.blend or (1.0,) * len(grams)
        blend = np.array(amounts) / sum(amounts)
        regions = (_regions(grams, blend, masks, *sizes[layer]) if masks.regions
                   else [(_blended(grams, blend, *sizes[layer]), None, 1.0)])
        targets[layer] = [_style_target(gram, sqrt_mask, share, weight, sizes[layer], settings)
                          for gram, sqrt_mask, share in regions]
    return targets


@dataclass(frozen=True)
class MeanGram:
    """A Gram matrix 1×N×N and the number of positions it sums over."""

    gram: Tensor
    positions: float

    def scaled_to(self, positions: float) -> Tensor:
        """The Gram matrix scaled to a number of positions."""
        return self.gram * (positions / self.positions)


def _mean_gram(features: Tensor, mask: np.ndarray | None) -> MeanGram:
    """The Gram matrix of a style picture, or of its part under the mask."""
    height, width = features.shape[2:]
    if mask is None:
        return MeanGram(F.gram_matrix(features), height * width)
    sqrt_mask = mask_maker.sqrt_mask(mask, height, width, features.device)
    return MeanGram(F.gram_matrix(features * sqrt_mask), count_positions(sqrt_mask))


def _blended(grams: Sequence[MeanGram], blend: np.ndarray, height: int, width: int) -> Tensor:
    """The weighted mean of the Gram matrices.

    Σ bₖ‖G − Aₖ‖² and ‖G − Σ bₖAₖ‖² differ by a constant only, because Σ bₖ = 1, so one target, the
    mean, replaces all of them.
    """
    scaled = [gram.scaled_to(height * width) for gram in grams]
    return sum_terms([gram if share == 1 else gram * float(share)
                      for share, gram in zip(blend, scaled)])


def _regions(grams: Sequence[MeanGram], blend: np.ndarray, masks: Masks, height: int, width: int
             ) -> list[tuple[Tensor, Tensor | None, float]]:
    """Target, √mask and weight of each region.

    The weight is the region's share of the picture times the share of its style in the blend, so
    the gradient of a pixel does not depend on the size of its region.
    """
    regions: list[tuple[Tensor, Tensor | None, float]] = []
    for gram, mask, amount in zip(grams, masks.regions, blend * len(blend)):
        if mask is None:
            regions.append((gram.scaled_to(height * width), None, float(amount)))
            continue
        sqrt_mask = mask_maker.sqrt_mask(mask, height, width, gram.gram.device)
        positions = count_positions(sqrt_mask)
        if positions and amount:
            share = positions / (height * width)
            regions.append((gram.scaled_to(positions), sqrt_mask, float(amount * share)))
    return regions


def _style_target(gram: Tensor, sqrt_mask: Tensor | None, share: float, weight: float,
                  size: tuple[int, int], settings: Settings) -> StyleTarget:
    if settings.auto_weights:
        return StyleTarget(gram, sqrt_mask, weight * share / _denominator(gram))
    total = size[0] * size[1]
    covered = total if sqrt_mask is None else count_positions(sqrt_mask)
    # Norms are defined for the whole picture, so a region's Gram matrix is scaled to that size.
    norm = NORMS[settings.norm].style(gram.shape[1], total) * (total / covered) ** 2
    return StyleTarget(gram, sqrt_mask, weight * share * norm)


def _weights(layers: dict[str, float], settings: Settings) -> dict[str, float]:
    total = sum(layers.values()) if settings.auto_weights else 1
    return {layer: weight / total for layer, weight in layers.items()}


def count_positions(sqrt_mask: Tensor) -> float:
    """The number of positions under a mask, Σ mask."""
    return _sum_of_squares(sqrt_mask)


def _denominator(target: Tensor) -> float:
    """The denominator of a relative error: the sum of squares, or 1 for a target of zeros."""
    return _sum_of_squares(target) or 1.0


def sum_terms(terms: Sequence[Tensor]) -> Tensor:
    """The sum of tensors, from left to right."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _sum_of_squares(tensor: Tensor) -> float:
    return float((tensor * tensor).sum(dtype=np.float64).item())
