"""Night: a harbour town in deep glazes, with few lamps and their reflections on the water."""

from __future__ import annotations

import numpy as np

from tools.demo_pictures.brush import Canvas, Layer
from tools.demo_pictures.motif import Motif, palette
from tools.demo_pictures.noise import Noise, ramp
from tools.drawings.marks import along
from tools.drawings.shapes import ellipse, mask, to_bytes

SAMPLES = 2
BLACK, INDIGO, MIDNIGHT, PRUSSIAN = (0.020, 0.022, 0.045), (0.050, 0.060, 0.170), (
    0.035, 0.085, 0.215), (0.030, 0.150, 0.255)
BOTTLE, PLUM, UMBER, SLATE = (0.028, 0.125, 0.125), (0.150, 0.045, 0.150), (
    0.120, 0.065, 0.045), (0.140, 0.205, 0.305)
STEEL, MOON, GOLD, AMBER, EMBER = (0.28, 0.40, 0.52), (0.86, 0.90, 0.80), (1.0, 0.84, 0.42), (
    0.95, 0.52, 0.12), (0.62, 0.17, 0.05)
GREEN = (0.25, 0.80, 0.55)
AIR, CLOUD, HILL, WALL, ROOF, WATER, QUAY, HULL = range(8)
WATERLINE = 0.565
MOON_AT = (0.315, 0.165)
# Column, row, size, colour and its embers: lamps of the quay, windows, the lighthouse, a ship.
LAMPS = (
    (0.690, 0.500, 1.00, GOLD, AMBER), (0.815, 0.492, 1.15, GOLD, AMBER),
    (0.955, 0.480, 1.30, GOLD, AMBER), (1.115, 0.465, 1.55, GOLD, AMBER),
    (0.585, 0.512, 0.75, AMBER, EMBER), (0.480, 0.522, 0.60, AMBER, EMBER),
    (0.145, 0.432, 1.25, MOON, GOLD), (0.405, 0.610, 0.75, GREEN, PRUSSIAN),
    (0.262, 0.585, 0.65, EMBER, EMBER),
)


def _air(motif: Motif, x, y, noise: Noise) -> None:
    distance = np.hypot(x - MOON_AT[0], y - MOON_AT[1])
    swirl = noise.fractal(x * 2.2 + 4, y * 3.4, 4)
    tone = 0.26 + 1.2 * (swirl - 0.5) + 0.34 * np.exp(-distance / 0.22)
    tone = np.clip(tone + 0.30 * ramp(0.20, 0.50, y), 0, 1)
    first = palette(tone, (BLACK, INDIGO, MIDNIGHT, PRUSSIAN, SLATE, STEEL))
    second = palette(tone, (INDIGO, BLACK, PLUM, MIDNIGHT, BOTTLE, SLATE))
    angle = np.arctan2(y - MOON_AT[1], x - MOON_AT[0]) + np.pi / 2
    wind = 0.25 * np.sin(5 * x) + 1.4 * (swirl - 0.5)
    turn = np.exp(-distance / 0.20)
    motif.put(np.ones(x.shape, bool), AIR, first, second, turn * angle + (1 - turn) * wind)
    bank = noise.fractal(x * 2.4 + 8, y * 7 + 2, 5) - 0.10 * np.abs(y - 0.26) / 0.2
    lit = np.clip(noise.fractal(x * 2.4 + 8.10, y * 7 + 1.75, 5) - bank + 0.42, 0, 1)
    glow = np.clip(lit * np.exp(-distance / 0.30) * 1.7, 0, 1)
    motif.put(bank > 0.525, CLOUD, palette(glow, (BLACK, INDIGO, SLATE, STEEL, MOON)),
              palette(glow, (PLUM, MIDNIGHT, PRUSSIAN, SLATE, STEEL)), 0.3 * np.sin(6 * x + 3 * y))
    motif.put(distance < 0.050, CLOUD, MOON, (0.95, 0.93, 0.74), angle)


