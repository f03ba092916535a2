"""Oil paint: brush strokes with bristles, dry ends and relief, along a field of directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo_pictures.noise import Noise, ramp

SPACING = 0.7  # pixels between samples of a stroke: below 1 / sqrt(2) no pixel is missed
BATCH = 4_000_000  # samples painted at once; bounds the memory


@dataclass
class Layer:
    """One pass over the canvas; lengths in pixels of the canvas.

    Attributes
    ----------
    coverage : float
        How many times the strokes together would cover the canvas.
    follow : bool
        Whether strokes stay in the region of the motif where they start.
    only : tuple of int, optional
        The regions to paint; by default all.
    """

    length: float
    width: float
    coverage: float
    wander: float = 0.15
    body: float = 1.0
    follow: bool = True
    only: tuple[int, ...] | None = None


class Canvas:
    """A colour and a thickness of paint per pixel."""

    def __init__(self, width: int, height: int, ground, noise: Noise) -> None:
        self.width, self.height, self.noise = width, height, noise
        self.colour = ground.reshape(-1, 3).astype(np.float32)
        self.relief = np.zeros(height * width, np.float32)

    def paint(self, start, paths, widths, first, second, body: float, rng) -> None:
        """Lay strokes in order; later ones cover earlier ones.

        Parameters
        ----------
        start : (N,) int, the number of points of each path that are used.
        paths : (N, K, 2) float, column and row of points SPACING apart.
        widths : (N,) float, greatest width of each stroke.
        first, second : (N, 3) the two colours that the brush was dipped into.
        body : thickness of the paint.
        """
        if not len(paths):
            return
        across = max(int(widths.max() / SPACING) + 1, 3)
        count = max(BATCH // (paths.shape[1] * across), 1)
        for k in range(0, len(paths), count):
            part = slice(k, k + count)
            self._paint_batch(start[part], paths[part], widths[part], first[part], second[part],
                              body, across, rng)

    def _paint_batch(self, used, paths, widths, first, second, body, across, rng) -> None:
        n, steps = paths.shape[:2]
        ahead = np.gradient(paths, axis=1)
        ahead /= np.maximum(np.linalg.norm(ahead, axis=2, keepdims=True), 1e-6)
        side = np.stack([-ahead[..., 1], ahead[..., 0]], -1)
        s = np.arange(steps)[None, :] / np.maximum(used, 2)[:, None]  # 0 to 1 along each stroke
        t = np.linspace(-1, 1, across)
        # The brush lands round, presses, and lifts into a narrower tail.
        press = np.sqrt(np.clip(1 - (1 - np.clip(s / 0.12, 0, 1)) ** 2, 0, 1))
        press = press * np.sqrt(np.clip((1 - s) / 0.25, 0, 1))
        half = 0.5 * widths[:, None] * press
        column = paths[..., 0, None] + (side[..., 0] * half)[..., None] * t
        row = paths[..., 1, None] + (side[..., 1] * half)[..., None] * t
        # Bristles: noise that is fine across the stroke and long along it, different per stroke.
        lane = t * 0.5 * widths[:, None, None] * 0.62 + rng.uniform(0, 200, (n, 1, 1))
        run = np.arange(steps)[None, :, None] * SPACING * 0.022 + rng.uniform(0, 200, (n, 1, 1))
        streak = self.noise.smooth(*np.broadcast_arrays(lane, run))
        blend = self.noise.smooth(*np.broadcast_arrays(0.35 * lane + 31, 0.6 * run))
        # The paint runs out: bristles that carry little leave gaps towards the end.
        dry = streak > 0.52 * ramp(0.55, 1.0, s)[..., None]
        keep = (s < 1)[..., None] & (half > 0.3)[..., None] & dry
        keep &= (column >= 0) & (column < self.width) & (row >= 0) & (row < self.height)
        place = row[keep].astype(np.int64) * self.width + column[keep].astype(np.int64)
        profile = (1 - t**4) * 0.55 + 0.5 * np.exp(-(((np.abs(t) - 0.78) / 0.14) ** 2))
        thick = profile * (0.35 + 0.9 * streak) * (0.7 + 0.5 * s[..., None])
        stroke = np.broadcast_to(np.arange(n)[:, None, None], keep.shape)[keep]
        share = ramp(0.30, 0.75, blend[keep])[:, None]
        colour = first[stroke] * (1 - share) + second[stroke] * share
        # If a pixel occurs twice, the last value stays, so later strokes cover earlier ones.
        self.colour[place] = colour * (0.90 + 0.20 * streak[keep])[:, None]
        self.relief[place] = body * thick[keep]

    def lit(self, strength: float = 1.0) -> np.ndarray:
        """The paint in raking light from the upper left: (H, W, 3), not clipped."""
        relief: np.ndarray = self.relief.reshape(self.height, self.width)
        relief = (relief + np.roll(relief, 1, 0) + np.roll(relief, 1, 1)
                  + np.roll(relief, (1, 1), (0, 1))) / 4
        down, right = np.gradient(relief)
        slope = strength * (0.62 * right + 0.78 * down)
        shade = 1 + np.clip(0.55 * slope, -0.34, 0.26)
        gloss = 0.30 * ramp(0.28, 0.85, slope)
        picture = self.colour.reshape(self.height, self.width, 3)
        return picture * shade[..., None] + gloss[..., None]


def trace(start: np.ndarray, direction: np.ndarray, steps: int, wander: np.ndarray) -> np.ndarray:
    """Follow a field of directions from points (N, 2); returns paths (N, steps, 2).

    `direction` is (H, W, 2), unit vectors whose sign is ignored: each step continues forwards.
    `wander` (N,) turns each stroke slightly, like a hand.
    """
    height, width = direction.shape[:2]
    place: np.ndarray = start.astype(np.float32)
    heading: np.ndarray | None = None
    cosine, sine = np.cos(wander), np.sin(wander)
    paths = np.empty((len(start), steps, 2), np.float32)
    for k in range(steps):
        paths[:, k] = place
        column = np.clip(place[:, 0], 0, width - 1).astype(int)
        row = np.clip(place[:, 1], 0, height - 1).astype(int)
        flow = direction[row, column]
        flow = np.stack([cosine * flow[:, 0] - sine * flow[:, 1],
                         sine * flow[:, 0] + cosine * flow[:, 1]], -1)
        if heading is not None:
            flow = flow * np.where((flow * heading).sum(1) < 0, -1, 1)[:, None]
            # Bristles have inertia, so a stroke does not turn on the spot.
            flow = 0.25 * flow + 0.75 * heading
            flow /= np.maximum(np.linalg.norm(flow, axis=1, keepdims=True), 1e-6)
        heading = flow
        place = place + SPACING * flow
    return paths


def scatter(width: int, height: int, count: int, rng) -> np.ndarray:
    """About `count` points (N, 2), shuffled: one per cell of a grid, so that none crowd."""
    cell = np.sqrt(width * height / count)
    columns, rows = int(np.ceil(width / cell)), int(np.ceil(height / cell))
    # One row and column more on each side: strokes from outside paint the border, too.
    x, y = np.meshgrid(np.arange(-1, columns + 1), np.arange(-1, rows + 1))
    points = np.stack([x.ravel(), y.ravel()], -1) + rng.uniform(-0.3, 1.3, (x.size, 2))
    return rng.permutation(points * cell)
