"""The demonstration's style picture: an oil painting, stroke by stroke.

The motif defines colours and directions; this module loads brushes and paints the strokes, the
broad ones first, as a painter blocks in a picture and then works it out.
"""

from __future__ import annotations

import numpy as np

from tools.demo_pictures.brush import SPACING, Canvas, Layer, scatter, trace
from tools.demo_pictures.motif import PRUSSIAN, TILES, ULTRAMARINE, UMBER, WALL, Motif, compose
from tools.demo_pictures.noise import Noise

SAMPLES = 2  # canvas pixels per picture pixel, in each direction
GROUND = (0.50, 0.30, 0.16)  # the warm priming that shows between strokes
# Lengths and widths in thousandths of the picture's height.
LAYERS = (
    Layer(130, 30, 2.2, 0.10, 0.9, follow=False),
    Layer(100, 19, 1.7, 0.14, 1.1),
    Layer(74, 12.5, 0.95, 0.17, 1.3),
    Layer(44, 7.5, 0.38, 0.22, 1.5),
    Layer(40, 8.5, 2.0, 0.06, 1.5, only=(WALL, TILES)),
)


def _pixels(points: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of points (..., 2), the nearest border pixel for those outside."""
    place = np.clip(points, 0, (shape[1] - 1, shape[0] - 1)).astype(int)
    return place[..., 0], place[..., 1]


def _load(motif: Motif, points: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """The two colours (N, 3) on the brush for strokes that start at points; never quite equal."""
    column, row = _pixels(points, motif.region.shape)
    first, second = motif.first[row, column], motif.second[row, column]
    swap = rng.random((len(points), 1)) < 0.22
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    value = rng.normal(1, 0.085, (len(points), 1))
    tint = rng.normal(0, 0.028, (2, len(points), 3))
    return (np.clip(first * value + tint[0], 0, 1).astype(np.float32),
            np.clip(second * value + tint[1], 0, 1).astype(np.float32))


def _leaving(paths: np.ndarray, region: np.ndarray) -> np.ndarray:
    """How many points of each path lie in the region where it starts, (N,)."""
    column, row = _pixels(paths, region.shape)
    along = region[row, column]
    outside = along != along[:, :1]
    return np.where(outside.any(1), outside.argmax(1), paths.shape[1])


def _lay(canvas: Canvas, motif: Motif, layer: Layer, rng) -> None:
    """Cover the canvas once with one layer of strokes."""
    unit = canvas.height / 1000
    length, width = layer.length * unit, max(layer.width * unit, 2.0)
    count = int(layer.coverage * canvas.width * canvas.height / (0.7 * length * width))
    start = scatter(canvas.width, canvas.height, count, rng)
    if layer.only is not None:
        column, row = _pixels(start, motif.region.shape)
        start = start[np.isin(motif.region[row, column], layer.only)]
    steps = int(length / SPACING)
    paths = trace(start, motif.direction, steps, rng.normal(0, layer.wander, len(start)))
    used = (steps * rng.uniform(0.55, 1.0, len(start))).astype(int)
    if layer.follow:
        # A stroke may run slightly over the edge of its shape, as if by hand.
        used = np.minimum(used, _leaving(paths, motif.region) + int(0.35 * width / SPACING))
    first, second = _load(motif, start, rng)
    keep = used > 3
    widths = width * rng.uniform(0.65, 1.15, len(start))
    canvas.paint(used[keep], paths[keep], widths[keep], first[keep], second[keep], layer.body, rng)


def _outline(canvas: Canvas, motif: Motif, rng) -> None:
    """Dark broken contours where regions meet, drawn along the border with a thin brush."""
    unit = canvas.height / 1000
    soft = motif.region.astype(np.float32) ** 1.3
    for _ in range(max(int(3 * unit), 1)):
        soft = (soft + np.roll(soft, 1, 0) + np.roll(soft, -1, 0)
                + np.roll(soft, 1, 1) + np.roll(soft, -1, 1)) / 5
    down, right = np.gradient(soft)
    steepness = np.hypot(down, right)
    direction = np.stack([-down, right], -1) / np.maximum(steepness, 1e-9)[..., None]
    border = (motif.region[1:, 1:] != motif.region[:-1, 1:]) | (
        motif.region[1:, 1:] != motif.region[1:, :-1])
    row, column = np.nonzero(border)
    pick = rng.permutation(len(row))[: int(len(row) / (11 * unit))]
    start = np.stack([column[pick], row[pick]], -1) + 0.5
    steps = max(int(38 * unit / SPACING), 6)
    paths = trace(start, direction, steps, rng.normal(0, 0.05, len(start)))
    used = (steps * rng.uniform(0.5, 1.0, len(start))).astype(int)
    darks = np.array([PRUSSIAN, ULTRAMARINE, UMBER, PRUSSIAN], np.float32)
    first = darks[rng.integers(4, size=len(start))]
    widths = np.maximum(6.0 * unit, 1.6) * rng.uniform(0.6, 1.2, len(start))
    canvas.paint(used, paths, widths, first, first * 1.3 + 0.02, 1.0, rng)


def draw_painting(width: int = 640, height: int = 512, seed: int = 0) -> np.ndarray:
    """Paint the style picture.

    Parameters
    ----------
    width, height : int
        Size in pixels; the composition is made for 5:4.
    seed : int
        Chooses every stroke, the mountains and the clouds; the same seed gives the same bytes.

    Returns
    -------
    (height, width, 3) uint8 array, sRGB.
    """
    rng, noise = np.random.default_rng(seed + 10), Noise(seed + 11)
    w, h = width * SAMPLES, height * SAMPLES
    motif = compose(w, h, noise)
    # A thin wash of the motif over the priming shows wherever no stroke falls.
    canvas = Canvas(w, h, 0.8 * motif.first + 0.2 * np.array(GROUND), noise)
    for k, layer in enumerate(LAYERS):
        _lay(canvas, motif, layer, rng)
        if k == 1:  # over the broad work, under the fine
            _outline(canvas, motif, rng)
    picture = canvas.lit()
    small = picture.reshape(height, SAMPLES, width, SAMPLES, 3).mean((1, 3))
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)