def _town(motif: Motif, x, y, rng, noise: Noise) -> None:
    height, width = x.shape
    crest = 0.50 - 0.09 * np.exp(-((x - 0.10) / 0.20) ** 2) - 0.20 * ramp(0.5, 1.25, x) * (
        0.6 + 0.8 * noise.fractal(x * 4, 0 * x, 4))
    tone = noise.fractal(x * 8, y * 12, 3)
    motif.put(y > crest, HILL, palette(tone, (BLACK, BOTTLE, INDIGO)),
              palette(tone, (INDIGO, PRUSSIAN, PLUM)), 0.6 * (tone - 0.5))
    shape = lambda points: mask(np.array(points, float), width, height)
    left = 0.42
    while left < 1.27:
        grow = float(ramp(0.4, 1.2, np.array(left)))
        wide = rng.uniform(0.035, 0.055) + 0.045 * grow
        tall = (0.055 + 0.12 * grow) * rng.uniform(0.8, 1.3)
        foot, top = 0.545 + 0.012 * grow, 0.545 - tall
        wall, tint = ((MIDNIGHT, INDIGO), (PLUM, UMBER), (BOTTLE, MIDNIGHT), (UMBER, BLACK))[
            rng.integers(4)]
        motif.put(shape([(left, top), (left + wide, top), (left + wide, foot), (left, foot)]),
                  WALL, wall, tint, np.pi / 2)
        peak = top - rng.uniform(0.25, 0.5) * wide
        motif.put(shape([(left - 0.004, top + 0.004), (left + 0.5 * wide, peak),
                         (left + wide + 0.004, top + 0.004)]), ROOF, BLACK, SLATE, 0.75)
        for row in range(int(tall / 0.034)):
            for column in range(int(wide / 0.022)):
                if rng.random() < 0.30:
                    u, v = left + 0.010 + 0.022 * column, top + 0.014 + 0.034 * row
                    warm, dim = ((GOLD, AMBER), (AMBER, EMBER), (EMBER, UMBER))[rng.integers(3)]
                    motif.put(shape([(u, v), (u + 0.010, v), (u + 0.010, v + 0.017),
                                     (u, v + 0.017)]), QUAY, warm, dim, np.pi / 2)
        left += wide * rng.uniform(0.96, 1.10)
    for base, top, wide in ((0.870, 0.215, 0.042), (0.145, 0.435, 0.013)):     # church, lighthouse
        foot = 0.555 if base > 0.5 else 0.530
        motif.put(shape([(base - wide / 2, top), (base + wide / 2, top),
                         (base + 0.62 * wide, foot), (base - 0.62 * wide, foot)]), WALL,
                  MIDNIGHT, SLATE, np.pi / 2)
        motif.put(shape([(base - 0.6 * wide, top + 0.002), (base, top - 2.6 * wide),
                         (base + 0.6 * wide, top + 0.002)]), ROOF, BLACK, PRUSSIAN, 1.2)


