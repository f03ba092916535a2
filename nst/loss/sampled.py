"""Losses that are measured at random positions or in random directions.

They are not functions of sums over positions, so they cannot be computed exactly by tiles. Every
evaluation draws new random numbers, except with L-BFGS, whose line search needs one function at
each scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from minigrad import Tensor, cat, no_grad
from nst.config.choices import SAMPLED_LOSSES
from nst.config.settings import Settings
from nst.loss import sampling, sliced, transport
from nst.loss.cropped import cropped
from nst.loss.objective import Objective, require_content, window_at
from nst.loss.sampling import Hypercolumns, Positions
from nst.loss.sliced import Cloud
from nst.loss.targets import ContentTarget, StyleTarget, sum_terms
from nst.model import vgg
from nst.pictures import masks as mask_maker
from nst.pictures.masks import Masks

WHITE = 255.0
Features = Mapping[str, Tensor]


class Term(Protocol):
    """A part of the loss, computed from the features of a picture as they are computed."""

    def begin(self, random: np.random.Generator, picture: Tensor) -> None:
        """Draw random numbers for the evaluation of a picture."""

    def add(self, layer: str, features: Tensor) -> None:
        """Take the features of a layer."""

    def losses(self) -> dict[str, Tensor]:
        """The losses by name."""


class SampledObjective(Objective):
    """An `Objective` with sliced or transported style, or with content by self-similarity.

    Parameters
    ----------
    network, settings, content, styles, masks, size, border
        As for `Objective`.
    scale : int
        Number of the scale.
    factor : float
        Factor of the scale's sides; 1 at the last scale. The weight of self-similarity is divided
        by it: the weight halves while the picture doubles, as in Kolkin et al. (2019), section 2.5.
    """

    repeatable = False

    def __init__(self, network: vgg.Network, settings: Settings, content: Tensor | None,
                 styles: Tensor | Sequence[Tensor], masks: Masks | None = None,
                 size: tuple[int, int] | None = None, border: int = 0, *, scale: int = 0,
                 factor: float = 1.0) -> None:
        if settings.content_loss == "selfsim":
            settings = settings.replace(content_weight=settings.content_weight / factor)
        self.scale = scale
        self.evaluation = 0
        self.border = border
        self.size = size or _size(require_content(content))
        self.content_term: Term | None = None
        self.style_term: Term | None = None
        super().__init__(network, settings, content, styles, masks, size, border)

    def _content_targets(self, content: Tensor, masks: Masks) -> dict[str, ContentTarget]:
        if self.settings.content_loss == "features":
            return super()._content_targets(content, masks)
        features = self._features(content, set(self.settings.content_layers))
        height, width = content.shape[2:]
        mask = None if masks.content is None else mask_maker.reduced(masks.content, height, width)
        self.content_term = SelfSimilarity(features, self.settings.content_layers, mask)
        return {}

    def _style_targets(self, styles: Sequence[Tensor], sizes: dict[str, tuple[int, int]],
                       masks: Masks) -> dict[str, list[StyleTarget]]:
        if self.settings.style_loss not in SAMPLED_LOSSES:
            return super()._style_targets(styles, sizes, masks)
        features = [self._features(style, set(self.settings.style_layers)) for style in styles]
        if self.settings.style_loss == "swd":
            self.style_term = SlicedStyle(features, self.settings, masks, self.size, self.border)
        else:
            self.style_term = TransportedStyle(styles, features, self.settings, masks, self.size,
                                               self.border)
        return {}

    def begin(self, evaluation: int) -> None:
        """See `Objective`."""
        self.evaluation = 0 if self.settings.optimizer == "lbfgs" else evaluation

    def _by_layer(self, picture: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        random = sampling.generator(self.settings.seed, self.scale, self.evaluation)
        for term in self._terms():
            term.begin(random, picture)
        content, style = super()._by_layer(picture)
        if self.content_term is not None:
            content.update(self.content_term.losses())
        if self.style_term is not None:
            style.update(self.style_term.losses())
        return content, style

    def _walk(self, picture: Tensor) -> Iterator[tuple[str, Tensor]]:
        for layer, features in super()._walk(picture):
            for term in self._terms():
                term.add(layer, features)
            yield layer, features

    def _terms(self) -> Iterator[Term]:
        for term in (self.content_term, self.style_term):
            if term is not None:
                yield term


# ------------------------------------------------------------------------------- regions


@dataclass(frozen=True)
class Region:
    """A part of the result and the styles that it is compared with.

    Attributes
    ----------
    mask : array H×W, optional
        The part inside the border; None is all of it.
    amounts : tuple of float
        The share of each style; their sum is 1.
    weight : float
        The weight of the region's loss.
    """

    mask: np.ndarray | None
    amounts: tuple[float, ...]
    weight: float


def regions_of(settings: Settings, masks: Masks, styles: int, size: tuple[int, int]
               ) -> list[Region]:
    """The regions of a result of a height and width that are not empty.

    The weight of a region is its share of the picture times that of its style, as with other
    losses; see `nst.loss.targets`.
    """
    blend = np.array(settings.shares(styles))
    if not masks.regions:
        return [Region(None, tuple(blend.tolist()), 1.0)]
    regions = []
    for style, mask in enumerate(masks.regions):
        reduced = None if mask is None else mask_maker.reduced(mask, *size)
        weight = float(blend[style] * styles * (1 if reduced is None else reduced.mean()))
        if weight:
            only = tuple(float(other == style) for other in range(styles))
            regions.append(Region(reduced, only, weight))
    return regions


def _size(picture: Tensor) -> tuple[int, int]:
    height, width = picture.shape[2:]
    return height, width


def _inside(size: tuple[int, int], border: int) -> tuple[int, int]:
    return size[0] - 2 * border, size[1] - 2 * border


# --------------------------------------------------------------------------------- terms


class SelfSimilarity:
    """l_c of `nst.loss.transport`, at random positions of the content's mask."""

    def __init__(self, features: Features, weights: Mapping[str, float],
                 mask: np.ndarray | None) -> None:
        self.features = features
        self.factors = sampling.layer_factors([features], [1.0], weights)
        self.mask = mask

    def begin(self, random: np.random.Generator, picture: Tensor) -> None:
        """See `Term`."""
        height, width = picture.shape[2:]
        positions = sampling.draw(random, (height, width), sampling.SAMPLES, self.mask)
        with no_grad():
            self.target = transport.self_similarity(
                sampling.hypercolumns(self.features, self.factors, positions))
        self.columns = Hypercolumns(positions, self.factors)

    def add(self, layer: str, features: Tensor) -> None:
        """See `Term`."""
        self.columns.add(layer, features)

    def losses(self) -> dict[str, Tensor]:
        """See `Term`."""
        return {"similarity": transport.self_similarity_distance(self.columns.matrix(),
                                                                 self.target)}


