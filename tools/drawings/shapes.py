"""Parts that the drawings share: smooth outlines, masks of shapes, paper, the step to bytes.

Coordinates of shapes are in heights of the picture: y from 0 at the top to 1, x from 0 to 1.25.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from tools.demo_pictures.noise import Noise


def smooth(points: ArrayLike, closed: bool = True, steps: int = 10) -> np.ndarray:
    """A curve through points (N, 2) without corners (Catmull and Rom), (M, 2)."""
    p = np.asarray(points, float)
    if closed:
        before, after, last = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    else:
        padded = np.concatenate([p[:1], p, p[-1:]])
        before, p, after, last = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = 0.5 * (2 * p + (after - before) * t + (2 * before - 5 * p + 4 * after - last) * t**2
                   + (3 * p - before - 3 * after + last) * t**3)
    curve = curve.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, after[-1:]])


def ellipse(x: float, y: float, across: float, down: float, turn: float = 0.0,
            count: int = 48) -> np.ndarray:
    """Outline of an ellipse with these half axes, turned by an angle."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    u, v = across * np.cos(angle), down * np.sin(angle)
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.stack([x + cosine * u - sine * v, y + sine * u + cosine * v], -1)


def leaf(x: float, y: float, turn: float, length: float, width: float, lobes: float = 0.0
         ) -> np.ndarray:
    """Outline of a leaf from its foot in direction `turn`, with lobes like seaweed if wanted."""
    t = np.linspace(0, 1, 60)
    half = width * np.sin(np.pi * t ** 0.8) ** 0.7
    if lobes:
        half = half * (0.28 + 0.72 * np.abs(np.sin(lobes * np.pi * t)) ** 0.8)
    bend = 0.12 * length * np.sin(2.2 * t)
    u = np.concatenate([t, t[::-1]]) * length
    v = np.concatenate([bend + half, (bend - half)[::-1]])
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.stack([x + cosine * u - sine * v, y + sine * u + cosine * v], -1)


def mask(outline: np.ndarray, width: int, height: int) -> np.ndarray:
    """Where a shape covers a canvas, (H, W) bool."""
    image = Image.new("1", (width, height))
    ImageDraw.Draw(image).polygon([tuple(point) for point in outline * height], fill=1)
    return np.asarray(image)


def grain(width: int, height: int, size: float, noise: Noise, octaves: int = 3) -> np.ndarray:
    """Heights of a paper's tooth, about uniform in 0 to 1; `size` of a bump in pixels."""
    row, column = np.mgrid[0:height, 0:width] / np.float32(size)
    tooth = noise.fractal(column, row, octaves, 0.6)
    return np.clip((tooth - 0.5) * 2.4 + 0.5, 0, 1)


def to_bytes(picture: np.ndarray, samples: int) -> np.ndarray:
    """Mean of blocks of samples² pixels, as uint8: (H·samples, W·samples, 3) to (H, W, 3)."""
    height, width = picture.shape[0] // samples, picture.shape[1] // samples
    small = picture.reshape(height, samples, width, samples, 3).mean((1, 3))
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)
