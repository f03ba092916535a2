"""Flat planes: a window on a harbour in cut and gouache-painted paper, few saturated colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from tools.demo_pictures.noise import Noise
from tools.drawings.shapes import ellipse, leaf, smooth, to_bytes

SAMPLES = 3
COLOURS = {
    "navy": (0.06, 0.07, 0.22), "blue": (0.07, 0.22, 0.66), "azure": (0.13, 0.52, 0.84),
    "mint": (0.45, 0.80, 0.74), "green": (0.05, 0.45, 0.30), "lime": (0.62, 0.74, 0.16),
    "yellow": (0.99, 0.80, 0.12), "orange": (0.96, 0.47, 0.09), "red": (0.85, 0.13, 0.13),
    "pink": (0.94, 0.46, 0.58), "plum": (0.42, 0.10, 0.36), "cream": (0.98, 0.94, 0.84),
}
NAMES = tuple(COLOURS)
HORIZON = 0.43


class Sheet:
    """Pieces of paper glued one over the other; the colour's number and the piece's per pixel."""

    def __init__(self, width: int, height: int, colour: str, rng) -> None:
        self.size, self.unit, self.rng = (width, height), height, rng
        self.colour = Image.new("L", self.size, NAMES.index(colour))
        self.piece = Image.new("I", self.size, 0)
        self.pieces = 1

    def put(self, outline: ArrayLike, colour: str, hand: float = 0.0022) -> None:
        """Glue a piece; `hand` is how far the scissors stray."""
        points = np.asarray(outline, float)
        points = points + self.rng.normal(0, hand * min(1, 12 / len(points)), points.shape)
        corners = [tuple(point) for point in points * self.unit]
        ImageDraw.Draw(self.colour).polygon(corners, fill=NAMES.index(colour))
        ImageDraw.Draw(self.piece).polygon(corners, fill=self.pieces)
        self.pieces += 1

    def bar(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """Glue an upright rectangle, cut by hand."""
        self.put([(left, top), (right, top), (right, bottom), (left, bottom)], colour, 0.003)


def _sky_and_sea(sheet: Sheet, rng) -> None:
    sheet.bar(0.30, -0.1, 1.4, 0.7, "azure")
    sheet.put(ellipse(0.93, 0.17, 0.150, 0.150), "cream")
    sheet.put(ellipse(0.93, 0.17, 0.118, 0.118), "yellow")
    sheet.put(ellipse(0.93, 0.17, 0.066, 0.066), "orange")
    for x, y, size in ((0.52, 0.11, 0.10), (0.70, 0.225, 0.07), (1.17, 0.30, 0.08)):
        points = [(-1.35, 0.20), (-1.15, -0.08), (-0.72, -0.12), (-0.55, -0.42), (-0.05, -0.52),
                  (0.22, -0.22), (0.62, -0.30), (0.86, 0.0), (1.30, 0.04), (1.36, 0.22)]
        sheet.put(smooth(np.array(points) * size + (x, y)), "cream")
    hill = [(0.2, 0.36), (0.40, 0.30), (0.50, 0.345), (0.62, 0.265), (0.74, 0.35), (0.86, 0.375),
            (1.0, 0.33), (1.12, 0.365), (1.3, 0.29), (1.35, 0.5), (0.2, 0.5)]
    sheet.put(smooth(hill), "plum")
    near = [(0.2, 0.405), (0.36, 0.345), (0.47, 0.41), (0.6, 0.435), (0.7, 0.43), (0.7, 0.5),
            (0.2, 0.5)]
    sheet.put(smooth(near), "green")
    for k, (x, tint, roof) in enumerate(((0.335, "cream", "red"), (0.375, "yellow", "plum"),
                                         (0.415, "pink", "orange"), (0.455, "cream", "red"))):
        top = 0.372 + 0.008 * (k % 2)
        sheet.bar(x, top, x + 0.036, 0.44, tint)
        sheet.put([(x - 0.004, top), (x + 0.018, top - 0.026), (x + 0.040, top)], roof, 0.001)
        sheet.bar(x + 0.012, top + 0.018, x + 0.022, top + 0.034, "navy")
    sheet.bar(0.28, HORIZON, 1.4, 0.75, "blue")
    for row in range(7):
        y = HORIZON + 0.016 + 0.031 * row
        count = 13 - row
        for k in range(count):
            x = 0.30 + (k + 0.5 * (row % 2) + rng.uniform(-0.2, 0.2)) * 1.05 / count
            size = 0.016 + 0.0042 * row
            wave = [(-1.5, 0.10), (-0.7, -0.34), (0.0, 0.02), (0.7, -0.34), (1.5, 0.10),
                    (0.7, 0.12), (0.0, 0.40), (-0.7, 0.12)]
            sheet.put(smooth(np.array(wave) * size + (x, y)),
                      ("azure", "mint", "azure", "navy")[(k + 2 * row) % 4])


def _boats(sheet: Sheet) -> None:
    for x, y, size, hull, main, jib in ((0.63, 0.475, 0.115, "red", "cream", "yellow"),
                                        (0.83, 0.535, 0.185, "navy", "orange", "cream"),
                                        (1.08, 0.470, 0.100, "plum", "yellow", "pink")):
        at = lambda points, x=x, y=y, size=size: np.array(points) * size + (x, y)
        sheet.put(at([(0.03, -1.05), (0.60, -0.16), (0.03, -0.12)]), main)
        sheet.put(at([(-0.03, -0.92), (-0.03, -0.12), (-0.46, -0.12)]), jib)
        sheet.put(at([(0.03, -0.62), (0.35, -0.55), (0.50, -0.32), (0.03, -0.36)]), "red"
                  if main != "cream" else "azure")
        sheet.put(at([(-0.02, -1.1), (0.025, -1.1), (0.025, 0), (-0.02, 0)]), "navy", 0.0005)
        sheet.put(smooth(at([(-0.62, -0.09), (0, -0.06), (0.70, -0.11), (0.46, 0.12),
                             (-0.42, 0.12)])), hull)


def _window(sheet: Sheet, rng) -> None:
    for k in range(2):                                      # the sill, then the frame
        sheet.bar(0.26, 0.628 + 0.022 * k, 1.4, 0.655 + 0.022 * k, ("cream", "orange")[k])
    sheet.bar(0.268, -0.1, 0.302, 0.64, "cream")
    sheet.bar(0.715, -0.1, 0.737, 0.632, "cream")
    sheet.put([(0.055, -0.1), (0.268, -0.1), (0.268, 0.645), (0.055, 0.695)], "navy")
    for k in range(14):                                     # the slats of the open shutter
        top = 0.012 + 0.0455 * k
        lean = 0.045 * (top + 0.1)
        sheet.put([(0.075, top + lean * 0.9), (0.250, top), (0.250, top + 0.029),
                   (0.075, top + 0.029 + lean)], ("green", "green", "mint")[rng.integers(3)])
    curtain = [(1.14, -0.1), (1.17, 0.12), (1.12, 0.3), (1.16, 0.46), (1.10, 0.66), (1.3, 0.70),
               (1.35, -0.1)]
    sheet.put(smooth(curtain), "red")
    for k in range(3):
        fold = np.array([(1.175, -0.1), (1.205, 0.2), (1.165, 0.42), (1.175, 0.68), (1.150, 0.68),
                         (1.145, 0.42), (1.185, 0.2), (1.16, -0.1)]) + (0.040 * k, 0)
        sheet.put(smooth(fold), ("orange", "pink", "orange")[k])


def _wallpaper(sheet: Sheet, rng) -> None:
    for row in range(15):
        for column in range(5):
            x, y = -0.01 + 0.062 * column + 0.031 * (row % 2), 0.03 + 0.052 * row
            sheet.put(leaf(x, y, rng.uniform(-2.0, -1.1), 0.036, 0.008), "orange", 0.0008)


def _table(sheet: Sheet, rng) -> None:
    sheet.put([(-0.05, 0.755), (1.3, 0.715), (1.3, 1.05), (-0.05, 1.05)], "yellow")
    for k in range(-4, 12):                                 # the cloth's stripes run to a point
        top, bottom = 0.10 + 0.105 * k, -0.28 + 0.175 * k
        y = 0.755 - 0.03 * top
        sheet.put([(top, y), (top + 0.040, y - 0.001), (bottom + 0.078, 1.05), (bottom, 1.05)],
                  ("orange", "cream")[k % 2])
    sheet.put(smooth([(0.60, 0.885), (0.80, 0.835), (1.06, 0.85), (1.13, 0.91), (0.98, 0.965),
                      (0.70, 0.96)]), "plum")
    sheet.put(ellipse(0.85, 0.880, 0.235, 0.062), "cream")
    sheet.put(ellipse(0.85, 0.876, 0.190, 0.044), "azure")
    for x, y, radius, body, lit in ((0.735, 0.835, 0.058, "orange", "yellow"),
                                    (0.955, 0.842, 0.055, "red", "pink"),
                                    (0.850, 0.858, 0.062, "lime", "yellow"),
                                    (0.845, 0.772, 0.050, "yellow", "cream")):
        shade = {"orange": "red", "red": "plum", "lime": "green", "yellow": "orange"}[body]
        sheet.put(ellipse(x, y, radius, radius * 0.96), shade)
        sheet.put(ellipse(x - 0.13 * radius, y - 0.12 * radius, 0.86 * radius, 0.83 * radius),
                  body)
        sheet.put(ellipse(x - 0.35 * radius, y - 0.4 * radius, 0.26 * radius, 0.17 * radius, -0.6),
                  lit)
        sheet.put(leaf(x, y - 0.9 * radius, rng.uniform(-2.4, -0.6), 0.045, 0.011), "green")


def _plant(sheet: Sheet, rng) -> None:
    foot_x, foot_y = 0.335, 0.75
    for turn, length, width, lobes, colour in (
            (-2.95, 0.30, 0.050, 5, "blue"), (-2.45, 0.36, 0.056, 6, "navy"),
            (-0.35, 0.30, 0.050, 5, "plum"), (-0.80, 0.40, 0.056, 6, "green"),
            (-2.00, 0.45, 0.058, 7, "lime"), (-1.20, 0.50, 0.060, 7, "navy"),
            (-1.62, 0.40, 0.055, 6, "mint")):
        turn += rng.normal(0, 0.05)
        sheet.put(leaf(foot_x, foot_y, turn, length, width, lobes), colour)
    vase = [(0.262, 0.70), (0.408, 0.70), (0.400, 0.745), (0.450, 0.815), (0.455, 0.885),
            (0.405, 0.945), (0.268, 0.945), (0.215, 0.885), (0.222, 0.815), (0.272, 0.745)]
    sheet.put(np.array(vase) + (0.06, 0.014), "plum")
    sheet.put(smooth(vase, steps=6), "red")
    for k in range(6):
        x = 0.240 + 0.038 * k
        sheet.put(leaf(x, 0.905, -1.57 + 0.12 * (k - 2.5), 0.085, 0.014), ("cream", "pink")[k % 2])
    sheet.put(smooth([(0.395, 0.775), (0.437, 0.82), (0.441, 0.885), (0.398, 0.93),
                      (0.414, 0.86)]), "plum")


def _gouache(pieces: np.ndarray, noise: Noise) -> np.ndarray:
    """How light the paint is, about 1: streaks of a flat brush, in another direction per piece."""
    height, width = pieces.shape
    y, x = np.mgrid[0:height, 0:width] / np.float32(height)
    turn = 3.1 * noise.cell(pieces, 7)
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    streak = noise.fractal(along * 5 + 3.7 * (pieces % 50), across * 75, 3) - 0.5
    cloud = noise.fractal(x * 9, y * 9, 3) - 0.5
    tint = 0.10 * (noise.cell(pieces, 3) - 0.5)
    return 1 + 0.17 * streak + 0.14 * cloud + tint


def draw_planes(width: int = 640, height: int = 512, seed: int = 0) -> np.ndarray:
    """Cut out and glue the picture; see `tools.drawings` for parameters and result."""
    rng, noise = np.random.default_rng(seed + 20), Noise(seed + 21)
    sheet = Sheet(width * SAMPLES, height * SAMPLES, "pink", rng)
    _wallpaper(sheet, rng)
    _sky_and_sea(sheet, rng)
    _boats(sheet)
    _window(sheet, rng)
    _table(sheet, rng)
    _plant(sheet, rng)
    pieces = np.asarray(sheet.piece)
    light = _gouache(pieces, noise)
    # An upper piece throws a narrow shadow to the lower right.
    reach = max(round(0.0028 * height * SAMPLES), 1)
    above = np.roll(pieces, (reach, reach), (0, 1))
    light = light * np.where(above > pieces, 0.80, 1.0)
    colours = np.array([COLOURS[name] for name in NAMES], np.float32)
    return to_bytes(colours[np.asarray(sheet.colour)] * light[..., None], SAMPLES)