def _water(motif: Motif, x, y, noise: Noise) -> None:
    height, width = x.shape
    ripple = noise.fractal(x * 5, y * 38, 4)
    depth = np.clip((y - WATERLINE) / 0.43, 0, 1)
    tone = np.clip(0.42 + 1.5 * (ripple - 0.5) - 0.25 * depth, 0, 1)
    first = palette(tone, (BLACK, MIDNIGHT, PRUSSIAN, BOTTLE, SLATE))
    second = palette(tone, (INDIGO, BLACK, BOTTLE, PLUM, PRUSSIAN))
    motif.put(y > WATERLINE, WATER, first, second, 0.10 * np.sin(14 * x + 30 * y))
    shape = lambda points: mask(np.array(points, float), width, height)
    motif.put(shape([(0.42, 0.543), (1.3, 0.545), (1.3, 0.585), (0.42, 0.566)]), QUAY, UMBER,
              BLACK, 0.0)
    for at, size in ((0.30, 0.20), (0.97, 0.30)):
        y0 = WATERLINE + 0.075 + 0.55 * (size - 0.2)
        hull = np.array([(-0.5, -0.10), (-0.42, 0.08), (0.38, 0.09), (0.56, -0.13), (0.1, -0.05)])
        motif.put(shape(hull * size + (at, y0)), HULL, BLACK, UMBER, 0.05)
        for mast, tall in ((-0.10, 0.95), (0.22, 0.75)):
            u = at + mast * size
            motif.put(shape([(u - 0.003, y0 - tall * size), (u + 0.003, y0 - tall * size),
                             (u + 0.003, y0), (u - 0.003, y0)]), HULL, BLACK, UMBER, np.pi / 2)
    rail = np.array([(0.9, 1.02), (1.02, 0.90), (1.13, 0.865), (1.3, 0.84), (1.3, 1.05)])
    motif.put(shape(rail), QUAY, BLACK, UMBER, -0.3)
    for u, top in ((1.045, 0.79), (1.150, 0.745)):
        motif.put(shape([(u - 0.012, top), (u + 0.012, top), (u + 0.015, 0.95), (u - 0.015, 0.95)]),
                  HULL, BLACK, SLATE, np.pi / 2)
        motif.put(shape(ellipse(u, top, 0.017, 0.009)), HULL, SLATE, BLACK, 0.0)


def _strokes(canvas: Canvas, motif: Motif, layer: Layer, rng) -> None:
    unit = canvas.height / 1000
    width = max(layer.width * unit, 2.0)
    strokes = along(motif.direction, layer.length * unit, width, layer.coverage, rng, layer.wander,
                    motif.region if layer.follow else None)
    first = motif.first[strokes.row, strokes.column]
    second = motif.second[strokes.row, strokes.column]
    value = rng.lognormal(0, 0.16, (len(first), 1))
    canvas.paint(strokes.used, strokes.paths, width * rng.uniform(0.6, 1.15, len(first)),
                 (first * value).astype(np.float32), second.astype(np.float32), layer.body, rng)


def _dabs(canvas: Canvas, points, colours, lengths, widths, rng, lean=0.0) -> None:
    """Short strokes, about level, of thick light paint; all lengths in heights of the picture."""
    count = len(points)
    if not count:
        return
    long = np.asarray(lengths) * canvas.height
    steps = max(int(long.max() / 0.7), 4)
    turn = rng.normal(lean, 0.10, count)
    run = (np.arange(steps) * 0.7 - long[:, None] / 2)[..., None]
    paths = np.asarray(points)[:, None] * canvas.height + run * np.stack(
        [np.cos(turn), np.sin(turn)], -1)[:, None]
    colour = np.asarray(colours, np.float32)
    used = np.maximum((long / 0.7).astype(int), 3)
    canvas.paint(used, paths.astype(np.float32), np.maximum(
        np.asarray(widths) * canvas.height, 1.6), colour, colour * 0.72, 1.6, rng)


def _glaze(canvas: Canvas, x, y, noise: Noise) -> None:
    """Thin transparent layers: warmth round each lamp, cold depth in the corners."""
    picture = canvas.colour.reshape(canvas.height, canvas.width, 3)
    for u, v, size, colour, ember in LAMPS:
        distance = np.hypot(x - u, (y - v) * 1.15) / size
        halo = 0.40 * np.exp(-distance / 0.018) + 0.20 * np.exp(-distance / 0.070)
        picture += (halo * size)[..., None] * (0.55 * np.array(ember) + 0.35 * np.array(colour))
    distance = np.hypot(x - MOON_AT[0], y - MOON_AT[1])
    halo = 0.16 * np.exp(-np.clip(distance - 0.05, 0, None) / 0.055)
    picture += halo[..., None] * np.array((0.55, 0.75, 0.80))
    cold = noise.fractal(x * 2, y * 2 + 7, 3)[..., None]
    edge = 1 - 0.34 * ramp(0.42, 0.85, np.hypot(x - 0.62, (y - 0.5) * 1.15))[..., None]
    picture *= edge * (np.array((0.94, 0.98, 1.0)) + 0.16 * cold * np.array((0.8, 0.2, -0.1)))


