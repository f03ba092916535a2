"""What style transfer minimises: eq. 8-12 of the seeds' review of Gatys' method.

    L = α · Σ w_l C_l  +  β · Σ w_l E_l  +  γ · TV

C_l compares the features F of a layer (N channels × M positions) with those of the content
picture, E_l the Gram matrices G = F·Fᵀ with those of the style picture, TV asks neighbouring
pixels to be alike. Sums of squares are added up in float64: E_l reaches 10¹³.

References
----------
Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015), eq. 1-7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import minigrad.functional as F
from minigrad import Tensor, no_grad
from nst.settings import Settings
from nst.vgg import Network


@dataclass(frozen=True)
class Norm:
    """What the sums of squares of a layer are multiplied by: functions of N and M."""

    content: Callable[[int, int], float]
    style: Callable[[int, int], float]


NORMS = {
    # ½ Σ ΔF²  and  ΣΔG² / (4 N² M²): eq. 8 and 10.
    "gatys": Norm(content=lambda n, m: 1 / 2, style=lambda n, m: 1 / (4 * n**2 * m**2)),
    # The mean over the elements of F and of G.
    "mse": Norm(content=lambda n, m: 1 / (n * m), style=lambda n, m: 1 / n**2),
    "sum": Norm(content=lambda n, m: 1.0, style=lambda n, m: 1.0),
}


@dataclass(frozen=True)
class Losses:
    """One evaluation: float64 numbers on the device.

    ``total`` has the weights α, β and γ in it, the terms have not. A term of weight 0 is None,
    but for ``tv``, which is always measured.
    """

    total: Tensor
    content: Tensor | None
    style: Tensor | None
    tv: Tensor


class Objective:
    """The loss of a picture, with its targets computed once.

    Parameters
    ----------
    network : Network
    settings : Settings
        Layers, weights, pooling and norm.
    content, style : Tensor, 1×3×H×W
        Centred pictures, see `nst.images`; they may differ in size.
    """

    def __init__(self, network: Network, settings: Settings, content: Tensor, style: Tensor
                 ) -> None:
        self.network = network
        self.settings = settings
        self.norm = NORMS[settings.norm]
        content_layers = set(settings.content_layers) if settings.content_weight else set()
        style_layers = set(settings.style_layers) if settings.style_weight else set()
        with no_grad():
            self.content_targets = self._features(content, content_layers)
            self.style_targets = {layer: (F.gram_matrix(features), _positions(features))
                                  for layer, features
                                  in self._features(style, style_layers).items()}

    def _features(self, picture: Tensor, layers: set[str]) -> dict[str, Tensor]:
        return self.network.features(picture, layers, self.settings.pooling)

    def __call__(self, picture: Tensor) -> Losses:
        """Evaluate a centred picture 1×3×H×W of the content's size."""
        settings = self.settings
        features = self._features(picture, settings.layers)
        content = style = None
        weighted = []
        if settings.content_weight:
            content = self._content(features)
            weighted.append(settings.content_weight * content)
        if settings.style_weight:
            style = self._style(features)
            weighted.append(settings.style_weight * style)
        if settings.tv_weight:
            tv = total_variation(picture)
            weighted.append(settings.tv_weight * tv)
        else:
            with no_grad():
                tv = total_variation(picture)
        return Losses(_added(weighted), content, style, tv)

    def _content(self, features: dict[str, Tensor]) -> Tensor:
        """Σ w_l C_l, eq. 8 for several layers."""
        return _added([weight * content_loss(features[layer], self.content_targets[layer],
                                             self.norm)
                       for layer, weight in self.settings.content_layers.items()])

    def _style(self, features: dict[str, Tensor]) -> Tensor:
        """Σ w_l E_l, eq. 11."""
        return _added([weight * style_loss(features[layer], *self.style_targets[layer], self.norm)
                       for layer, weight in self.settings.style_layers.items()])


def content_loss(features: Tensor, target: Tensor, norm: Norm) -> Tensor:
    """C_l: eq. 8, or as ``norm`` has it; both 1×N×H×W."""
    factor = norm.content(features.shape[1], _positions(features))
    return factor * F.mse_loss(features, target, reduction="sum")


def style_loss(features: Tensor, target: Tensor, target_positions: int, norm: Norm) -> Tensor:
    """E_l: eq. 10, or as ``norm`` has it.

    Parameters
    ----------
    features : Tensor, 1×N×H×W
    target : Tensor, 1×N×N
        The Gram matrix of the style picture, and
    target_positions : int
        how many positions it is a sum over. It is scaled to what a style picture of the size
        of ``features`` would have, so that the two pictures may differ in size.
    """
    positions = _positions(features)
    factor = norm.style(features.shape[1], positions)
    target = target * (positions / target_positions)
    return factor * F.mse_loss(F.gram_matrix(features), target, reduction="sum")


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


def _positions(features: Tensor) -> int:
    return features.shape[2] * features.shape[3]


def _added(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
