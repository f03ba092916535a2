"""The loss of style transfer: eq. 8-12 of the review of Gatys' method in docs/seeds.md.

    L = α · Σ w_l C_l  +  β · Σ w_l E_l  +  γ · TV  +  δ · P

C_l compares the features F of a layer (N channels × M positions) with those of the content
picture, E_l their statistics with those of the style picture (see `nst.loss.style`), TV penalises
differences between neighbouring pixels, and P compares the palettes (see `nst.loss.palette`).
`nst.loss.normalizations` and `nst.loss.targets` define the divisors of C_l and E_l. Sums of squares
are computed in float64, because E_l reaches 10¹³.

References
----------
Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015), eq. 1-7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import minigrad.functional as F
from minigrad import Tensor, cuda, no_grad
from minigrad.errors import ArgumentError
from minigrad.functional import Window
from nst.config.settings import Settings
from nst.loss.palette import PaletteTarget, colors_of, palette_targets
from nst.loss.style import StyleTarget, distances, statistics
from nst.loss.targets import (
    ContentTarget,
    content_targets,
    style_targets,
    sum_terms,
)
from nst.model import vgg
from nst.pictures.masks import Masks
from nst.system.reuse import once_each

# With automatic weights, the total variation is that of pixels from 0 to 1.
WHITE = 255.0
RIPPLE = 2.0        # ε in grey levels: smaller differences do not count as edges


@dataclass(frozen=True)
class Losses:
    """The result of one evaluation, as float64 numbers on the device.

    `total` includes the weights α, β and γ, the terms do not. A term of weight 0 is None, except
    `tv`, which is always computed. `content` and `style` are the sums of `content_layers` and
    `style_layers`.
    """

    total: Tensor
    content: Tensor | None
    style: Tensor | None
    tv: Tensor
    palette: Tensor | None = None
    content_layers: dict[str, Tensor] = field(default_factory=dict)
    style_layers: dict[str, Tensor] = field(default_factory=dict)

    def with_palette(self, palette: Tensor, weight: float) -> Losses:
        """These losses with one more term."""
        return replace(self, total=self.total + weight * palette, palette=palette)


class Objective:
    """The loss of a picture, with constant targets.

    Parameters
    ----------
    network : Network
    settings : Settings
        Layers, weights, pooling, padding and norm.
    content : Tensor 1×3×H×W, optional
        A centred picture, see `nst.pictures.tensors`. None for a texture, where the content
        has weight 0.
    styles : Tensor 1×3×H×W, or a sequence of such tensors
        Centred pictures of any size.
    masks : Masks, optional
    size : tuple of two int, optional
        Height and width of the picture, with its border; by default those of the content.
    border : int
        Pixels on each side in which the style does not count, as in `Scale.border`.

    Attributes
    ----------
    repeatable : bool
        Whether all evaluations are the same function of the picture, so that a GPU may replay a
        recorded one.
    """

    repeatable = True

    def __init__(self, network: vgg.Network, settings: Settings, content: Tensor | None,
                 styles: Tensor | Sequence[Tensor], masks: Masks | None = None,
                 size: tuple[int, int] | None = None, border: int = 0) -> None:
        self.network = network
        self.settings = settings
        masks = masks or Masks()
        styles = [styles] if isinstance(styles, Tensor) else list(styles)
        self.content_targets: dict[str, ContentTarget] = {}
        self.style_targets: dict[str, list[StyleTarget]] = {}
        self.palette_targets: list[PaletteTarget] = []
        self.windows: dict[str, Window | None] = {}
        self.border = border
        with no_grad():
            if settings.content_weight:
                self.content_targets = self._content_targets(require_content(content), masks)
            if settings.style_weight:
                height, width = size or require_content(content).shape[2:]
                self.windows = {layer: window_at(layer, (height, width), border)
                                for layer in settings.style_layers}
                sizes = {layer: vgg.size_at(layer, height - 2 * border, width - 2 * border)
                         for layer in settings.style_layers}
                self.style_targets = self._style_targets(styles, sizes, masks)
                if settings.palette_weight:
                    self.palette_targets = self._palette_targets(styles, masks, (
                        height - 2 * border, width - 2 * border))

    def _content_targets(self, content: Tensor, masks: Masks) -> dict[str, ContentTarget]:
        features = self._features(content, set(self.settings.content_layers))
        return content_targets(features, self.settings, masks)

    def _style_targets(self, styles: Sequence[Tensor], sizes: dict[str, tuple[int, int]],
                       masks: Masks) -> dict[str, list[StyleTarget]]:
        """The style targets; `sizes` are those of the result's features, by layer."""
        features = once_each(lambda style: self._features(style, set(sizes)), styles)
        return style_targets(features, sizes, self.settings, masks)

    def _palette_targets(self, styles: Sequence[Tensor], masks: Masks, size: tuple[int, int]
                         ) -> list[PaletteTarget]:
        if self.settings.guided:        # found regions share the colours of the whole
            return palette_targets(styles[:1], size, [1.0], Masks(styles=masks.styles[-1:]))
        return palette_targets(styles, size, self.settings.shares(len(styles)), masks)

    def _features(self, picture: Tensor, layers: set[str]) -> dict[str, Tensor]:
        return self.network.features(picture, layers, self.settings.pooling,
                                     self.settings.padding)

    def begin(self, evaluation: int) -> None:
        """Prepare the evaluation of this number, counted over the whole run.

        The closure of an optimiser calls it. Losses that draw random numbers do so here.
        """

    def __call__(self, picture: Tensor) -> Losses:
        """Evaluate a centred picture 1×3×H×W of the content's size."""
        losses, palette = self.without_palette(picture), self.palette(picture)
        return (losses if palette is None
                else losses.with_palette(palette, self.settings.palette_weight))

    def palette(self, picture: Tensor) -> Tensor | None:
        """The distance of the palettes, before its weight; None without a target."""
        if not self.palette_targets:
            return None
        colors = colors_of(picture, self.border)
        # Colours in TF32 would have steps of up to an eighth of a grey level.
        with cuda.matmul_precision("highest"):
            return sum_terms([target.distance(colors) for target in self.palette_targets])

    def without_palette(self, picture: Tensor) -> Losses:
        """All other losses, whose products a GPU may compute in another precision."""
        content_layers, style_layers = self._by_layer(picture)
        content, style, weighted = self._summed(content_layers, style_layers)
        tv, more = self._weighted_variation(picture)
        return Losses(sum_terms(weighted + more), content, style, tv,
                      content_layers=content_layers, style_layers=style_layers)

    def _by_layer(self, picture: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The content losses and the style losses, before α and β."""
        settings = self.settings
        content_layers: dict[str, Tensor] = {}
        matrices: dict[str, list[Tensor]] = {}
        for layer, features in self._walk(picture):
            if layer in self.content_targets:
                content_layers[layer] = content_loss(features, self.content_targets[layer])
            if layer in self.style_targets:
                masks = [target.mask for target in self.style_targets[layer]]
                matrices[layer] = statistics(features, masks, self.windows[layer],
                                             settings.style_loss, partition=settings.guided)
        return content_layers, style_losses(matrices, self.style_targets)

    def _walk(self, picture: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield all features that the losses need, layer by layer."""
        return self.network.walk(picture, self.settings.layers, self.settings.pooling,
                                 self.settings.padding)

    def _summed(self, content_layers: dict[str, Tensor], style_layers: dict[str, Tensor]
                ) -> tuple[Tensor | None, Tensor | None, list[Tensor]]:
        """Sum the per-layer losses; return content, style and the weighted terms."""
        content = sum_terms(list(content_layers.values())) if content_layers else None
        style = sum_terms(list(style_layers.values())) if style_layers else None
        weights = (content, self.settings.content_weight), (style, self.settings.style_weight)
        return content, style, [weight * loss for loss, weight in weights if loss is not None]

    def _weighted_variation(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The total variation, and a list of its weighted term, empty without a weight."""
        if self.settings.tv_weight:
            tv = self._variation(picture)
            return tv, [self.settings.tv_weight * tv]
        with no_grad():
            return self._variation(picture), []

    def _variation(self, picture: Tensor) -> Tensor:
        exponent = self.settings.tv_exponent
        variation = total_variation(picture) if exponent == 2 else edge_variation(picture)
        return variation * WHITE**-exponent if self.settings.auto_weights else variation


def content_loss(features: Tensor, target: ContentTarget) -> Tensor:
    """w_l C_l, eq. 8, of the features 1×N×H×W of a picture."""
    if target.sqrt_mask is not None:
        features = features * target.sqrt_mask
    return target.factor * F.mse_loss(features, target.features, reduction="sum")


def style_losses(matrices: Mapping[str, Sequence[Tensor]],
                 targets: Mapping[str, Sequence[StyleTarget]]) -> dict[str, Tensor]:
    """The style loss of each layer, the sum over its regions, from the statistics."""
    losses = iter(distances([matrix for layer in matrices for matrix in matrices[layer]],
                            [target for layer in matrices for target in targets[layer]]))
    return {layer: sum_terms([next(losses) for _ in matrices[layer]]) for layer in matrices}


def window_at(layer: str, size: tuple[int, int], border: int) -> Window | None:
    """The positions of a layer inside the border of a picture; None if there is no border."""
    if not border:
        return None
    inside = vgg.size_at(layer, size[0] - 2 * border, size[1] - 2 * border)
    first, _ = vgg.size_at(layer, border, border)
    return Window(first, first + inside[0], first, first + inside[1])


def total_variation(picture: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, over both directions and all channels.

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them" (2015),
    eq. 3 with β = 2, divided by the number of neighbours.
    """
    left, right = picture[:, :, :, :-1], picture[:, :, :, 1:]
    above, below = picture[:, :, :-1], picture[:, :, 1:]
    squares = (F.mse_loss(right, left, reduction="sum")
               + F.mse_loss(below, above, reduction="sum"))
    return squares / max(left.numel() + above.numel(), 1)


def edge_variation(picture: Tensor) -> Tensor:
    """Mean length of the gradient, over both directions and all channels together.

    Mahendran and Vedaldi's eq. 3 with β = 1, smooth near 0: √(Σ ΔI² + ε²) − ε. An edge costs its
    height, whether it is steep or not, so ripples of a few grey levels vanish before edges do. See
    Rudin, Osher and Fatemi, "Nonlinear Total Variation Based Noise Removal Algorithms" (1992).
    """
    corner = picture[:, :, :-1, :-1]
    if not corner.numel():
        return (picture * 0).sum().double()
    right, below = picture[:, :, :-1, 1:] - corner, picture[:, :, 1:, :-1] - corner
    squares = (right * right + below * below).sum(dim=1)
    return ((squares + RIPPLE * RIPPLE).sqrt() - RIPPLE).mean().double()


def require_content(content: Tensor | None) -> Tensor:
    """Return the content picture, or raise an error if there is none."""
    if content is None:
        raise ArgumentError("the loss needs a content picture, but content is None; give one, or "
                            "a size and content-weight 0")
    return content
