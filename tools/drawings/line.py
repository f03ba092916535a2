"""Line on white: a village street in pen and ink, all tones made of hatching."""

from __future__ import annotations

import numpy as np

from tools.demo_pictures.noise import Noise, ramp
from tools.drawings.pen import Page, Tone
from tools.drawings.shapes import ellipse, smooth, to_bytes

SAMPLES = 3


def _sky(page: Page) -> None:
    noise = page.noise
    cloud = lambda x, y: noise.fractal(x * 2.6 + 3, y * 6.0 + 1, 4)
    sky = [(-0.1, -0.1), (1.35, -0.1), (1.35, 0.56), (-0.1, 0.56)]
    page.hatch(sky, 0.03, 0.0095, lambda x, y: ramp(0.60, 0.44, cloud(x, y)) * (1.1 - 1.2 * y),
               0.55, 0.010)
    page.hatch(sky, 0.34, 0.011, lambda x, y: ramp(0.52, 0.38, cloud(x, y)) * (1.0 - 1.5 * y),
               0.5, 0.008)
    page.hatch(sky, -0.25, 0.015, lambda x, y: 0.8 * ramp(0.55, 0.60, cloud(x, y)) * ramp(
        0.66, 0.60, cloud(x, y)), 0.45, 0.01)
    for x, y, size in ((0.58, 0.10, 0.016), (0.63, 0.075, 0.012), (0.655, 0.115, 0.011),
                       (0.70, 0.06, 0.009)):
        page.line(smooth([(x - size, y - 0.4 * size), (x - 0.4 * size, y - 0.6 * size), (x, y),
                          (x + 0.4 * size, y - 0.7 * size), (x + size, y - 0.5 * size)], False))


def _hills(page: Page) -> None:
    for points, gap, angle in (
            ([(-0.1, 0.47), (0.1, 0.40), (0.3, 0.43), (0.55, 0.36), (0.75, 0.41), (1.0, 0.35),
              (1.35, 0.42), (1.35, 0.62), (-0.1, 0.62)], 0.012, 1.0),
            ([(-0.1, 0.53), (0.2, 0.49), (0.45, 0.52), (0.7, 0.475), (1.35, 0.53), (1.35, 0.65),
              (-0.1, 0.65)], 0.010, 2.2)):
        shape = smooth(points)
        page.clear(shape)
        page.hatch(shape, angle, gap, lambda x, y: 0.25 + 0.6 * page.noise.fractal(x * 9, y * 9, 3),
                   0.5)
        page.line(smooth(points[:-2], False), 0.8)
    for x in np.sort(page.rng.uniform(0.3, 0.8, int(40 / page.coarse))):
        y = 0.50 + page.rng.normal(0, 0.010)
        page.scribble(x, y, 0.014, 5)


def _window(page: Page, x: float, y: float, wide: float, tall: float, shutters: bool) -> None:
    box = np.array([(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)])
    page.clear(box)
    page.hatch(box, 0.8, 0.0036, lambda u, v: 0.45 + 0.9 * (v - y < 0.5 * tall), 0.75)
    page.hatch(box, 2.3, 0.0042, lambda u, v: 0.2 + 0.8 * (u - x < 0.4 * wide), 0.6)
    page.outline(box, 1.0)
    middle = x + wide / 2
    page.line([(middle, y), (middle, y + tall)], 1.5)
    page.line([(x, y + 0.4 * tall), (x + wide, y + 0.4 * tall)], 1.3)
    page.line([(x - 0.006, y + tall + 0.004), (x + wide + 0.006, y + tall + 0.004)], 1.5)
    for left in ((x - 0.62 * wide, x + 1.05 * wide) if shutters else ()):
        leaf = np.array([(left, y), (left + 0.55 * wide, y), (left + 0.55 * wide, y + tall),
                         (left, y + tall)])
        page.clear(leaf)
        page.hatch(leaf, 0.0, 0.0065, 1.0, 0.7)
        page.outline(leaf, 0.9)


def _tiles(page: Page, shape: np.ndarray, shade: float) -> None:
    """A roof: rows of tiles, complete in the shade, hinted at in the light."""
    page.clear(shape)
    low, high = shape.min(0), shape.max(0)
    for row, y in enumerate(np.arange(low[1] + 0.008, high[1], 0.0125 * page.coarse)):
        for x in np.arange(low[0] + 0.006 * (row % 2), high[0], 0.012):
            patch = page.noise.fractal(np.array(x * 7), np.array(y * 9), 3)
            if not _inside(shape, x + 0.006, y) or patch > 0.44 + 0.3 * shade:
                continue
            page.line([(x, y - 0.006), (x + 0.002, y), (x + 0.006, y + 0.002), (x + 0.010, y),
                       (x + 0.012, y - 0.006)], 0.6)
    page.hatch(shape, 1.9, 0.0065, lambda u, v: shade * (
        0.35 + page.noise.fractal(u * 6, v * 6, 3)), 0.55)
    page.outline(shape, 1.2)