@dataclass
class _Comparison:
    """A region at one evaluation: the result's hypercolumns and colours, and the style's."""

    region: Region
    columns: Hypercolumns
    colors: Tensor
    style: Tensor
    style_colors: Tensor


class TransportedStyle:
    """l_r + l_m + l_p/α of `nst.loss.transport`, where α is the weight of content over style.

    As in the authors' program, an α below 1 counts as 1.
    """

    def __init__(self, pictures: Sequence[Tensor], features: Sequence[Features],
                 settings: Settings, masks: Masks, size: tuple[int, int], border: int) -> None:
        self.pictures = pictures
        self.features = features
        self.masks = [None if mask is None else mask_maker.reduced(mask, *picture.shape[2:])
                      for picture, mask in zip(pictures, masks.styles or [None] * len(pictures))]
        self.size, self.border = _inside(size, border), border
        self.regions = regions_of(settings, masks, len(pictures), self.size)
        blend = np.array(settings.blend or (1.0,) * len(pictures))
        self.factors = sampling.layer_factors(features, (blend / blend.sum()).tolist(),
                                              settings.style_layers)
        self.palette = 1 / max(1.0, settings.content_weight / settings.style_weight)

    def begin(self, random: np.random.Generator, picture: Tensor) -> None:
        """See `Term`."""
        self.comparisons = [self._comparison(random, picture, region) for region in self.regions]

    def _comparison(self, random: np.random.Generator, picture: Tensor, region: Region
                    ) -> _Comparison:
        positions = sampling.draw(random, self.size, sampling.SAMPLES, region.mask, self.border)
        own_colors = _colors(picture, positions)
        ends = np.rint(np.cumsum(region.amounts) * sampling.SAMPLES).astype(int)
        columns, colors = [], []
        with no_grad():
            for style, count in enumerate(np.diff(ends, prepend=0)):
                if count:
                    image = self.pictures[style]
                    height, width = image.shape[2:]
                    drawn = sampling.draw(random, (height, width), int(count), self.masks[style])
                    columns.append(sampling.hypercolumns(self.features[style], self.factors,
                                                         drawn))
                    colors.append(_colors(image, drawn))
            return _Comparison(region, Hypercolumns(positions, self.factors),
                               own_colors, cat(columns, dim=0), cat(colors, dim=0))

    def add(self, layer: str, features: Tensor) -> None:
        """See `Term`."""
        for one in self.comparisons:
            one.columns.add(layer, features)

    def losses(self) -> dict[str, Tensor]:
        """See `Term`."""
        terms: dict[str, list[Tensor]] = {"transport": [], "moments": [], "palette": []}
        for one in self.comparisons:
            columns, weight = one.columns.matrix(), one.region.weight
            terms["transport"].append(weight * transport.relaxed_distance(
                transport.cosine_distances(columns, one.style)))
            terms["moments"].append(weight * transport.moment_distance(columns, one.style))
            terms["palette"].append(weight * self.palette * transport.relaxed_distance(
                transport.euclidean_distances(one.colors, one.style_colors)))
        return {name: sum_terms(losses) for name, losses in terms.items()}


