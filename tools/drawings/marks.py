"""Marks of a hand: strokes along a field of directions, as the pixels that they cover.

What a stroke leaves there (chalk on the tooth of a paper, ink, glazes) is up to each drawing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.demo_pictures.brush import BATCH, SPACING, scatter, trace


@dataclass
class Covered:
    """The pixels under some strokes, in the order of the strokes; later ones lie above.

    Attributes
    ----------
    place : (M,) int, flat index of the pixel; a pixel may be named many times.
    stroke : (M,) int, number of the stroke.
    along, across : (M,) float, 0 to 1 from the start to the end, -1 to 1 from edge to edge.
    """

    place: np.ndarray
    stroke: np.ndarray
    along: np.ndarray
    across: np.ndarray


def covered(paths: np.ndarray, used: np.ndarray, widths: np.ndarray, shape: tuple[int, int],
            taper: float = 0.25) -> Iterator[Covered]:
    """The pixels of strokes, some strokes at a time.

    Parameters
    ----------
    paths : (N, K, 2) float, column and row of points SPACING apart.
    used : (N,) int, the number of points of each path that are used.
    widths : (N,) float, greatest width in pixels.
    shape : height and width of the canvas.
    taper : the share of a stroke over which it gets narrower at its end.
    """
    if not len(paths):
        return
    lanes = max(int(widths.max() / SPACING) + 1, 2)
    count = max(BATCH // (paths.shape[1] * lanes), 1)
    for k in range(0, len(paths), count):
        part = slice(k, k + count)
        yield _covered(paths[part], used[part], widths[part], shape, taper, lanes, k)


def _covered(paths, used, widths, shape, taper: float, lanes: int, first: int) -> Covered:
    steps = paths.shape[1]
    ahead = np.gradient(paths, axis=1)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=2, keepdims=True), 1e-6)
    s = np.arange(steps)[None, :] / np.maximum(used, 2)[:, None]
    t = np.linspace(-1, 1, lanes)
    press = np.sqrt(np.clip(s / 0.10, 0, 1)) * np.sqrt(np.clip((1 - s) / max(taper, 1e-3), 0, 1))
    half = 0.5 * widths[:, None] * press
    column = paths[..., 0, None] - (ahead[..., 1] * half)[..., None] * t
    row = paths[..., 1, None] + (ahead[..., 0] * half)[..., None] * t
    keep = np.broadcast_to((s < 1)[..., None], column.shape)
    keep = keep & (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    stroke, point, lane = np.nonzero(keep)
    place = row[keep].astype(np.int64) * shape[1] + column[keep].astype(np.int64)
    return Covered(place, stroke + first, s[stroke, point], t[lane])


@dataclass
class Strokes:
    """Strokes that follow a field: their paths, the points used of each, and where they start."""

    paths: np.ndarray
    used: np.ndarray
    column: np.ndarray
    row: np.ndarray

    def chosen(self, keep: np.ndarray) -> Strokes:
        """The strokes that a mask (N,) selects."""
        return Strokes(self.paths[keep], self.used[keep], self.column[keep], self.row[keep])


def along(direction: np.ndarray, length: float, width: float, coverage: float, rng,
          wander: float = 0.1, region: np.ndarray | None = None, over: float = 0.35) -> Strokes:
    """Strokes all over a canvas that follow its directions.

    Parameters
    ----------
    direction : (H, W, 2), unit vectors.
    length, width : of a stroke in pixels.
    coverage : how many times the strokes together would cover the canvas.
    region : (H, W) int, optional; strokes end where they leave the region in which they start.
    over : how far they may run over its edge, in widths.
    """
    height, columns = direction.shape[:2]
    start = scatter(columns, height, max(int(coverage * columns * height / (length * width)), 1),
                    rng)
    steps = max(int(length / SPACING), 4)
    paths = trace(start, direction, steps, rng.normal(0, wander, len(start)))
    used = (steps * rng.uniform(0.5, 1.0, len(start))).astype(int)
    column = np.clip(start[:, 0], 0, columns - 1).astype(int)
    row = np.clip(start[:, 1], 0, height - 1).astype(int)
    if region is not None:
        x = np.clip(paths[..., 0], 0, columns - 1).astype(int)
        y = np.clip(paths[..., 1], 0, height - 1).astype(int)
        outside = region[y, x] != region[row, column][:, None]
        end = np.where(outside.any(1), outside.argmax(1), steps)
        used = np.minimum(used, end + int(over * width / SPACING))
    return Strokes(paths, used, column, row).chosen(used > 2)
