"""The targets of the loss, computed once before the first iteration.

Every term of the loss is a constant factor times a distance. The factor contains the layer's
weight, the norm, and the share of the picture that a region covers.

With automatic weights the norm is replaced by 1 / (the size of the target), so each term is a
squared relative error: (‖ΔF‖/‖F‖)² of the content, (‖ΔG‖/‖A‖)² of Gram matrices, or the squared
Wasserstein distance over the second moment. It does not depend on the size of the picture, on the
size of a layer's features or on the norm. Layer weights are divided by their sum, so another
choice of layers does not shift the balance between content and style either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from minigrad import Tensor
from nst.config.settings import Settings
from nst.loss.normalizations import NORMS
from nst.loss.style import (
    HostMoments,
    StyleTarget,
    host_moments,
    statistics,
    statistics_size,
    style_target,
)
from nst.model import vgg
from nst.pictures import masks as mask_maker
from nst.pictures.masks import Masks

Features = dict[str, Tensor]
Region = tuple[Tensor, Tensor | None, float]    # statistics, mask, share of the layer's weight

GUIDED_SIZE = 4     # pixels under one position of the deepest layer that compares found regions


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


def content_targets(features: Features, settings: Settings, masks: Masks
                    ) -> dict[str, ContentTarget]:
    """The content targets, by layer."""
    return {layer: _content_target(features[layer], weight, settings, masks)
            for layer, weight in _weights(settings.content_layers, settings).items()}


def _content_target(features: Tensor, weight: float, settings: Settings, masks: Masks
                    ) -> ContentTarget:
    channels, height, width = features.shape[1:]
    if settings.auto_weights:
        factor = weight / (_sum_of_squares(features) or 1.0)
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
    all_statistics = {layer: [_statistics(of_style[layer], mask, settings) for of_style, mask
                              in zip(features, masks.styles or [None] * len(features))]
                      for layer in settings.style_layers}
    return style_targets_of(all_statistics, sizes, settings, masks)


def style_targets_of(all_statistics: dict[str, list[Statistics]],
                     sizes: dict[str, tuple[int, int]], settings: Settings, masks: Masks
                     ) -> dict[str, list[StyleTarget]]:
    """The style targets, from the statistics of the style pictures by layer."""
    regions: dict[str, list[Region]] = {}
    for layer in settings.style_layers:
        styles = all_statistics[layer]
        if settings.guided and not guides(layer):
            styles = styles[-1:]                # that of the whole
        blend = np.array(settings.shares(len(styles)))
        regions[layer] = (_regions(styles, blend, masks, *sizes[layer])
                          if len(styles) == len(masks.regions)
                          else [(_blended(styles, blend, *sizes[layer]), None, 1.0)])
    moments: Iterator[HostMoments | None] = repeat(None)
    if settings.style_loss == "w2":
        moments = iter(host_moments([matrix for layer in regions.values()
                                     for matrix, _, _ in layer]))
    return {layer: [_style_target(*region, weight, sizes[layer], settings, next(moments))
                    for region in regions[layer]]
            for layer, weight in _weights(settings.style_layers, settings).items()}


def guides(layer: str) -> bool:
    """Whether regions that were found are compared in a layer: down to relu3_1.

    Deeper features see beyond the borders of a region, and the roots of their large matrices would
    take most of the time of the regions.
    """
    return vgg.min_size([layer]) <= GUIDED_SIZE


@dataclass(frozen=True)
class Statistics:
    """The statistics 1×K×K of a style picture and the number of positions that they sum over."""

    matrix: Tensor
    positions: float

    def scaled_to(self, positions: float) -> Tensor:
        """The matrix scaled to a number of positions."""
        return self.matrix * (positions / self.positions)


def _statistics(features: Tensor, mask: np.ndarray | None, settings: Settings) -> Statistics:
    """The statistics of a style picture, or of its part under the mask."""
    height, width = features.shape[2:]
    of_layer = (None if mask is None
                else mask_maker.of_layer(mask, height, width, features.device))
    matrix, = statistics(features, [of_layer], None, settings.style_loss)
    return Statistics(matrix, height * width if of_layer is None else count_positions(of_layer))


def _blended(styles: Sequence[Statistics], blend: np.ndarray, height: int, width: int) -> Tensor:
    """The weighted mean of the statistics.

    For Gram matrices, Σ bₖ‖G − Aₖ‖² and ‖G − Σ bₖAₖ‖² differ only by a constant, because Σ bₖ = 1,
    so one target, the mean, replaces all of them. Mean moments are those of all styles' positions
    together.
    """
    scaled = [style.scaled_to(height * width) for style in styles]
    return sum_terms([matrix if share == 1 else matrix * float(share)
                      for share, matrix in zip(blend, scaled)])


def _regions(styles: Sequence[Statistics], blend: np.ndarray, masks: Masks, height: int,
             width: int) -> list[Region]:
    """Target, mask and weight of each region.

    The weight is the region's share of the picture times the share of its style in the blend, so
    the gradient of a pixel does not depend on the size of its region.
    """
    regions: list[Region] = []
    for style, mask, amount in zip(styles, masks.regions, blend * len(blend)):
        if mask is None:
            regions.append((style.scaled_to(height * width), None, float(amount)))
            continue
        of_layer = mask_maker.of_layer(mask, height, width, style.matrix.device)
        positions = count_positions(of_layer)
        if positions and amount:
            share = positions / (height * width)
            regions.append((style.scaled_to(positions), of_layer, float(amount * share)))
    return regions


def _style_target(matrix: Tensor, mask: Tensor | None, share: float, weight: float,
                  size: tuple[int, int], settings: Settings, moments: HostMoments | None
                  ) -> StyleTarget:
    name = settings.style_loss
    if settings.auto_weights or name != "gram":
        return style_target(matrix, mask, weight * share / statistics_size(matrix, name), name,
                            moments)
    whole = size[0] * size[1]
    part = whole if mask is None else count_positions(mask)
    # Norms are defined for the whole picture, so a region's Gram matrix is scaled to that size.
    norm = NORMS[settings.norm].style(matrix.shape[1], whole) * (whole / part) ** 2
    return style_target(matrix, mask, weight * share * norm, name)


def _weights(layers: dict[str, float], settings: Settings) -> dict[str, float]:
    total = sum(layers.values()) if settings.auto_weights else 1
    return {layer: weight / total for layer, weight in layers.items()}


def count_positions(mask: Tensor) -> float:
    """The number of positions under a mask, Σ mask."""
    return float(mask.sum(dtype=np.float64).item())


def sum_terms(terms: Sequence[Tensor]) -> Tensor:
    """The sum of tensors, from left to right."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _sum_of_squares(tensor: Tensor) -> float:
    return float((tensor * tensor).sum(dtype=np.float64).item())
