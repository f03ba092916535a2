"""Artefacts of a painted picture that need no network: ripples, rims, clipped colours, frames.

All functions take pictures as arrays H×W×3, 0-255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst.measure.similarity import SIGMA, WINDOW, windowed_mean
from nst.pictures.colors import luminance

RIM, INSIDE = slice(0, 2), slice(6, 12)     # rows of the rim, and those that it is compared with
MIN_INSIDE = 32                     # grey levels: in the dark and in grey, differences count less
BLOCK = 16                          # pixels, the side of the blocks of `plain_parts`
COARSE = 6.0                        # pixels: σ of the mean that keeps only periods above 32
SMOOTHEST = 0.2                     # the fraction of the blocks
OUTER_STRIP, INNER_STRIP = 4, 8     # pixels: the strips of the border index


@dataclass(frozen=True)
class Plain:
    """Figures of the parts that should be plain: the smoothest fifth of the content.

    The parts are blocks of 16×16 pixels in luminance, smoothest in their fine energy. The result
    is compared with the style in the style's own smoothest fifth.

    Attributes
    ----------
    ripples : float
        Fine energy (periods of 2 to 8 pixels) over that of the style: 1 is as calm as the
        painting's plain parts. Bold strokes in a sky count as well as ripples do.
    relief : float
        Fine energy over coarse energy (8 to 32 pixels), over the same ratio of the style. Strokes
        also have coarse energy, ripples hardly any: 1 is the painting's mixture.
    """

    ripples: float
    relief: float


def plain_parts(result: np.ndarray, content: np.ndarray, style: np.ndarray) -> Plain | None:
    """The figures of `Plain`; None if a side is shorter than 11 pixels.

    Fine energy is the mean square of luminance less its Gaussian mean (σ = 1.5, which has half the
    amplitude at a period of 8 pixels). Coarse energy is that of this mean less the one with σ = 6.
    1 is added to each, so that figures of plain pictures are 1.
    """
    if min(*result.shape[:2], *style.shape[:2]) < WINDOW:
        return None
    plain = _smoothest(_energies(content)[0])
    fine, coarse = (energy[plain].mean() + 1 for energy in _energies(result))
    energies = _energies(style)
    own = _smoothest(energies[0])
    style_fine, style_coarse = (energy[own].mean() + 1 for energy in energies)
    return Plain(float(fine / style_fine),
                 float((fine / coarse) / (style_fine / style_coarse)))


def _energies(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fine and the coarse energy of every block: rows × columns each."""
    grey = luminance(pixels).astype(np.float64)
    near, far = windowed_mean(grey), _blurred(grey)
    edge = np.s_[WINDOW // 2:-(WINDOW // 2)]
    return _blocks((grey[edge, edge] - near) ** 2), _blocks((near - far[edge, edge]) ** 2)


def _blurred(grey: np.ndarray) -> np.ndarray:
    """The Gaussian mean with σ = 6 around each pixel, mirrored at the edges."""
    size = round(COARSE * (WINDOW // 2) / SIGMA)
    return windowed_mean(np.pad(grey, size, mode="symmetric"), COARSE)


def _blocks(values: np.ndarray) -> np.ndarray:
    """The mean of every whole block; a picture that is narrower than a block has narrower ones."""
    tall, wide = (min(BLOCK, side) for side in values.shape)
    height, width = values.shape[0] // tall, values.shape[1] // wide
    blocks = values[:height * tall, :width * wide].reshape(height, tall, width, wide)
    return blocks.mean(axis=(1, 3))


def _smoothest(energies: np.ndarray) -> np.ndarray:
    """A mask of the fifth of the blocks with the least energy, and of those that equal them."""
    count = max(1, round(SMOOTHEST * energies.size))
    return energies <= np.partition(energies, count - 1, axis=None)[count - 1]


def rim(pixels: np.ndarray) -> tuple[float, str] | None:
    """How far the rim of a picture is from what is just inside, and where it is farthest.

    For each side, and for saturation (max − min of red, green and blue) and luminance, the mean of
    rows 0 and 1 is compared with that of rows 6 to 11: |rim − inside| / inside. An inside below
    32 levels counts as 32. The worst of these eight is returned; 0 is no rim.

    Returns
    -------
    (float, str) or None
        The figure, and its place as in "saturation, bottom"; None if the picture is less than 14
        pixels high and wide.
    """
    pixels = pixels.astype(np.float32)
    planes = {"saturation": pixels.max(axis=2) - pixels.min(axis=2),
              "luminance": luminance(pixels)}
    found = []
    for name, plane in planes.items():
        for side, rows in (("top", plane), ("bottom", plane[::-1]), ("left", plane.T),
                           ("right", plane.T[::-1])):
            if len(rows) >= INSIDE.stop + RIM.stop:     # otherwise the inside would contain a rim
                outer, inner = (rows[part].mean(dtype=np.float64) for part in (RIM, INSIDE))
                found.append((float(abs(outer - inner) / max(inner, MIN_INSIDE)),
                              f"{name}, {side}"))
    return max(found, key=lambda one: one[0], default=None)


def clipped_share(pixels: np.ndarray) -> float:
    """Fraction of the pixels with a channel of at most 2, or at least 253, written with 8 bits."""
    return float(((pixels < 2.5) | (pixels >= 252.5)).any(axis=2).mean())


def excess_clipping(result: np.ndarray, style: np.ndarray | None) -> float:
    """The share of clipped pixels less that of the style, which may have them too; at least 0."""
    allowed = 0.0 if style is None else clipped_share(style)
    return max(0.0, clipped_share(result) - allowed)


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
