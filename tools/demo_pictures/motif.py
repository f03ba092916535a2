"""The motif of the painting before any stroke: colours, directions and regions.

A valley in autumn under a whirling evening sky: a low sun, blue mountains, furrowed fields, and
round trees on fire with it. Coordinates: x from 0 to 1.25 to the right, y from 0 to 1 downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo_pictures.noise import Noise, ramp

ULTRAMARINE, COBALT, CERULEAN = (0.07, 0.10, 0.40), (0.10, 0.28, 0.66), (0.28, 0.56, 0.78)
PALE, CREAM, LEMON = (0.70, 0.84, 0.80), (0.98, 0.93, 0.70), (1.00, 0.88, 0.25)
ORANGE, VERMILION, CRIMSON = (0.97, 0.60, 0.10), (0.88, 0.26, 0.09), (0.50, 0.06, 0.13)
OCHRE, UMBER, VIOLET = (0.82, 0.62, 0.18), (0.28, 0.15, 0.12), (0.33, 0.20, 0.47)
VIRIDIAN, OLIVE, SPRING = (0.05, 0.36, 0.29), (0.40, 0.46, 0.13), (0.60, 0.72, 0.24)
PRUSSIAN, ROSE, TEAL = (0.03, 0.06, 0.18), (0.82, 0.52, 0.52), (0.08, 0.47, 0.52)

SUN = (0.40, 0.335)
SKY, RANGE, RIDGE, MEADOW, FIELD, PATH, TREE, WALL, TILES = range(9)
# Centre x, y, reach and turning sense of the whirls in the sky.
WHIRLS = ((0.16, 0.13, 0.13, 1.0), (0.66, 0.10, 0.10, -1.0), (1.10, 0.20, 0.15, 1.0),
          (0.86, 0.33, 0.07, -1.0), (*SUN, 0.13, -1.0))
# Foot x, foot y, height of the foot's trunk, radius of the crown: far trees first.
TREES = ((0.155, 0.675, 0.040, 0.034), (0.215, 0.668, 0.030, 0.026), (0.60, 0.668, 0.028, 0.024),
         (0.86, 0.70, 0.07, 0.055), (0.98, 0.775, 0.115, 0.092), (1.155, 0.89, 0.22, 0.165))


@dataclass
class Motif:
    """Two colours (H, W, 3), a direction (H, W, 2) and a region number (H, W) per pixel."""

    first: np.ndarray
    second: np.ndarray
    direction: np.ndarray
    region: np.ndarray

    def put(self, where, region: int, first, second, angle) -> None:
        """Overwrite the pixels of a mask; angles in radians, measured downwards from +x."""
        self.region[where] = region
        for target, value in ((self.first, first), (self.second, second)):
            target[where] = np.broadcast_to(value, target.shape)[where]
        angle = np.broadcast_to(angle, where.shape)[where]
        self.direction[where] = np.stack([np.cos(angle), np.sin(angle)], -1)


def palette(value: np.ndarray, colours) -> np.ndarray:
    """Map values 0..1 to a row of colours, blending between neighbours: (H, W, 3)."""
    stops = np.linspace(0, 1, len(colours))
    channels = np.array(colours).T
    return np.stack([np.interp(value, stops, c) for c in channels], -1)


def compose(width: int, height: int, noise: Noise) -> Motif:
    """Lay out the whole picture at a size in pixels."""
    y, x = np.mgrid[0:height, 0:width] / np.float32(height)
    first, second, direction = (np.zeros((height, width, n), np.float32) for n in (3, 3, 2))
    motif = Motif(first, second, direction, np.zeros((height, width), np.int8))
    _sky(motif, x, y, noise)
    _mountains(motif, x, y, noise)
    _valley(motif, x, y, noise)
    _cottage(motif, x, y)
    for shape in TREES:
        _tree(motif, x, y, shape, noise)
    return motif


def _sky(motif: Motif, x, y, noise: Noise) -> None:
    """A wind from the left that whirls round some centres; colour follows the stream lines."""
    flow_x, flow_y = np.ones_like(x), 0.45 * np.sin(5.5 * x + 7 * y)
    stream = y + 0.08 * np.cos(5.5 * x + 7 * y)
    for cx, cy, reach, sense in WHIRLS:
        dx, dy = x - cx, y - cy
        r2 = (dx * dx + dy * dy) / reach**2
        pull = 3.2 * sense * np.exp(-0.55 * r2)
        flow_x, flow_y = flow_x - pull * dy / reach, flow_y + pull * dx / reach
        stream = stream + 0.55 * reach * sense * np.exp(-0.55 * r2) * 3.2
    angle = np.arctan2(flow_y, flow_x)
    drift = noise.fractal(x * 3, y * 3, 3) - 0.5
    wave = 0.5 + 0.5 * np.sin(46 * stream + 5 * drift)
    tone = np.clip(0.12 + 0.62 * wave + 0.9 * drift + 0.10 * y, 0, 1)
    first = palette(tone, (ULTRAMARINE, COBALT, COBALT, TEAL, CERULEAN, PALE))
    second = palette(np.clip(tone + 0.2, 0, 1), (VIOLET, ULTRAMARINE, TEAL, CERULEAN, PALE, CREAM))
    distance = np.hypot(x - SUN[0], y - SUN[1])
    rings = 0.5 + 0.5 * np.cos(distance * 118)
    near = 1 - ramp(0.06, 0.27, distance)
    warm = palette(np.clip(distance / 0.24, 0, 1), (CREAM, LEMON, ORANGE, ORANGE, ROSE))
    share = np.clip(near * (0.35 + 0.85 * rings), 0, 1)[..., None]
    first = first * (1 - share) + warm * share
    second = second * (1 - share) + np.array(LEMON) * share
    disc = (distance < 0.058)[..., None]
    first, second = np.where(disc, CREAM, first), np.where(disc, LEMON, second)
    # A warm band lies along the mountains, the complement of the blue above.
    band = (ramp(0.34, 0.50, y) * (0.35 + 0.65 * wave))[..., None]
    first = first * (1 - band) + np.array(ORANGE) * 0.98 * band
    second = second * (1 - 0.8 * band) + np.array(ROSE) * 0.8 * band
    motif.put(np.ones(x.shape, bool), SKY, first, second, angle)


def _crest(x, base: float, size: float, scale: float, shift: float, noise: Noise) -> np.ndarray:
    return base - size * noise.fractal(x * scale + shift, 0 * x + shift, 5)


def _mountains(motif: Motif, x, y, noise: Noise) -> None:
    """Two ranges whose strokes fall along the slopes, lit on the side of the sun."""
    for region, base, size, scale, shift, light, dark in (
        (RANGE, 0.62, 0.30, 2.6, 4.2, (ROSE, CERULEAN), (COBALT, VIOLET)),
        (RIDGE, 0.67, 0.22, 3.4, 9.7, (CERULEAN, VIRIDIAN), (ULTRAMARINE, PRUSSIAN)),
    ):
        crest = _crest(x, base, size, scale, shift, noise)
        fold = noise.fractal(x * 7 + shift, (y - crest) * 5, 4)
        lean = np.where(fold > 0.5, 0.95, -0.95) + 1.2 * (fold - 0.5)
        lit = (fold > 0.5)[..., None]
        first, second = np.where(lit, light[0], dark[0]), np.where(lit, light[1], dark[1])
        motif.put(y > crest, region, first, second, np.pi / 2 - lean * 0.75)


def _valley(motif: Motif, x, y, noise: Noise) -> None:
    """Rounded meadows behind, then furrows that run towards a point, and a path."""
    edge = 0.645 + 0.030 * np.sin(4.2 * x + 0.6) + 0.012 * np.sin(11 * x)
    bands = 0.5 + 0.5 * np.sin(150 * (y - edge) / (0.35 + 3 * (y - edge).clip(0)) + 3 * x)
    patch = noise.fractal(x * 5 + 2, y * 12 + 1, 3)
    tone = np.clip(0.6 * bands + 1.6 * (patch - 0.5) + 0.2, 0, 1)
    first = palette(tone, (VIRIDIAN, OLIVE, SPRING, OCHRE))
    second = palette(1 - tone, (LEMON, SPRING, VIRIDIAN, PRUSSIAN))
    slope = 0.030 * 4.2 * np.cos(4.2 * x + 0.6)
    motif.put(y > edge, MEADOW, first, second, np.arctan(2 * slope))
    front = 0.735 - 0.05 * np.sin(3.1 * x + 0.2) + 0.015 * np.sin(9 * x)
    vanish_x, vanish_y = 0.42, 0.54
    angle = np.arctan2(y - vanish_y, x - vanish_x + 0.10 * np.sin(9 * y))
    furrow = 0.5 + 0.5 * np.sin(42 * angle + 2.0 * noise.fractal(x * 4, y * 4, 3))
    tone = np.clip(0.1 + 0.72 * furrow + 1.3 * (noise.fractal(x * 5 + 8, y * 7, 3) - 0.5), 0, 1)
    first = palette(tone, (VIOLET, CRIMSON, VERMILION, OCHRE, ORANGE, LEMON))
    second = palette(tone, (ULTRAMARINE, VIRIDIAN, OLIVE, ORANGE, OCHRE, CREAM))
    motif.put(y > front, FIELD, first, second, angle)
    depth = (y - 0.69).clip(0)
    middle = 0.70 + 0.16 * np.sin(7.5 * depth + 0.3) + 0.2 * depth
    path = (y > 0.70) & (np.abs(x - middle) < 0.012 + 0.23 * depth)
    bend = np.arctan2(1.0, 0.16 * 7.5 * np.cos(7.5 * depth + 0.3) + 0.2)
    tone = noise.fractal(x * 9, y * 9, 3)
    first = palette(ramp(0.3, 0.7, tone), (CERULEAN, PALE, CREAM))
    second = palette(ramp(0.3, 0.7, tone), (VIOLET, ROSE, PALE))
    motif.put(path, PATH, first, second, bend)


def _cottage(motif: Motif, x, y) -> None:
    """One small house, so that the eye has somewhere to go."""
    wall = (np.abs(x - 0.715) < 0.078) & (y > 0.615) & (y < 0.700)
    motif.put(wall, WALL, CREAM, LEMON, np.pi / 2)
    motif.put(wall & (x > 0.752), WALL, CERULEAN, VIOLET, np.pi / 2)
    for middle, half, top, bottom in ((0.662, 0.012, 0.640, 0.668), (0.705, 0.014, 0.642, 0.701)):
        motif.put((np.abs(x - middle) < half) & (y > top) & (y < bottom), PATH, PRUSSIAN,
                  ULTRAMARINE, np.pi / 2)
    roof = (y > 0.545) & (y < 0.620) & (np.abs(x - 0.715) < 0.056 + 0.52 * (y - 0.545))
    motif.put(roof, TILES, VERMILION, ORANGE, np.where(x > 0.752, 1.1, np.pi / 2 + 0.35))


def _tree(motif: Motif, x, y, shape, noise: Noise) -> None:
    """A round crown of curling clumps on a dark trunk, lit from the side of the sun."""
    foot_x, foot_y, tall, radius = shape
    top_y = foot_y - tall - 0.75 * radius
    up = (foot_y - y) / (tall + 0.5 * radius)
    lean = foot_x + 0.15 * radius * np.sin(5 * up)
    half = radius * (0.085 + 0.10 * (1 - up.clip(0, 1)) ** 3)
    trunk = (up > 0) & (up < 1) & (np.abs(x - lean) < half)
    motif.put(trunk, WALL, PRUSSIAN, np.where((x < lean)[..., None], ORANGE, VIOLET), np.pi / 2)
    dx, dy = (x - foot_x) / radius, (y - top_y) / radius
    ragged = 0.78 + 0.42 * noise.fractal(dx * 1.6 + 9 * foot_x, dy * 1.6 + 5, 3)
    inside = np.hypot(dx, 1.08 * dy) < ragged
    # Strokes curl round clumps within the crown, and round the crown at its rim.
    angle = np.arctan2(dy, dx) + np.pi / 2
    angle = angle + 1.3 * np.sin(4.2 * dx + 2) * np.sin(4.6 * dy + 30 * foot_x)
    light = -0.62 * dx - 0.55 * dy
    clump = noise.fractal(dx * 2.6 + 3, dy * 2.6 + 50 * foot_x, 3) - 0.5
    tone = np.clip(0.50 + 0.36 * light + 1.5 * clump, 0, 1)
    first = palette(tone, (PRUSSIAN, VIRIDIAN, CRIMSON, VERMILION, VERMILION, ORANGE, LEMON))
    second = palette(tone, (VIOLET, PRUSSIAN, VIRIDIAN, CRIMSON, ORANGE, LEMON, CREAM))
    motif.put(inside, TREE, first, second, angle)
