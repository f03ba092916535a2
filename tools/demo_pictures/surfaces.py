"""The colours of surfaces: plaster with windows, timber frames, tiles, stone, as functions of u, v.

Every function takes flat arrays with one entry per pixel and returns linear RGB reflectances.
`scale` is the size of a pixel on the surface in metres: detail finer than that is faded out, so
that far walls do not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.demo_pictures import town
from tools.demo_pictures.noise import Noise, mix, ramp

SHUTTERS = np.array(
    [(0.10, 0.24, 0.17), (0.12, 0.20, 0.34), (0.36, 0.09, 0.07), (0.34, 0.26, 0.16)], np.float32)


@dataclass
class Patch:
    """The visible pixels of one material: surface coordinates and house data per pixel."""

    u: np.ndarray
    v: np.ndarray
    tint: np.ndarray
    width: np.ndarray
    eave: np.ndarray
    rise: np.ndarray
    key: np.ndarray
    scale: np.ndarray

    def fade(self, detail: float) -> np.ndarray:
        """1 where structure of `detail` metres is well resolved, 0 where it is below a pixel."""
        return 1 - ramp(0.5 * detail, 1.2 * detail, self.scale)


def inside(value: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Mask of the values strictly between two bounds."""
    return (value > low) & (value < high)


def plaster(p: Patch, noise: Noise) -> np.ndarray:
    """Painted wall: stains, a darker foot, windows and doors."""
    stain = noise.fractal(p.u * 0.45 + 91 * p.key, p.v * 0.3, 5)
    grain = noise.fractal(p.u * 6, p.v * 6, 3) - 0.5
    shade = 0.80 + 0.4 * stain + 0.18 * grain * p.fade(0.25)
    shade = shade - 0.20 * (1 - ramp(0.2, 1.6, p.v + stain))
    colour = p.tint * shade[:, None]
    return openings(p, colour, noise)


def timber(p: Patch, noise: Noise) -> np.ndarray:
    """Half-timbered wall over a plastered ground floor."""
    stain = noise.fractal(p.u * 0.7 + 53 * p.key, p.v * 0.7, 4)
    colour = p.tint * (0.78 + 0.4 * stain)[:, None]
    floor = p.v / FLOOR
    across = p.u / p.width * np.maximum(np.round(p.width / 1.1), 1)
    beam = np.abs(floor - np.round(floor)) * FLOOR < 0.13
    beam |= np.abs(across - np.round(across)) * 1.1 < 0.08
    cell, level = np.floor(across), np.floor(floor)
    s, t = across - cell, floor - level
    brace = noise.cell(cell + np.floor(40 * p.key), level) < 0.42
    lean = np.where((cell + level) % 2 > 0, s, 1 - s)
    beam |= brace & (np.abs(t - lean) < 0.10)
    gable = p.width / 2 - np.abs(p.u - p.width / 2)
    beam |= (p.v > p.eave) & (gable * 2 * p.rise / p.width - (p.v - p.eave) < 0.25)
    beam &= p.v > 1.02 * FLOOR
    wood = np.array([0.15, 0.085, 0.05]) * (0.7 + 0.7 * noise.fractal(p.u * 5, p.v * 5, 2))[:, None]
    return openings(p, np.where(beam[:, None], wood, colour), noise)


FLOOR = 3.0  # metres from floor to floor


def openings(p: Patch, wall: np.ndarray, noise: Noise) -> np.ndarray:
    """Put a grid of windows, with shutters on some houses and doors below, on a wall."""
    count = np.maximum(np.round(p.width / 2.3), 1)
    pitch = p.width / count
    cell, level = np.floor(p.u / pitch), np.floor(p.v / FLOOR)
    x, y = p.u - (cell + 0.5) * pitch, p.v - level * FLOOR - 1.55
    house = np.floor(p.key * 997)
    # A window needs a wall behind it: below the eaves, or well inside the gable.
    top = (level + 1) * FLOOR - 0.4
    edge = p.width / 2 - np.abs((cell + 0.5) * pitch - p.width / 2)
    room = np.where(top > p.eave, edge - 0.75 > (top - p.eave) * p.width / np.maximum(
        2 * p.rise, 1e-3), True)
    room &= (top < p.eave + p.rise) & (p.width > 1.2)
    half, tall = 0.46 + 0.1 * noise.cell(house, 3), 0.70 + 0.12 * noise.cell(house, 4)
    door = (level == 0) & (noise.cell(3 * cell + house, 7) < 0.33)
    y = np.where(door, y + 0.35, y)
    half, tall = np.where(door, half + 0.15, half), np.where(door, 1.2, tall)
    frame = room & (np.abs(x) < half + 0.13) & (np.abs(y) < tall + 0.13)
    glass = room & (np.abs(x) < half) & (np.abs(y) < tall)
    shutter = room & ~door & inside(np.abs(x), half + 0.10, 2 * half + 0.06) & (np.abs(y) < tall)
    shutter &= noise.cell(house, 11) < 0.55
    under = room & ~door & (np.abs(x) < half + 0.2) & inside(y, -tall - 0.42, -tall - 0.13)
    wall = np.where(under[:, None], wall * 0.72, wall)  # the shadow under the sill
    colour = SHUTTERS[(noise.cell(house, 12) * len(SHUTTERS)).astype(int)]
    slats = 1 + 0.35 * p.fade(0.12) * np.sign(np.sin(y * 45))
    wall = np.where(shutter[:, None], colour * slats[:, None], wall)
    wall = np.where(frame[:, None], np.array([0.80, 0.77, 0.70]), wall)
    pane = _pane(p, x, y, half, tall, cell, level, house, noise)
    wood = colour * 0.8 + 0.02
    bars = (np.abs(x) < 0.045) | (np.abs(y - 0.25 * tall) < 0.04)
    pane = np.where((bars & ~door)[:, None], 0.7, np.where(door[:, None], wood, pane))
    return np.where(glass[:, None], pane, wall)