def _colors(picture: Tensor, positions: Positions) -> Tensor:
    """The colours of a picture at positions, n×3, from 0 to 1 less the mean colour."""
    return sampling.features_at(picture, "relu1_1", positions) / WHITE


class SlicedStyle:
    """The sliced distance of every style layer, see `nst.loss.sliced`."""

    def __init__(self, features: Sequence[Features], settings: Settings, masks: Masks,
                 size: tuple[int, int], border: int) -> None:
        self.weights = {layer: weight / sum(settings.style_layers.values())
                        for layer, weight in settings.style_layers.items()}
        self.windows = {layer: window_at(layer, size, border) for layer in self.weights}
        self.fixed = settings.optimizer == "lbfgs"
        self.drawn: dict[str, tuple[Tensor, list[Any]]] = {}
        self.regions: dict[str, list[Region]] = {}
        self.styles: dict[str, list[Cloud]] = {}
        self.units: dict[str, list[float]] = {}
        for layer in self.weights:
            inside = vgg.size_at(layer, *_inside(size, border))
            self.regions[layer] = regions_of(settings, masks, len(features), inside)
            clouds = [_style_cloud(of_style[layer], mask) for of_style, mask
                      in zip(features, masks.styles or [None] * len(features))]
            self.styles[layer] = [sliced.mixed(clouds, region.amounts)
                                  for region in self.regions[layer]]
            self.units[layer] = [(style.second_moment() or 1.0) / style.features.shape[1]
                                 for style in self.styles[layer]]

    def begin(self, random: np.random.Generator, picture: Tensor) -> None:
        """See `Term`."""
        self.random = random
        self.found: dict[str, Tensor] = {}
        if not self.fixed:
            self.drawn = {}

    def add(self, layer: str, features: Tensor) -> None:
        """See `Term`."""
        if layer not in self.weights:
            return
        if layer not in self.drawn:
            directions = sliced.draw_directions(self.random, features.shape[1], features)
            self.drawn[layer] = directions, [sliced.quantiles(style, directions)
                                             for style in self.styles[layer]]
        directions, tables = self.drawn[layer]
        window = self.windows[layer]
        if window is not None:
            features = cropped(features, *window)
        losses = []
        for region, table, unit in zip(self.regions[layer], tables, self.units[layer]):
            result = sliced.cloud(features, region.mask)
            if result is not None:
                losses.append(self.weights[layer] * region.weight / unit
                              * sliced.sliced_distance(result, directions, table))
        if losses:
            self.found[layer] = sum_terms(losses)

    def losses(self) -> dict[str, Tensor]:
        """See `Term`."""
        return self.found


def _style_cloud(features: Tensor, mask: np.ndarray | None) -> Cloud:
    height, width = features.shape[2:]
    covered = sliced.cloud(features, None if mask is None
                           else mask_maker.reduced(mask, height, width))
    assert covered is not None          # a mask that is not black is nowhere reduced to black
    return covered
