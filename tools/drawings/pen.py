"""Pen and ink: lines by hand, hatching, and shapes that hide what lies behind them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from tools.demo_pictures.noise import Noise

PAPER, INK = np.array((0.985, 0.98, 0.965)), np.array((0.07, 0.07, 0.085))
PEN = 0.0022            # width of a line in heights of the picture
Tone = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Page:
    """White paper and a pen. Shapes are put from back to front; each hides what lies behind."""

    def __init__(self, width: int, height: int, noise: Noise, rng) -> None:
        self.size, self.unit, self.noise, self.rng = (width, height), height, noise, rng
        # A line is at least a pixel wide. Where that is too wide, fewer lines are drawn.
        self.coarse = max(1.0, 1 / (PEN * height))
        self.image = Image.new("L", self.size, 255)
        self.pen = ImageDraw.Draw(self.image)

    def line(self, points: ArrayLike, weight: float = 1.0, pen=None, fine: float = 1.0) -> None:
        """A line by hand: it trembles, and swells and thins along its way.

        `fine` above 1 keeps small curves round.
        """
        p = np.asarray(points, float)
        step = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
        count = max(int(step[-1] / (0.008 * self.coarse / fine)), 2)
        at = np.linspace(0, step[-1], count + 1)
        key = self.rng.uniform(0, 250, (3, 1))
        # Two rows make the line tremble sidewards and up and down, the third its width.
        hand = self.noise.smooth(at * [[38], [38], [16]] + key, 0 * at + key)
        x = np.interp(at, step, p[:, 0]) + 0.0042 * (hand[0] - 0.5)
        y = np.interp(at, step, p[:, 1]) + 0.0042 * (hand[1] - 0.5)
        wide = np.maximum(PEN * weight * self.unit * (0.65 + 0.7 * hand[2]), 1).round().astype(int)
        pen = pen or self.pen
        corners = list(zip((x * self.unit).tolist(), (y * self.unit).tolist()))
        for start, end, thick in zip(corners, corners[1:], wide.tolist()):
            pen.line([start, end], fill=0, width=thick)

    def outline(self, corners: ArrayLike, weight: float = 1.0, closed: bool = True) -> None:
        """Straight edges that overshoot a little at the corners, some of them drawn twice."""
        p = np.asarray(corners, float)
        for start, end in zip(p, np.roll(p, -1, 0) if closed else p[1:]):
            ahead = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
            for again in range(1 + (self.rng.random() < 0.35)):
                over = self.rng.uniform(-0.001, 0.007, (2, 1)) * ahead
                stray = self.rng.normal(0, 0.0010 * (1 + again), (2, 2))
                self.line([start - over[0] + stray[0], end + over[1] + stray[1]],
                          weight * (0.6 if again else 1))

    def clear(self, outline: ArrayLike) -> None:
        """Hide what lies behind a shape."""
        self.pen.polygon([tuple(point) for point in np.asarray(outline) * self.unit], fill=255)

    def hatch(self, outline: ArrayLike, angle: float, gap: float, tone: float | Tone = 1.0,
              weight: float = 0.7, bend: float = 0.0) -> None:
        """Parallel lines within a shape; where `tone` is below 1 they are broken more often."""
        shape, gap = np.asarray(outline, float), gap * self.coarse
        layer = Image.new("L", self.size, 255)
        inside = Image.new("1", self.size, 0)
        ImageDraw.Draw(inside).polygon([tuple(point) for point in shape * self.unit], fill=1)
        pen = ImageDraw.Draw(layer)
        middle = (shape.min(0) + shape.max(0)) / 2
        reach = 0.5 * float(np.linalg.norm(np.ptp(shape, axis=0))) + gap
        ahead = np.array((np.cos(angle), np.sin(angle)))
        side = np.array((-ahead[1], ahead[0]))
        offset = np.arange(-reach, reach, gap)
        at = (offset + self.rng.normal(0, 0.16 * gap, len(offset)))[:, None]
        piece = min(0.022, reach / 4)
        cut = np.arange(-reach, reach, piece) + self.rng.uniform(0, piece, (len(offset), 1))
        at = at + bend * np.sin(cut / reach * 2 + 3 * offset[:, None])
        place = middle + cut[..., None] * ahead + at[..., None] * side
        level = tone(place[..., 0], place[..., 1]) if callable(tone) else tone
        inked = self.noise.smooth(cut * 14 + 9 * at, 77 * at) * 0.75 + 0.125 < level
        near = (place > shape.min(0) - 0.03) & (place < shape.max(0) + 0.03)
        inked &= near.all(2)
        inked[:, -1] = False                    # so that every run of points has an end
        edges = np.diff(inked.astype(np.int8), axis=1, prepend=0)
        for (row, first), last in zip(np.argwhere(edges == 1), np.argwhere(edges == -1)[:, 1]):
            if last - first > 1:
                self.line(place[row, first:last], weight, pen)
        self.image.paste(0, (0, 0), Image.composite(
            layer.point(lambda value: 255 - value), Image.new("L", self.size, 0), inside))

    def scribble(self, x: float, y: float, size: float, loops: int) -> None:
        """A few loops without lifting the pen: leaves."""
        t = np.linspace(0, 2 * np.pi * loops, 10 * loops)
        drift = np.cumsum(self.rng.normal(0, 0.09 * size, (len(t), 2)), axis=0)
        radius = size * self.rng.uniform(0.30, 0.80) * (0.75 + 0.35 * np.sin(1.7 * t))
        turn = self.rng.uniform(0, np.pi)
        u, v = radius * np.cos(t), 0.55 * radius * np.sin(t)
        loop = np.stack([u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)],
                        -1)
        self.line(loop + (x, y) + drift, 0.55, fine=2.5)

    def picture(self) -> np.ndarray:
        """Ink on paper, (H, W, 3)."""
        ink = 1 - np.asarray(self.image, np.float32)[..., None] / 255
        return PAPER * (1 - ink) + INK * ink
