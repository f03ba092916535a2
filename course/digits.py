"""Digits drawn by code: small grey pictures to train on, as the base install brings no data.

Each digit is a few strokes, as a hand writes them: lines, and arcs of ellipses. A picture varies
them: the points of a stroke tremble, the digit is turned, slanted, scaled and moved, and the pen is
thick or thin.
"""

from __future__ import annotations

import numpy as np

SIZE = 16               # of a picture, in pixels
_TREMBLE = 0.025        # standard deviation of a point, in heights of the digit
_STEPS = 9              # points on an arc


def _line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points)


def _arc(x: float, y: float, across: float, down: float, begin: float, end: float) -> np.ndarray:
    """Points on an ellipse about (x, y); angles in degrees, 0 at the right, 90 below."""
    angle = np.radians(np.linspace(begin, end, _STEPS))
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], axis=1)


# Strokes of each digit: points (x, y) in a square from 0 to 1, y downwards.
STROKES: tuple[tuple[np.ndarray, ...], ...] = (
    (_arc(0.5, 0.5, 0.3, 0.45, -90, 90), _arc(0.5, 0.5, 0.3, 0.45, 90, 270)),
    (_line((0.3, 0.25), (0.55, 0.05), (0.55, 0.95)),),
    (_arc(0.5, 0.3, 0.28, 0.25, -170, 30), _line((0.74, 0.43), (0.22, 0.95), (0.8, 0.95))),
    (_arc(0.47, 0.28, 0.27, 0.23, -150, 90), _arc(0.47, 0.73, 0.3, 0.22, -90, 150)),
    (_line((0.6, 0.05), (0.2, 0.65), (0.85, 0.65)), _line((0.65, 0.4), (0.65, 0.95))),
    (_line((0.75, 0.05), (0.3, 0.05), (0.27, 0.45)), _arc(0.47, 0.66, 0.3, 0.28, -130, 140)),
    (_arc(0.75, 0.65, 0.5, 0.6, -100, -180), _arc(0.5, 0.7, 0.25, 0.25, -180, 180)),
    (_line((0.2, 0.05), (0.8, 0.05), (0.42, 0.95)),),
    (_arc(0.5, 0.27, 0.22, 0.22, 90, 450), _arc(0.5, 0.72, 0.28, 0.23, -90, 270)),
    (_arc(0.5, 0.3, 0.25, 0.25, 0, 360), _arc(0.25, 0.35, 0.5, 0.6, 0, 80)),
)


def draw(labels: np.ndarray, rng: np.random.Generator, size: int = SIZE,
         shift: float = 0.08) -> np.ndarray:
    """Draw one picture for each label.

    Parameters
    ----------
    labels : n whole numbers from 0 to 9.
    shift : how far a digit is moved at most, in heights of the picture.

    Returns
    -------
    array, n × size × size, from 0, the paper, to 1, the pen.
    """
    return np.stack([_picture(STROKES[label], rng, size, shift) for label in labels])


def digits(count: int, seed: int, shift: float = 0.08) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures (count × 16 × 16) and their labels; another seed draws others."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    return draw(labels, rng, shift=shift), labels


def _picture(strokes: tuple[np.ndarray, ...], rng: np.random.Generator, size: int,
             shift: float) -> np.ndarray:
    turn, slant = rng.normal(0, 0.12), rng.normal(0, 0.15)
    width, height = rng.uniform(0.5, 0.72), rng.uniform(0.62, 0.78)
    place = 0.5 + rng.uniform(-shift, shift, 2)
    pen = rng.uniform(0.035, 0.065)
    form = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
        [[width, -slant * height], [0, height]])
    begins, ends = [], []
    for stroke in strokes:
        points = (stroke + rng.normal(0, _TREMBLE, stroke.shape) - 0.5) @ form.T + place
        begins.append(points[:-1])
        ends.append(points[1:])
    far = _distance(np.concatenate(begins), np.concatenate(ends), size)
    return np.clip((pen - far) * size + 0.5, 0, 1)      # soft at the edge, over one pixel


def _distance(begins: np.ndarray, ends: np.ndarray, size: int) -> np.ndarray:
    """How far each pixel of a picture is from the nearest of some line segments."""
    middle = (np.arange(size) + 0.5) / size
    x = middle[None, :, None] - begins[:, 0]            # rows × columns × segments
    y = middle[:, None, None] - begins[:, 1]
    across, down = (ends - begins).T
    length = np.maximum(across ** 2 + down ** 2, 1e-12)
    share = np.clip((x * across + y * down) / length, 0, 1)
    return np.sqrt(((x - share * across) ** 2 + (y - share * down) ** 2).min(axis=-1))
