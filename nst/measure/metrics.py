"""The quality of a result in numbers: distances to style and content, and common artefacts.

Features are always computed as the network was trained (max pooling, zero padding), whatever the
run used, so that figures of different runs can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, no_grad
from minigrad.errors import ArgumentError, ShapeError
from nst.model.vgg import Network
from nst.pictures import tensors
from nst.pictures.colors import luminance
from nst.pictures.picture import Picture, fitted

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYERS = ("relu4_2",)

WINDOW = 11             # pixels, the side of SSIM's window; its Gaussian has σ = 1.5
SIGMA = 1.5
OUTER_STRIP, INNER_STRIP = 4, 8     # pixels: the strips of the border index


@dataclass(frozen=True)
class Quality:
    """The figures of one result.

    Attributes
    ----------
    style : dict
        Layer -> ‖G−A‖/‖A‖, where G is the Gram matrix of the result per position and A that of
        the style (Frobenius norms). 0 is the style itself, 1 the distance of zero features.
    content : dict
        Layer -> ‖F−P‖/‖P‖, where F are the features of the result and P those of the content.
    ssim : float
        Structural similarity of result and content in luminance; see `ssim`.
    clipped : float
        Fraction of the pixels with a channel at 0 or 255.
    border : float
        The activity of the edge relative to its surroundings; see `border_index`.
    content_border : float
        The same for the content picture.
    """

    style: dict[str, float]
    content: dict[str, float]
    ssim: float
    clipped: float
    border: float
    content_border: float

    @property
    def style_mean(self) -> float:
        """The mean of the style's layers."""
        return float(np.mean(list(self.style.values())))


def measure(result: Picture, content: Picture, style: Picture, network: Network, device: str,
            style_layers: Sequence[str] = STYLE_LAYERS,
            content_layers: Sequence[str] = CONTENT_LAYERS) -> Quality:
    """Compare a result with the two pictures that it was made from.

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
    return Quality(
        style=style_distances(result, style, network, device, style_layers),
        content=content_distances(result, content, network, device, content_layers),
        ssim=ssim(luminance(result.pixels), luminance(content.pixels)),
        clipped=clipped_share(result.pixels),
        border=border_index(result.pixels), content_border=border_index(content.pixels))


def _resized_like(result: Picture, content: Picture) -> Picture:
    # Rounding may change a side by a pixel.
    expected = fitted(content.size, max(result.size))
    if max(abs(a - b) for a, b in zip(expected, result.size)) > 2:
        raise ArgumentError(f"the result is {result.width}×{result.height} pixels, but the content "
                            f"scaled to that would be {expected[0]}×{expected[1]}; give the "
                            f"content picture from which the result was made")
    return content.resized(result.size)


def style_distances(picture: Picture, style: Picture, network: Network, device: str,
                    layers: Sequence[str] = STYLE_LAYERS) -> dict[str, float]:
    """Layer -> ‖G−A‖/‖A‖, as in `Quality`; parameters as for `measure`."""
    with no_grad():
        grams = [{layer: _gram(features) for layer, features
                  in _features(source, {*layers}, network, device).items()}
                 for source in (picture, style)]
    return {layer: _relative(grams[0][layer], grams[1][layer]) for layer in layers}


def content_distances(picture: Picture, content: Picture, network: Network, device: str,
                      layers: Sequence[str] = CONTENT_LAYERS) -> dict[str, float]:
    """Layer -> ‖F−P‖/‖P‖, as in `Quality`; the pictures have the same size."""
    with no_grad():
        actual, target = (_features(source, {*layers}, network, device)
                          for source in (picture, content))
    return {layer: _relative(actual[layer], target[layer]) for layer in layers}


def _features(picture: Picture, layers: set[str], network: Network, device: str
              ) -> dict[str, Tensor]:
    return network.features(tensors.to_tensor(picture, network, device), layers)


def _gram(features: Tensor) -> Tensor:
    return F.gram_matrix(features) / (features.shape[2] * features.shape[3])


def _relative(actual: Tensor, target: Tensor) -> float:
    """‖actual − target‖ / ‖target‖, summed in float64."""
    a, b = (tensor.numpy().astype(np.float64) for tensor in (actual, target))
    return float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-30))


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Mean structural similarity of two grey pictures; 1 if they are equal.

    In every window of 11×11 pixels, weighted by a Gaussian with σ = 1.5,

        SSIM = (2 μ₁μ₂ + c₁)(2 σ₁₂ + c₂) / ((μ₁² + μ₂² + c₁)(σ₁² + σ₂² + c₂))

    with c₁ = (0.01·255)², c₂ = (0.03·255)²; the mean is taken over all windows inside the pictures.

    Parameters
    ----------
    first, second : array H×W
        0-255, of the same size, at least 11×11.

    Raises
    ------
    ShapeError, ArgumentError
        The sizes differ; a side is too short.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity" (2004), eq. 13.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ShapeError(f"ssim: the pictures have the shapes {first.shape} and {second.shape}, "
                         f"but both must be height × width, of the same size")
    height, width = first.shape
    if min(height, width) < WINDOW:
        raise ArgumentError(f"ssim: the pictures are {width}×{height} pixels, but the window needs "
                            f"{WINDOW} on each side")
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x = _windowed(x * x) - mean_x**2
    variance_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)
                  / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)))
    return float(similarity.mean())


def _windowed(values: np.ndarray) -> np.ndarray:
    """The Gaussian mean over every window inside the picture; rows first, then columns."""
    distance = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(distance**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    for _ in ("rows", "columns"):
        length = len(values) - WINDOW + 1
        values = sum(weight * values[k:k + length] for k, weight in enumerate(weights)).T
    return values


def clipped_share(pixels: np.ndarray) -> float:
    """Fraction of the pixels, H×W×3, with a channel at 0 or 255 when written with 8 bits."""
    return float(((pixels < 0.5) | (pixels >= 254.5)).any(axis=2).mean())


def border_index(pixels: np.ndarray) -> float:
    """The activity at the edge of a picture H×W×3 relative to that just inside it.

    The activity is the mean squared difference of neighbouring pixels in luminance, in the outer
    4 pixels and in the 8 pixels next to them; 1 is added to both, so that plain pictures have
    index 1. The two strips show the same part of the motif, so the index detects a frame: with
    zero padding there is a constant colour beyond the edge, and the network renders a flat or
    restless border.
    """
    grey = luminance(pixels).astype(np.float64)
    edge, beside, inside = (_activity(grey, margin) for margin in
                            (0, OUTER_STRIP, OUTER_STRIP + INNER_STRIP))
    outer, inner = edge - beside, beside - inside
    if not outer[1] or not inner[1]:
        return 1.0                      # too small for two strips
    return float((outer[0] / outer[1] + 1) / (inner[0] / inner[1] + 1))


def _activity(grey: np.ndarray, margin: int) -> np.ndarray:
    """Sum and number of the squared differences of neighbours, without the margin."""
    height, width = grey.shape
    grey = grey[margin:max(height - margin, margin), margin:max(width - margin, margin)]
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    return np.array([(across**2).sum() + (down**2).sum(), across.size + down.size])