def _pane(p, x, y, half, tall, cell, level, house, noise: Noise) -> np.ndarray:
    """Glass: dark room, a slanted piece of reflected sky, the shadow of the reveal, curtains."""
    luck = noise.cell(cell + 3 * house, level + 5)
    sky = ramp(-0.2, 0.9, y / tall + 0.5 * x / half + 1.4 * luck - 0.7)
    glass = mix((0.035, 0.04, 0.05), (0.22, 0.30, 0.40), sky * 0.9)
    curtain = (noise.cell(cell + house, level + 31) < 0.35) & (np.abs(x) > 0.5 * half)
    glass = np.where(curtain[:, None], 0.42, glass)
    reveal = (y > tall - 0.16) | (x > half - 0.10)
    return np.where(reveal[:, None], glass * 0.35 + 0.01, glass)


def roof(p: Patch, noise: Noise) -> np.ndarray:
    """Clay tiles: courses with a shadow line, each tile of its own shade, moss and weather."""
    course = np.floor(p.v / 0.34)
    along = p.u / 0.30 + 0.5 * (course % 2)
    luck = noise.cell(np.floor(along) + np.floor(97 * p.key), course)
    line = (p.v / 0.34 - course) < 0.22
    bump = np.cos(2 * np.pi * along)
    detail = p.fade(0.30)
    shade = 1 + detail * (0.5 * (luck - 0.5) - 0.40 * (line - 0.2) + 0.10 * bump)
    weather = noise.fractal(p.u * 0.5 + 31 * p.key, p.v * 0.5, 5)
    shade = shade * (0.62 + 0.78 * weather)
    moss = ramp(0.55, 0.75, noise.fractal(p.u * 0.9 + 7, p.v * 0.4 + 61 * p.key, 4))
    return mix(p.tint, np.array([0.22, 0.20, 0.13]), 0.5 * moss) * shade[:, None]


def stone(p: Patch, noise: Noise) -> np.ndarray:
    """Cut stone: courses of blocks with joints, stains that run down, a wet foot."""
    course = np.floor(p.v / 0.48)
    along = p.u / 0.95 + 0.5 * (course % 2) + 0.3 * noise.cell(course, 9)
    luck = noise.cell(np.floor(along), course, 2)
    joint = (p.v / 0.48 - course < 0.13) | (along - np.floor(along) < 0.07)
    detail = p.fade(0.45)
    shade = 1 + detail * (0.45 * (luck - 0.5) - 0.38 * joint)
    stain = noise.fractal(p.u * 0.9, p.v * 0.35, 5)
    shade = shade * (0.55 + 0.9 * stain)
    return p.tint * shade[:, None]


def slate(p: Patch, noise: Noise) -> np.ndarray:
    """Slates of a spire: streaked downwards, with a shadow under each course."""
    luck = noise.fractal(p.u * 1.5, p.v * 0.5, 4)
    line = np.abs(p.v / 0.6 - np.round(p.v / 0.6)) < 0.12
    return p.tint * (0.6 + 0.8 * luck - 0.2 * line * p.fade(0.5))[:, None]


def wood(p: Patch, noise: Noise) -> np.ndarray:
    """Planks with a grain along them."""
    plank = np.abs(p.v / 0.16 - np.round(p.v / 0.16)) < 0.10
    grain = noise.fractal(p.u * 2, p.v * 14, 3)
    return p.tint * (0.65 + 0.7 * grain - 0.3 * plank * p.fade(0.1))[:, None]


def paving(p: Patch, noise: Noise) -> np.ndarray:
    """Small cobbles, worn in places."""
    cobble = noise.fractal(p.u * 3, p.v * 3, 4) - 0.5
    worn = noise.fractal(p.u * 0.3, p.v * 0.3, 3)
    return p.tint * (0.6 + 0.7 * worn + 0.7 * cobble * p.fade(0.3))[:, None]


def grass(p: Patch, noise: Noise) -> np.ndarray:
    """Turf with dry patches."""
    blades = noise.fractal(p.u * 4, p.v * 2, 4) - 0.5
    dry = noise.fractal(p.u * 0.25 + 5, p.v * 0.25, 4)
    colour = mix(p.tint, p.tint * np.array([1.7, 1.35, 0.9]), ramp(0.4, 0.7, dry))
    return colour * (0.85 + 0.9 * blades * p.fade(0.3))[:, None]


def plain(p: Patch, noise: Noise) -> np.ndarray:
    """One colour, slightly uneven."""
    return p.tint * (0.85 + 0.3 * noise.fractal(p.u * 2, p.v * 2, 3))[:, None]


PAINT = {
    town.PLASTER: plaster, town.TIMBER: timber, town.ROOF: roof, town.STONE: stone,
    town.GRASS: grass, town.WOOD: wood, town.SLATE: slate, town.PLAIN: plain,
    town.PAVING: paving,
}