def _inside(shape: np.ndarray, x: float, y: float) -> bool:
    """Whether a point lies in a polygon, by the parity of crossings."""
    following = np.roll(shape, -1, 0)
    spans = (shape[:, 1] > y) != (following[:, 1] > y)
    rise = following[:, 1] - shape[:, 1]
    cross = shape[:, 0] + (y - shape[:, 1]) / np.where(rise == 0, 1, rise) * (
        following[:, 0] - shape[:, 0])
    return bool((spans & (cross > x)).sum() % 2)


def _house(page: Page, left: float, right: float, base: float, eave: float, peak: float,
           timber: bool, shade: float) -> None:
    """A gable to the street, with windows; half-timbered, or of plaster that shows some stone."""
    middle = (left + right) / 2
    wall = np.array([(left, base), (left, eave), (middle, peak), (right, eave), (right, base)])
    page.clear(wall)
    page.hatch(wall, 1.35, 0.0075, lambda x, y: shade * (0.30 + 1.3 * (y - peak) / (base - peak)
                                                        * page.noise.fractal(x * 7, y * 5, 3)), 0.5)
    page.hatch(wall, 0.5, 0.009, lambda x, y: shade * 1.5 * ramp(0.05, 0.0, y - eave), 0.6)
    side = right - 0.22 * (right - left)          # the part that turns away from the light
    page.hatch([(side, base), (side, eave), (right, eave), (right, base)], 0.62, 0.0075,
               shade, 0.6)
    page.outline(wall, 1.3)
    floors = max(round((base - eave) / 0.085), 1)
    tall = (base - eave) / floors
    if timber:
        for k in range(floors):
            y = eave + k * tall
            for shift in (0.0, 0.008):
                page.line([(left, y + shift), (right, y + shift)], 1.1)
        for x in np.linspace(left, right, 5)[1:-1]:
            top = max(eave - (eave - peak) * (1 - abs(x - middle) / (middle - left)), peak) + 0.01
            for shift in (0.0, 0.006):
                page.line([(x + shift, top), (x + shift, base - tall)], 0.9)
        for x in (left, middle):
            page.line([(x, eave + tall), (x + (right - left) / 2, eave)], 1.0)
            page.line([(x + 0.008, eave + tall), (x + (right - left) / 2, eave + 0.008)], 0.8)
    else:
        for _ in range(16):
            x, y = page.rng.uniform(left, right - 0.02), page.rng.uniform(eave, base)
            page.line([(x, y), (x + 0.012, y), (x + 0.012, y + 0.007), (x, y + 0.007)], 0.5)
    count = max(round((right - left) / 0.075), 1)
    for k in range(floors):
        for j in range(count):
            x = left + (j + 0.5) * (right - left) / count - 0.014
            if k == floors - 1 and j == count // 2:
                door = np.array([(x - 0.004, base), (x - 0.004, base - 0.062), (x + 0.014,
                                 base - 0.076), (x + 0.032, base - 0.062), (x + 0.032, base)])
                page.clear(door)
                page.hatch(door, 1.57, 0.0055, 1.0, 0.9)
                page.hatch(door, 0.7, 0.007, 0.8, 0.6)
                page.outline(door, 1.3)
            else:
                _window(page, x, eave + k * tall + 0.24 * tall, 0.028, 0.5 * tall, not timber)
    _window(page, middle - 0.010, eave - 0.48 * (eave - peak), 0.020, 0.030, False)
    over = 0.016
    for side, end in ((-1, left), (1, right)):
        edge = np.array([(middle, peak - 0.014), (end + side * over, eave + 0.010),
                         (end + side * over, eave + 0.022), (middle, peak + 0.004)])
        page.clear(edge)
        page.hatch(edge, 1.1 * side, 0.005, 1.0, 0.7)
        page.outline(edge, 1.2)