def _reflections(canvas: Canvas, rng) -> None:
    """Broken ladders of light below the lamps and the moon, wider and dimmer towards us."""
    points, colours, lengths, widths = [], [], [], []
    for u, v, size, colour, ember in (*LAMPS, (*MOON_AT, 2.2, MOON, STEEL)):
        top = max(WATERLINE + 0.02, v + 0.05)
        reach = 0.17 * size + 0.07
        for _ in range(int(46 * size)):
            t = rng.random() ** 1.25
            spread = (0.004 + 0.022 * t) * size
            points.append((u + rng.normal(0, spread), min(top + t * reach, 1.02)))
            share = np.clip(t + rng.normal(0, 0.2), 0, 1)
            tint = (1 - share) * np.array(colour) + share * np.array(ember)
            colours.append(tint * (0.95 - 0.55 * t) * rng.uniform(0.55, 1.0))
            lengths.append((0.010 + 0.030 * t) * size**0.5 * rng.uniform(0.6, 1.3))
            widths.append((0.0030 + 0.0042 * t) * rng.uniform(0.7, 1.3))
    order = np.argsort(np.array(points)[:, 1])
    _dabs(canvas, np.array(points)[order], np.array(colours)[order], np.array(lengths)[order],
          np.array(widths)[order], rng)


def _lights(canvas: Canvas, rng) -> None:
    """The lamps themselves and the stars, the thickest paint of the picture."""
    points, colours, lengths, widths = [], [], [], []
    for u, v, size, colour, ember in LAMPS:
        for k in range(9):
            share = k / 8
            radius = 0.0085 * size * (1 - share)
            points.append((u + rng.normal(0, radius * 0.6), v + rng.normal(0, radius * 0.6)))
            colours.append(np.array(ember) * (1 - share) + np.array(colour) * share)
            lengths.append(0.011 * size)
            widths.append(0.0065 * size)
        points.append((u, v))
        colours.append(np.array((1.0, 0.97, 0.85)))
        lengths.append(0.008 * size)
        widths.append(0.0055 * size)
    for _ in range(46):
        points.append((rng.uniform(0, 1.25), 0.34 * rng.random()))
        colours.append(np.array(MOON) * rng.uniform(0.25, 0.85))
        lengths.append(rng.uniform(0.003, 0.007))
        widths.append(rng.uniform(0.0025, 0.0048))
    _dabs(canvas, points, colours, np.array(lengths), np.array(widths), rng, lean=-0.4)


LAYERS = (Layer(120, 30, 2.0, 0.10, 0.7, follow=False), Layer(90, 17, 1.6, 0.14, 0.9),
          Layer(56, 9, 1.2, 0.18, 1.1), Layer(30, 5.5, 0.5, 0.2, 1.2))


def draw_night(width: int = 640, height: int = 512, seed: int = 0) -> np.ndarray:
    """Paint the picture; see `tools.drawings` for parameters and result."""
    rng, noise = np.random.default_rng(seed + 60), Noise(seed + 61)
    w, h = width * SAMPLES, height * SAMPLES
    y, x = np.mgrid[0:h, 0:w] / np.float32(h)
    first, second, direction = (np.zeros((h, w, n), np.float32) for n in (3, 3, 2))
    motif = Motif(first, second, direction, np.zeros((h, w), np.int8))
    _air(motif, x, y, noise)
    _town(motif, x, y, rng, noise)
    _water(motif, x, y, noise)
    canvas = Canvas(w, h, motif.first * 0.9, noise)
    for layer in LAYERS:
        _strokes(canvas, motif, layer, rng)
    _glaze(canvas, x, y, noise)
    _reflections(canvas, rng)
    _lights(canvas, rng)
    # Gloss is weaker than by day: the paint is dark and the light comes from within.
    picture = canvas.lit(0.8)
    gloss = picture - canvas.colour.reshape(h, w, 3)
    return to_bytes(np.where(gloss > 0.05, picture - 0.75 * (gloss - 0.05), picture), SAMPLES)
