"""The quality of a result in numbers: distances to style and content, and common artefacts.

Features are always computed as the network was trained (max pooling, zero padding), whatever the
run used, so that figures of different runs can be compared. A figure that cannot be computed is
None, never NaN: the picture may be too small, the style have no spread, or the network lack the
layers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, no_grad
from minigrad.errors import ArgumentError
from nst.measure import artefacts, slices
from nst.measure.similarity import WINDOW, ssim
from nst.model import vgg
from nst.model.vgg import Network
from nst.pictures import tensors
from nst.pictures.colors import luminance
from nst.pictures.picture import Picture, fitted

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
UNUSED_LAYERS = ("relu1_2", "relu2_2", "relu3_2", "relu4_2")    # no style loss uses them
CONTENT_LAYERS = ("relu4_2",)
# All measures can be computed with a network that reaches this layer.
DEEPEST = vgg.deepest({*STYLE_LAYERS, *UNUSED_LAYERS, *CONTENT_LAYERS})


@dataclass(frozen=True)
class Quality:
    """The figures of one result; all but SSIM are best at their lowest.

    Attributes
    ----------
    swd : dict
        Style layer -> sliced Wasserstein distance of the features of result and style, relative
        to the style's spread; see `slices.relative_distance`.
    swd_unused : dict
        The same for layers that no style loss uses, as far as the network has them.
    color_distance : float or None
        Distance of the colours of result and style in grey levels; see `slices.color_distance`.
    ripples, relief : float or None
        Fine energy in the parts that should be plain, and its ratio to the coarse energy; see
        `artefacts.Plain`.
    rim : float or None
        Difference between the rim and the area inside it; see `artefacts.rim`.
    rim_place : str or None
        Where it is largest, as in "saturation, bottom".
    clipped : float
        Fraction of the pixels with a channel of at most 2 or at least 253, less that of the style.
    content : dict
        Layer -> ‖F−P‖/‖P‖, where F are the features of the result and P those of the content.
    ssim : float or None
        Structural similarity of result and content in luminance, 1 if they are equal; see
        `similarity.ssim`.
    style : dict
        Style layer -> ‖G−A‖/‖A‖, where G is the Gram matrix of the result per position and A that
        of the style (Frobenius norms). 0 is the style itself, 1 the distance of zero features.
    border : float
        The activity of the edge relative to its surroundings; see `artefacts.border_index`.
    content_border : float or None
        The same for the content picture.
    """

    swd: dict[str, float | None]
    swd_unused: dict[str, float | None]
    color_distance: float | None
    ripples: float | None
    relief: float | None
    rim: float | None
    rim_place: str | None
    clipped: float
    content: dict[str, float | None]
    ssim: float | None
    style: dict[str, float | None]
    border: float
    content_border: float | None

    @property
    def swd_mean(self) -> float | None:
        """The mean of `swd`."""
        return mean(self.swd.values())

    @property
    def swd_unused_mean(self) -> float | None:
        """The mean of `swd_unused`."""
        return mean(self.swd_unused.values())

    @property
    def content_mean(self) -> float | None:
        """The mean of `content`."""
        return mean(self.content.values())

    @property
    def style_mean(self) -> float | None:
        """The mean of `style`."""
        return mean(self.style.values())

    def record(self) -> dict[str, Any]:
        """The figures for a JSON file, those by layer with their means."""
        figures: dict[str, Any] = {}
        for name, value in dataclasses.asdict(self).items():
            if isinstance(value, dict):
                figures[f"{name}_mean"] = getattr(self, f"{name}_mean")
            figures[name] = value
        return figures


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that exist."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


@dataclass(frozen=True)
class View:
    """The features of a picture, reduced to what the measures need.

    Attributes
    ----------
    quantiles : dict
        Layer -> quantiles of the features; see `slices.quantiles`.
    grams : dict
        Layer -> Gram matrix per position.
    features : dict
        Layer -> the features themselves.
    """

    quantiles: dict[str, np.ndarray]
    grams: dict[str, np.ndarray]
    features: dict[str, np.ndarray]

    @staticmethod
    def of(picture: Picture, network: Network, device: str, quantiles: Collection[str] = (),
           grams: Collection[str] = (), features: Collection[str] = ()) -> View:
        """The view of a picture, by one pass through the network; layers as in the attributes."""
        view = View({}, {}, {})
        pixels = tensors.to_tensor(picture, network, device)
        with no_grad():
            for layer, found in network.walk(pixels, {*quantiles, *grams, *features}):
                if layer in grams:
                    view.grams[layer] = _gram(found).numpy()
                if layer in quantiles or layer in features:
                    array = found.numpy()[0]
                    if layer in quantiles:
                        view.quantiles[layer] = slices.quantiles(array.reshape(len(array), -1))
                    if layer in features:
                        view.features[layer] = array
        return view

    def swd(self, style: View, layers: Sequence[str]) -> dict[str, float | None]:
        """`Quality.swd` for those of `layers` that both views have."""
        return {layer: slices.relative_distance(self.quantiles[layer], style.quantiles[layer])
                for layer in layers if layer in self.quantiles and layer in style.quantiles}

    def gram_errors(self, style: View) -> dict[str, float | None]:
        """`Quality.style`."""
        return {layer: _relative(gram, style.grams[layer]) for layer, gram in self.grams.items()}

    def content_errors(self, content: View) -> dict[str, float | None]:
        """`Quality.content`."""
        return {layer: _relative(features, content.features[layer])
                for layer, features in self.features.items()}


def _gram(features: Tensor) -> Tensor:
    return F.gram_matrix(features) / (features.shape[2] * features.shape[3])


def _relative(actual: np.ndarray, target: np.ndarray) -> float | None:
    """‖actual − target‖ / ‖target‖, summed in float64; None if it is not finite."""
    a, b = actual.astype(np.float64), target.astype(np.float64)
    with np.errstate(all="ignore"):
        error = float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-30))
    return error if np.isfinite(error) else None


def measure(result: Picture, content: Picture, style: Picture, network: Network, device: str,
            style_layers: Sequence[str] = STYLE_LAYERS,
            content_layers: Sequence[str] = CONTENT_LAYERS) -> Quality:
    """Compare a result with the two pictures that it was made from.

    Each picture passes through the network once. Layers of `UNUSED_LAYERS` that the network does
    not have are left out.

    Parameters
    ----------
    result, content, style : Picture
        The content is scaled to the result's size; the style keeps its size.
    network : Network
    device : str
        The device of the network.

    Raises
    ------
    ArgumentError
        Result and content differ in shape, or are too small for the layers.
    """
    content = _resized_like(result, content)
    for picture, role, layers in ((result, "finished", {*style_layers, *content_layers}),
                                  (style, "style", {*style_layers})):
        tensors.check_size(picture, None, role, layers)
    unused = available(UNUSED_LAYERS, network, result, style)
    distributions = {*style_layers, *unused}
    return quality(
        result, content, style,
        View.of(result, network, device, distributions, style_layers, content_layers),
        View.of(content, network, device, features=content_layers),
        View.of(style, network, device, distributions, style_layers), style_layers)


def available(layers: Sequence[str], network: Network, *pictures: Picture) -> tuple[str, ...]:
    """The `layers` that the network has, and for which all pictures are large enough."""
    smallest = min(min(picture.size) for picture in pictures)
    return tuple(layer for layer in layers
                 if network.has_layer(layer) and vgg.min_size({layer}) <= smallest)


def quality(result: Picture, content: Picture | None, style: Picture | None, view: View,
            content_view: View | None, style_view: View | None,
            style_layers: Sequence[str] = STYLE_LAYERS) -> Quality:
    """All figures of a result, from pictures and their views.

    Parameters
    ----------
    result, content, style : Picture or None
        A run may have no content or no style. The content is as large as the result.
    view, content_view, style_view : View or None
        The views may be of smaller pictures than these.
    style_layers : sequence of str
        The layers of `Quality.swd`.
    """
    pixels = result.pixels
    place = artefacts.rim(pixels)
    target = None if style is None else style.pixels
    source = None if content is None else content.pixels
    similar = None
    if source is not None and min(result.size) >= WINDOW:
        similar = ssim(luminance(pixels), luminance(source))
    plain = None
    if source is not None and target is not None:
        plain = artefacts.plain_parts(pixels, source, target)
    return Quality(
        swd={} if style_view is None else view.swd(style_view, style_layers),
        swd_unused={} if style_view is None else view.swd(style_view, UNUSED_LAYERS),
        color_distance=None if target is None else slices.color_distance(pixels, target),
        ripples=None if plain is None else plain.ripples,
        relief=None if plain is None else plain.relief,
        rim=None if place is None else place[0], rim_place=None if place is None else place[1],
        clipped=artefacts.excess_clipping(pixels, target),
        content={} if content_view is None else view.content_errors(content_view),
        ssim=similar, style={} if style_view is None else view.gram_errors(style_view),
        border=artefacts.border_index(pixels),
        content_border=None if source is None else artefacts.border_index(source))


def _resized_like(result: Picture, content: Picture) -> Picture:
    # Rounding may change a side by a pixel.
    expected = fitted(content.size, max(result.size))
    if max(abs(a - b) for a, b in zip(expected, result.size)) > 2:
        raise ArgumentError(f"the result is {result.width}×{result.height} pixels, but the content "
                            f"scaled to that would be {expected[0]}×{expected[1]}; give the "
                            f"content picture from which the result was made")
    return content.resized(result.size)


def style_distances(picture: Picture, style: Picture, network: Network, device: str,
                    layers: Sequence[str] = STYLE_LAYERS) -> dict[str, float | None]:
    """Layer -> ‖G−A‖/‖A‖, as in `Quality.style`; parameters as for `measure`."""
    view, target = (View.of(each, network, device, grams=layers) for each in (picture, style))
    return view.gram_errors(target)


def content_distances(picture: Picture, content: Picture, network: Network, device: str,
                      layers: Sequence[str] = CONTENT_LAYERS) -> dict[str, float | None]:
    """Layer -> ‖F−P‖/‖P‖, as in `Quality.content`; the pictures have the same size."""
    view, target = (View.of(each, network, device, features=layers) for each in (picture, content))
    return view.content_errors(target)