def _church(page: Page) -> None:
    nave = np.array([(0.475, 0.56), (0.475, 0.425), (0.62, 0.425), (0.62, 0.56)])
    page.clear(nave)
    page.hatch(nave, 1.2, 0.008, 0.6, 0.5)
    page.outline(nave)
    _tiles(page, np.array([(0.462, 0.43), (0.485, 0.335), (0.61, 0.335), (0.632, 0.43)]), 0.5)
    tower = np.array([(0.405, 0.57), (0.405, 0.255), (0.490, 0.255), (0.490, 0.57)])
    page.clear(tower)
    shaded = np.array([(0.455, 0.57), (0.455, 0.255), (0.490, 0.255), (0.490, 0.57)])
    page.hatch(tower, 1.45, 0.010, lambda x, y: 0.6 * page.noise.fractal(x * 9, y * 9, 3), 0.5)
    page.hatch(shaded, 0.9, 0.006, 0.95, 0.65)
    page.hatch(shaded, 2.2, 0.0075, 0.7, 0.55)
    for y in (0.255, 0.335, 0.425):
        for shift in (0.0, 0.007):
            page.line([(0.400, y + shift), (0.495, y + shift)], 1.1)
    page.outline(tower, 1.4)
    spire = np.array([(0.396, 0.257), (0.447, 0.015), (0.499, 0.257)])
    page.clear(spire)
    page.hatch(spire, 1.38, 0.0075, lambda x, y: 0.45 + 2.2 * ramp(0.43, 0.47, x), 0.6)
    page.hatch([(0.447, 0.015), (0.499, 0.257), (0.455, 0.257)], 0.55, 0.0065, 0.9, 0.6)
    page.outline(spire, 1.4)
    page.line([(0.447, 0.018), (0.447, -0.02)], 1.2)
    for x in (0.424, 0.458):
        arch = np.array([(x, 0.325), (x, 0.290), (x + 0.006, 0.276), (x + 0.013, 0.276),
                         (x + 0.019, 0.290), (x + 0.019, 0.325)])
        page.clear(arch)
        page.hatch(arch, 0.0, 0.0042, 1.0, 0.9)
        page.outline(arch, 1.0)
    dial = ellipse(0.447, 0.380, 0.024, 0.026)
    page.clear(dial)
    page.line(np.concatenate([dial, dial[:2]]), 1.3)
    page.line([(0.447, 0.362), (0.447, 0.380), (0.459, 0.388)], 1.2)


def _street(page: Page) -> None:
    ground = [(-0.1, 0.715), (0.35, 0.60), (0.64, 0.588), (0.9, 0.66), (1.35, 0.80), (1.35, 1.1),
              (-0.1, 1.1)]
    page.clear(ground)
    rows = int(34 / page.coarse)
    for row in range(rows):
        depth = (row / (rows - 1)) ** 1.7
        y = 0.585 + 0.425 * depth
        size = (0.009 + 0.042 * depth) * page.coarse
        left, right = 0.42 - 0.62 * depth, 0.63 + 0.78 * depth
        for x in np.arange(left + size * 0.5 * (row % 2), right, size * 1.12):
            worn = page.noise.fractal(np.array(x * 3.4), np.array(y * 8), 3)
            if worn > 0.57 or page.rng.random() < 0.10:
                continue
            half = size * page.rng.uniform(0.42, 0.52)
            t = np.linspace(page.rng.uniform(-0.5, 0.3), np.pi + page.rng.uniform(-0.2, 0.9), 9)
            page.line(np.stack([x + half * np.cos(t), y + 0.5 * half * np.sin(t)], -1),
                      0.6 + 0.5 * depth)
    shadow = [(1.35, 0.80), (0.90, 0.665), (0.66, 0.60), (0.60, 0.66), (0.76, 0.80), (1.02, 0.90),
              (1.35, 0.97)]
    page.hatch(shadow, 0.15, 0.0065, lambda x, y: 0.9 - 0.9 * ramp(0.0, 0.15, y - 0.42 - 0.42 * x),
               0.65)
    page.hatch(shadow, 0.75, 0.008, 0.8, 0.6)
    page.hatch([(-0.1, 0.90), (0.10, 0.87), (0.42, 0.93), (0.5, 0.965), (0.2, 1.1), (-0.1, 1.1)],
               0.08, 0.0075, 0.85, 0.75)


