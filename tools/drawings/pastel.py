"""Pastel: a garden above the sea in pale chalks whose strokes break on the tooth of the paper."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tools.demo_pictures.motif import Motif, palette
from tools.demo_pictures.noise import Noise, ramp
from tools.drawings.marks import along, covered
from tools.drawings.shapes import grain, leaf, mask, smooth, to_bytes

SAMPLES = 2
PAPER = (0.93, 0.88, 0.80)
WHITE, CREAM, BLUSH, ROSE = (0.99, 0.98, 0.96), (0.98, 0.93, 0.82), (0.96, 0.83, 0.80), (
    0.88, 0.58, 0.63)
PEACH, LEMON, LILAC, MAUVE = (0.98, 0.82, 0.68), (0.98, 0.93, 0.66), (0.80, 0.76, 0.90), (
    0.58, 0.50, 0.72)
SKY, POWDER, AQUA, SLATE = (0.74, 0.85, 0.93), (0.62, 0.76, 0.88), (0.68, 0.87, 0.85), (
    0.42, 0.56, 0.70)
MINT, SAGE, MOSS, OLIVE = (0.80, 0.91, 0.78), (0.67, 0.78, 0.64), (0.44, 0.60, 0.47), (
    0.76, 0.76, 0.56)
AIR, HEAD, SEA, LAWN, PATH, BUSH, TREE, HOUSE, ROOF, BLOOM = range(10)
# Lengths and widths in thousandths of the height, coverage, pressure of the chalk, wander.
LAYERS = ((95, 26, 1.5, 0.50, 0.12), (62, 13, 1.3, 0.62, 0.16), (34, 7, 0.8, 0.80, 0.2))


def _air(motif: Motif, x, y, noise: Noise) -> None:
    drift = noise.fractal(x * 2.6 + 0.8 * y, y * 5.5, 4)
    cloud = ramp(0.46, 0.66, drift + 0.10 * np.sin(9 * y + 2 * x))
    blue = palette(np.clip(y / 0.42, 0, 1), (POWDER, SKY, LILAC, BLUSH, PEACH))
    first = blue * (1 - cloud[..., None]) + np.array(WHITE) * cloud[..., None]
    under = ramp(0.50, 0.72, noise.fractal(x * 2.6 + 0.8 * y, y * 5.5 - 0.35, 4))[..., None]
    first = first * (1 - 0.5 * under) + np.array(LILAC) * 0.5 * under
    second = palette(np.clip(y / 0.42, 0, 1), (SKY, LILAC, BLUSH, PEACH, LEMON))
    angle = 0.35 * np.sin(4 * x + 5 * y) - 0.25 + 1.0 * (drift - 0.5)
    motif.put(np.ones(x.shape, bool), AIR, first, second, angle)


def _land(motif: Motif, x, y, noise: Noise) -> None:
    head = 0.405 - 0.115 * ramp(0.75, 0.30, x) * (0.7 + 0.6 * noise.fractal(x * 5, 0 * x, 4))
    tone = noise.fractal(x * 9, y * 22, 3)
    motif.put(y > head, HEAD, palette(tone, (MAUVE, LILAC, BLUSH, MINT)),
              palette(tone, (SLATE, MAUVE, ROSE, SAGE)), 0.5 - 1.1 * tone)
    wave = 0.5 + 0.5 * np.sin(210 * y - 120 * y * y + 5 * noise.fractal(x * 3, y * 30, 2))
    glitter = ramp(0.62, 0.70, noise.fractal(x * 14, y * 60, 2)) * ramp(0.35, 0.0, np.abs(x - 0.8))
    tone = np.clip(0.65 * wave + 1.4 * (noise.fractal(x * 4, y * 25, 3) - 0.5) + 0.1, 0, 1)
    sea = palette(tone, (SLATE, POWDER, AQUA, SKY))
    sea = sea * (1 - glitter[..., None]) + np.array(CREAM) * glitter[..., None]
    motif.put(y > 0.405, SEA, sea, palette(tone, (POWDER, AQUA, SKY, WHITE)), 0.02 * np.sin(20 * x))
    edge = 0.60 - 0.10 * np.sin(2.3 * x + 0.35) + 0.010 * np.sin(17 * x)
    tone = np.clip(0.5 + 1.7 * (noise.fractal(x * 5, y * 9, 4) - 0.5) + 0.5 * (y - 0.75), 0, 1)
    lawn = palette(tone, (MOSS, SAGE, MINT, MINT, LEMON))
    motif.put(y > edge, LAWN, lawn, palette(1 - tone, (CREAM, OLIVE, SAGE, MAUVE)),
              -1.25 + 0.8 * (noise.fractal(x * 4, y * 4, 3) - 0.5))
    depth = np.clip((y - 0.53) / 0.47, 0, 1)
    middle = 0.60 - 0.20 * depth + 0.12 * np.sin(4.2 * depth + 0.2)
    tone = noise.fractal(x * 9, y * 26, 3)
    motif.put((y > 0.56) & (np.abs(x - middle) < 0.018 + 0.135 * depth**1.3), PATH,
              palette(ramp(0.3, 0.7, tone), (LILAC, BLUSH, CREAM, WHITE)),
              palette(ramp(0.3, 0.7, tone), (MAUVE, PEACH, PEACH, CREAM)), 0.25 * np.sin(9 * y))


def _house(motif: Motif, width: int, height: int) -> None:
    shape = lambda points: mask(np.array(points, float), width, height)
    motif.put(shape([(0.205, 0.42), (0.355, 0.42), (0.355, 0.575), (0.205, 0.575)]), HOUSE, WHITE,
              CREAM, 1.5)
    motif.put(shape([(0.355, 0.42), (0.440, 0.425), (0.440, 0.57), (0.355, 0.575)]), HOUSE, LILAC,
              MAUVE, 1.5)
    motif.put(shape([(0.185, 0.430), (0.245, 0.325), (0.395, 0.328), (0.362, 0.430)]), ROOF, ROSE,
              PEACH, 1.95)
    motif.put(shape([(0.395, 0.328), (0.455, 0.436), (0.362, 0.430)]), ROOF, MAUVE, ROSE, 1.1)
    motif.put(shape([(0.285, 0.285), (0.312, 0.285), (0.312, 0.345), (0.285, 0.345)]), HOUSE,
              BLUSH, MAUVE, 1.5)
    for left in (0.226, 0.300):
        motif.put(shape([(left, 0.457), (left + 0.032, 0.457), (left + 0.032, 0.507),
                         (left, 0.507)]), BUSH, SLATE, POWDER, 1.5)
    motif.put(shape([(0.383, 0.475), (0.410, 0.475), (0.410, 0.573), (0.383, 0.573)]), ROOF, SLATE,
              MAUVE, 1.5)


def _crown(motif: Motif, x, y, at: tuple[float, float, float, float], lights, darks, noise: Noise
           ) -> None:
    """A round crown of leaves or blossoms, lit from the upper right."""
    cx, cy, across, down = at
    dx, dy = (x - cx) / across, (y - cy) / down
    ragged = 0.74 + 0.5 * noise.fractal(dx * 1.9 + 9 * cx, dy * 1.9 + 5, 3)
    inside = np.hypot(dx, dy) < ragged
    clump = noise.fractal(dx * 3 + 4 * cx, dy * 3, 3) - 0.5
    tone = np.clip(0.48 + 0.30 * dx - 0.34 * dy + 1.7 * clump, 0, 1)
    angle = np.arctan2(dy, dx) + np.pi / 2 + 2.5 * clump
    motif.put(inside, TREE, palette(tone, (*darks, *lights)), palette(tone, (*lights, *darks)),
              angle)


def _plants(motif: Motif, x, y, width: int, height: int, rng, noise: Noise) -> None:
    for points in ([(0.985, 0.86), (1.005, 0.55), (0.965, 0.36), (0.985, 0.36), (1.025, 0.52),
                    (1.045, 0.86)], [(1.01, 0.58), (1.10, 0.40), (1.115, 0.41), (1.03, 0.62)]):
        motif.put(mask(smooth(points), width, height), HOUSE, MAUVE, ROSE, 1.45)
    for at in ((1.03, 0.26, 0.245, 0.190), (0.90, 0.36, 0.115, 0.085), (1.17, 0.40, 0.12, 0.085)):
        _crown(motif, x, y, at, (BLUSH, WHITE, CREAM), (MAUVE, ROSE, PEACH), noise)
    for at in ((0.08, 0.575, 0.13, 0.115), (0.475, 0.565, 0.040, 0.036), (0.18, 0.60, 0.07, 0.05)):
        _crown(motif, x, y, at, (MINT, LEMON), (MOSS, SAGE), noise)
    for at in ((0.05, 0.80, 0.20, 0.12), (0.80, 0.72, 0.13, 0.060), (1.20, 0.86, 0.17, 0.12),
               (0.10, 0.97, 0.26, 0.12), (0.98, 0.98, 0.22, 0.10)):
        _crown(motif, x, y, at, (SAGE, MINT), (MOSS, MAUVE, MOSS), noise)
    _flowers(motif, width, height, rng, noise)


def _flowers(motif: Motif, width: int, height: int, rng, noise: Noise) -> None:
    """Blossoms in drifts of one colour on both sides of the path, larger to the front."""
    tints = np.array(((ROSE, BLUSH), (LILAC, WHITE), (PEACH, LEMON), (WHITE, CREAM),
                      (MAUVE, LILAC)))
    petals, tint, turns = Image.new("I", (width, height), 0), [0], [0.0]
    pen = ImageDraw.Draw(petals)
    for _ in range(210):
        x, y = rng.uniform(0, 1.25), 1.02 - 0.34 * rng.random() ** 1.3
        size = 0.006 + 0.040 * np.clip(y - 0.62, 0, 1) * rng.uniform(0.7, 1.5)
        drift = 5 * noise.cell(int(x * 5), int(y * 9)) + rng.integers(2)
        if abs(x - 0.50 + 0.15 * (y - 0.7)) < 0.06 + 0.20 * (y - 0.62):
            continue
        for petal in range(5):
            turn = 1.257 * petal + 9 * x
            outline = leaf(x, y, turn, size * 1.4, size * 0.45)
            pen.polygon([tuple(point) for point in outline * height], fill=len(tint))
            tint.append(int(drift) % 5)
            turns.append(turn)
    number = np.asarray(petals)
    colour = tints[np.array(tint)[number]]
    motif.put(number > 0, BLOOM, colour[..., 0, :], colour[..., 1, :], np.array(turns)[number])


def _compose(width: int, height: int, rng, noise: Noise) -> Motif:
    y, x = np.mgrid[0:height, 0:width] / np.float32(height)
    first, second, direction = (np.zeros((height, width, n), np.float32) for n in (3, 3, 2))
    motif = Motif(first, second, direction, np.zeros((height, width), np.int8))
    _air(motif, x, y, noise)
    _land(motif, x, y, noise)
    _house(motif, width, height)
    _plants(motif, x, y, width, height, rng, noise)
    return motif


def draw_pastel(width: int = 640, height: int = 512, seed: int = 0) -> np.ndarray:
    """Draw the picture; see `tools.drawings` for parameters and result."""
    rng, noise = np.random.default_rng(seed + 50), Noise(seed + 51)
    w, h = width * SAMPLES, height * SAMPLES
    motif = _compose(w, h, rng, noise)
    tooth = grain(w, h, 3.2 * h / 1024, noise).ravel()
    # Rubbed-in chalk under the strokes; the paper stays between.
    rubbed = 0.45 * motif.first.reshape(-1, 3) + 0.55 * np.array(PAPER)
    colour = (rubbed * (0.955 + 0.09 * tooth[:, None])).astype(np.float32)
    for length, wide, coverage, pressure, wander in LAYERS:
        _chalk(colour, motif, tooth, (length * h / 1000, wide * h / 1000, coverage, wander),
               pressure, rng, noise)
    return to_bytes(colour.reshape(h, w, 3), SAMPLES)


def _chalk(colour, motif: Motif, tooth, layer, pressure: float, rng, noise: Noise) -> None:
    length, width, coverage, wander = layer
    strokes = along(motif.direction, length, width, coverage, rng, wander, motif.region)
    first = motif.first[strokes.row, strokes.column]
    second = motif.second[strokes.row, strokes.column]
    tint = np.where(rng.random((len(first), 1)) < 0.3, second, first)
    tint = np.clip(tint * rng.normal(1, 0.035, (len(first), 1))
                   + rng.normal(0, 0.016, first.shape), 0, 1).astype(np.float32)
    widths = width * rng.uniform(0.6, 1.15, len(first))
    press = pressure * rng.uniform(0.75, 1.15, len(first))
    for c in covered(strokes.paths, strokes.used, widths, motif.region.shape, 0.12):
        # Chalk catches the high spots of the paper: all of them under pressure, few at the edges.
        reach = press[c.stroke] * (1 - 0.45 * c.across**2) * (1 - 0.35 * c.along)
        streak = noise.smooth(c.across * 0.28 * width + 7.3 * c.stroke, c.along * 2.0)
        caught = tooth[c.place] > 1 - reach * (0.65 + 0.7 * streak)
        colour[c.place[caught]] = tint[c.stroke[caught]]