def _tree(page: Page) -> None:
    """The large tree of the foreground, which frames the street on the left."""
    trunk = smooth([(0.055, 0.93), (0.085, 0.80), (0.078, 0.62), (0.055, 0.42), (0.125, 0.42),
                    (0.145, 0.60), (0.150, 0.78), (0.205, 0.92), (0.13, 0.91)])
    page.clear(trunk)
    page.hatch(trunk, 1.52, 0.0065, lambda x, y: 0.45 + 7 * (x - 0.10), 0.8, 0.006)
    page.hatch(trunk, 0.5, 0.0075, lambda x, y: 12 * (x - 0.105), 0.65, 0.004)
    page.line(np.concatenate([trunk, trunk[:1]]), 1.5)
    page.outline([(0.12, 0.52), (0.20, 0.40), (0.27, 0.34)], 2.2, False)
    page.outline([(0.08, 0.48), (0.00, 0.38), (-0.04, 0.32)], 2.4, False)
    clumps = [(0.02, 0.09, 0.15), (0.20, 0.07, 0.13), (0.31, 0.18, 0.095), (0.10, 0.22, 0.14),
              (-0.02, 0.33, 0.13), (0.235, 0.315, 0.095), (0.10, 0.40, 0.085), (0.33, 0.275, 0.06)]
    for x, y, size in clumps:
        rim = smooth(ellipse(x, y, 0.93 * size, 0.72 * size, count=16)
                     * (1 + page.rng.normal(0, 0.012, (16, 2))))
        page.clear(rim)
        shade = _rounded(page, x, y, size)
        page.hatch(rim, 2.25, 0.0060, shade, 0.55, 0.004)
        page.hatch(rim, 0.85, 0.0070, _rounded(page, x, y, size, 0.22), 0.55, 0.004)
        for _ in range(int(1700 * size / page.coarse**2)):
            turn, far = page.rng.uniform(0, 2 * np.pi), page.rng.random() ** 0.45
            u, v = x + size * far * np.cos(turn), y + 0.78 * size * far * np.sin(turn)
            dark = float(shade(np.array(u), np.array(v)))
            if far > 0.82 or page.rng.random() < 1.3 * dark:
                page.scribble(u, v, 0.013, int(page.rng.integers(2, 4)))


def _rounded(page: Page, x: float, y: float, size: float, less: float = 0.0) -> Tone:
    """The tone of a leafy ball: shade to the lower right, broken by clusters."""
    return lambda u, v: (0.34 - less + 0.50 * ((u - x) + 1.3 * (v - y)) / size
                         + 1.2 * (page.noise.fractal(u * 16, v * 16, 2) - 0.5))


def _front(page: Page) -> None:
    """A lamp on the right-hand wall, a fence and grass below."""
    page.outline([(0.715, 0.47), (0.665, 0.46)], 2.0, False)
    page.line(smooth([(0.715, 0.50), (0.690, 0.495), (0.680, 0.465)], False), 1.4)
    lantern = np.array([(0.648, 0.475), (0.655, 0.520), (0.678, 0.520), (0.685, 0.475)])
    page.clear(lantern)
    page.hatch(lantern, 1.57, 0.006, 0.5, 0.6)
    page.outline(lantern, 1.3)
    page.outline([(0.642, 0.475), (0.6665, 0.452), (0.691, 0.475)], 1.4)
    for _ in range(int(230 / page.coarse)):
        x, base = page.rng.uniform(-0.02, 0.46), page.rng.uniform(0.93, 1.03)
        if base - 0.93 < 0.20 * (x - 0.15):
            continue
        tall, lean = page.rng.uniform(0.02, 0.075), page.rng.normal(0, 0.016)
        page.line(smooth([(x, base), (x + 0.3 * lean, base - 0.6 * tall), (x + lean, base - tall)],
                         False), 0.8)


def draw_line(width: int = 640, height: int = 512, seed: int = 0) -> np.ndarray:
    """Draw the picture; see `tools.drawings` for parameters and result."""
    rng, noise = np.random.default_rng(seed + 30), Noise(seed + 31)
    page = Page(width * SAMPLES, height * SAMPLES, noise, rng)
    _sky(page)
    _hills(page)
    _church(page)
    _house(page, 0.255, 0.345, 0.615, 0.475, 0.405, True, 0.5)
    _house(page, 0.335, 0.415, 0.600, 0.490, 0.435, False, 0.4)
    _street(page)
    for left, right, base, eave, peak, timber in (
            (0.615, 0.715, 0.635, 0.455, 0.375, False), (0.70, 0.86, 0.690, 0.385, 0.255, True),
            (0.85, 1.05, 0.755, 0.340, 0.175, False), (1.04, 1.33, 0.845, 0.255, 0.03, True)):
        _house(page, left, right, base, eave, peak, timber, 0.9)
    _front(page)
    _tree(page)
    return to_bytes(page.picture(), SAMPLES)
