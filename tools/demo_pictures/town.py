"""The geometry of the scene: a small town where a river bends, as flat polygons and leaves.

Metres; x to the right, y up (the water is y = 0), z away from the viewer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from tools.demo_pictures.raster import Mesh

# Materials: what the shader does with a surface.
PLASTER, TIMBER, ROOF, STONE, GRASS, WOOD, SLATE, PLAIN, LEAF, PAVING = range(10)

# Linear RGB reflectance, three numbers from 0 to 1.
Colour = Sequence[float] | np.ndarray

UP = np.array([0.0, 1.0, 0.0])
RIVER_WIDTH = 27.0
QUAY_HEIGHT = 2.0
STONE_TINT = (0.50, 0.45, 0.37)
WALL_TINTS = (
    (0.70, 0.54, 0.30), (0.74, 0.66, 0.52), (0.66, 0.42, 0.17), (0.62, 0.32, 0.22),
    (0.76, 0.70, 0.60), (0.48, 0.54, 0.40), (0.42, 0.52, 0.60), (0.72, 0.50, 0.28),
)
ROOF_TINTS = ((0.40, 0.12, 0.06), (0.34, 0.13, 0.075), (0.44, 0.16, 0.07), (0.27, 0.12, 0.085))


class Bank:
    """The left edge of the river: straight towards the viewer, bending to the right far away."""

    def __init__(self) -> None:
        s = np.arange(0.0, 400.0)
        t = np.clip((s - 40) / 85, 0, 1)
        heading = np.radians(5 + 68 * t * t * (3 - 2 * t))
        self.steps = s
        self.x = -12.5 + np.cumsum(np.sin(heading))
        self.z = 4.0 + np.cumsum(np.cos(heading))
        self.heading = heading

    def frame(self, s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Point at arc length `s`, the direction along the bank, the direction away from water."""
        x, z, heading = (np.interp(s, self.steps, a) for a in (self.x, self.z, self.heading))
        along = np.array([np.sin(heading), 0.0, np.cos(heading)])
        return np.array([x, 0.0, z]), along, np.array([-along[2], 0.0, along[0]])

    def point(self, s: float, offset: float, height: float) -> np.ndarray:
        """`offset` metres inland of the left edge (negative: over the water), `height` up."""
        origin, _, inland = self.frame(s)
        return origin + offset * inland + height * UP


def strip(mesh: Mesh, bank: Bank, near: tuple[float, float], far: tuple[float, float],
          material: int, tint: Colour, step: float = 8.0) -> None:
    """Ground or wall along the bank between two (offset, height) lines."""
    for s in np.arange(0.0, 380.0, step):
        mesh.add(
            [bank.point(s, *near), bank.point(s + step, *near),
             bank.point(s + step, *far), bank.point(s, *far)], material, tint)


def box(mesh: Mesh, base: np.ndarray, along: np.ndarray, inward: np.ndarray,
        size: tuple[float, float, float], material: int, tint: Colour) -> None:
    """Upright box: `base` is its front left foot, `size` its width, height and depth."""
    width, height, depth = size
    a, u, d = width * along, height * UP, depth * inward
    floor = [base, base + a, base + a + d, base + d]
    for k in range(4):
        start, end = floor[k], floor[(k + 1) % 4]
        extra = (np.linalg.norm(end - start), height, 0.0, 0.3)
        mesh.add([start, end, end + u, start + u], material, tint, extra)
    mesh.add([corner + u for corner in floor], material, tint)


def gabled(mesh: Mesh, base: np.ndarray, along: np.ndarray, inward: np.ndarray,
           size: tuple[float, float, float, float, float], walls: Colour, roof_tint: Colour,
           material: int = PLASTER, overhang: float = 0.45) -> None:
    """House under a pitched roof whose ridge runs `inward`: the gable is the front.

    `size` is (width, depth, eave height, rise of the gable, random key).
    """
    width, depth, eave, rise, key = size
    a, d, u = width * along, depth * inward, eave * UP
    peak = base + a / 2 + (eave + rise) * UP
    extra = (width, eave, rise, key)
    mesh.add([base, base + a, base + a + u, peak, base + u], material, walls, extra)
    mesh.add([base + a + d, base + d, base + d + u, peak + d, base + a + d + u],
             material, walls, extra)
    side = (depth, eave, 0.0, key)
    mesh.add([base + d, base, base + u, base + u + d], material, walls, side)
    mesh.add([base + a, base + a + d, base + a + d + u, base + a + u], material, walls, side)
    out = overhang * inward
    for foot, sign in ((base + u, -1.0), (base + u + a, 1.0)):
        lip = foot + overhang * sign * along - overhang * 2 * rise / width * UP
        ends = [lip - out, lip + d + out, peak + d + out, peak - out]
        mesh.add(ends, ROOF, roof_tint, (depth, 0.0, 0.0, key))
        # The edge of the roof: a thin light board, which draws the gable crisply.
        mesh.add([ends[0], ends[3], ends[3] - 0.22 * UP, ends[0] - 0.22 * UP], PLAIN,
                 (0.30, 0.22, 0.16))


def house(mesh: Mesh, rng: Generator, base: np.ndarray, along: np.ndarray, inward: np.ndarray,
          width: float, depth: float, eave: float, timber: bool = False) -> None:
    """One house of the row, gable or eaves to the river, with chimney and perhaps dormers."""
    walls = WALL_TINTS[rng.integers(len(WALL_TINTS))]
    if timber:
        walls = ((0.74, 0.66, 0.52), (0.70, 0.56, 0.34))[rng.integers(2)]
    roof = np.array(ROOF_TINTS[rng.integers(len(ROOF_TINTS))]) * rng.uniform(0.85, 1.2)
    material, key = (TIMBER if timber else PLASTER), rng.random()
    if rng.random() < 0.5:
        rise = width * rng.uniform(0.48, 0.62)
        gabled(mesh, base, along, inward, (width, depth, eave, rise, key), walls, roof, material)
        ridge = base + width * 0.5 * along + (eave + rise) * UP
        chimney = ridge + width * rng.uniform(-0.25, 0.15) * along + depth * 0.5 * inward - 1.5 * UP
    else:
        rise = depth * rng.uniform(0.42, 0.52)
        # Turned by a quarter: the new front is the right-hand side wall of the old one.
        gabled(mesh, base + width * along, inward, -along, (depth, width, eave, rise, key),
               walls, roof, material)
        _dormers(mesh, rng, base, along, inward, (width, depth, eave, rise), walls, roof)
        ridge = base + depth * 0.5 * inward + (eave + rise) * UP
        chimney = ridge + width * rng.uniform(0.15, 0.75) * along - 1.0 * UP
    box(mesh, chimney, along, inward, (0.8, 2.6, 0.7), STONE, (0.42, 0.24, 0.17))


def _dormers(mesh: Mesh, rng: Generator, base: np.ndarray, along: np.ndarray,
             inward: np.ndarray, size: tuple[float, float, float, float], walls: Colour,
             roof: Colour) -> None:
    """A row of little gables on the slope of a roof that faces the river."""
    width, depth, eave, rise = size
    count = int(rng.integers(1, 4)) if width > 6 else 1
    for k in range(count):
        place = base + (width * (k + 0.5) / count - 0.7) * along
        # A quarter of the way up the slope, sunk into it by its depth.
        place = place + depth * 0.11 * inward + (eave + rise * 0.22) * UP
        gabled(mesh, place, along, inward, (1.5, depth * 0.3, 1.3, 0.75, 0.5), walls, roof,
               overhang=0.15)


def row(mesh: Mesh, rng: Generator, bank: Bank, offset: float, ground: float, start: float,
        stop: float, eaves: tuple[float, float], gaps: float = 0.0) -> None:
    """A row of houses along the bank, `offset` metres inland on ground of height `ground`."""
    s = start
    while s < stop:
        width, depth = rng.uniform(6.0, 10.0), rng.uniform(9.0, 12.0)
        base, middle = bank.point(s, offset, ground - 0.6), s + width / 2
        _, along, inward = bank.frame(middle)
        eave = rng.uniform(*eaves) + 0.6
        house(mesh, rng, base + rng.uniform(0, 0.7) * inward, along, inward, width, depth, eave,
              timber=rng.random() < 0.35)
        # The row fans out at the outer side of the bend, so houses there need not touch.
        s += width * rng.uniform(1.0, 1.03) + (rng.uniform(0, gaps) if rng.random() < 0.6 else 0)


def church(mesh: Mesh, base: np.ndarray, along: np.ndarray, inward: np.ndarray) -> None:
    """A nave and a tower with clock stage, belfry and a tall slate spire."""
    stone = (0.66, 0.58, 0.44)
    side, height = 6.4, 22.0
    box(mesh, base, along, inward, (side, height, side), STONE, stone)
    for level in (8.0, 15.5, 21.4):
        box(mesh, base - 0.25 * along - 0.25 * inward + level * UP, along, inward,
            (side + 0.5, 0.6, side + 0.5), PLAIN, (0.72, 0.65, 0.52))
    faces = ((base, along, inward), (base + side * along, inward, -along))
    for corner, right, into in faces:
        middle = corner + side / 2 * right - 0.06 * into
        for shift in (-1.3, 1.3):
            _arched(mesh, middle + shift * right + 16.4 * UP, right, 0.7, 3.6, (0.06, 0.05, 0.05))
        _arched(mesh, middle + 9.2 * UP, right, 0.5, 2.4, (0.07, 0.06, 0.06))
        _disc(mesh, middle + 13.6 * UP - 0.02 * into, right, 1.3, (0.80, 0.72, 0.50))
        _disc(mesh, middle + 13.6 * UP - 0.05 * into, right, 1.08, (0.10, 0.13, 0.22))
    eaves = [base + (i * (side + 0.8) - 0.4) * along + (j * (side + 0.8) - 0.4) * inward
             + height * UP for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    centre = base + side / 2 * (along + inward)
    # A steep spire over a flared foot, each in four sides.
    waist = [centre + 0.52 * (e - centre - height * UP) + (height + 3.6) * UP for e in eaves]
    for k in range(4):
        j = (k + 1) % 4
        mesh.add([eaves[k], eaves[j], waist[j], waist[k]], SLATE, (0.27, 0.33, 0.36))
        mesh.add([waist[k], waist[j], centre + (height + 16) * UP], SLATE, (0.27, 0.33, 0.36))
    nave = base + (side + 0.2) * along - 1.5 * inward
    gabled(mesh, nave + 22 * along, inward, -along, (11.0, 22.0, 11.0, 8.0, 0.2), stone,
           (0.17, 0.17, 0.19), STONE)
    for k in range(4):
        _arched(mesh, nave + (3 + 5.2 * k) * along - 0.06 * inward + 3.5 * UP, along, 0.8, 5.5,
                (0.08, 0.08, 0.10))


def _disc(mesh: Mesh, centre: np.ndarray, right: np.ndarray, radius: float, tint: Colour) -> None:
    """Upright disc, for the clock's face."""
    angle = np.linspace(0, 2 * np.pi, 17)[:-1, None]
    mesh.add(centre + radius * (np.cos(angle) * right + np.sin(angle) * UP), PLAIN, tint)


def _arched(mesh: Mesh, foot: np.ndarray, right: np.ndarray, half: float, height: float,
            tint: Colour) -> None:
    """Opening with a round top, drawn as a dark plate just in front of the wall."""
    angle = np.linspace(0, np.pi, 9)[:, None]
    top = foot + (height - half) * UP + half * (np.cos(angle) * right + np.sin(angle) * UP)
    mesh.add(np.concatenate([[foot - half * right, foot + half * right], top]), PLAIN, tint)


def bridge(mesh: Mesh, start: np.ndarray, across: np.ndarray, along: np.ndarray,
           length: float, arches: int = 3) -> None:
    """Stone bridge with round arches; `across` leads over the river, `along` upstream."""
    wide, tint = 5.0, STONE_TINT
    pier = 2.2
    span = (length - pier * (arches + 1)) / arches
    t = np.linspace(0, length, 12 * (arches * 4) + 1)
    deck = 3.4 + 2.4 * np.sin(np.pi * t / length)
    centre = pier + span / 2 + np.round((t - pier - span / 2) / (span + pier)) * (span + pier)
    inside = np.clip(1 - ((t - centre) / (span / 2)) ** 2, 0, None)
    crown = 2.6 + 1.5 * np.sin(np.pi * centre / length)
    vault = np.where(inside > 0, crown * np.sqrt(inside), -0.5)
    for k in range(len(t) - 1):
        p, q = start + t[k] * across, start + t[k + 1] * across
        low, high = (vault[k], vault[k + 1]), (deck[k], deck[k + 1])
        for shift in (0.0, wide):
            o = shift * along
            mesh.add([p + o + low[0] * UP, q + o + low[1] * UP, q + o + high[1] * UP,
                      p + o + high[0] * UP], STONE, tint, (length, 0, 0, 0.5))
            # Parapet, a little proud of the wall: its coping catches the light.
            r = o + (-0.15 if shift == 0 else 0.15) * along
            mesh.add([p + r + high[0] * UP, q + r + high[1] * UP, q + r + (high[1] + 1) * UP,
                      p + r + (high[0] + 1) * UP], STONE, (0.60, 0.54, 0.44), (length, 0, 0, 0.6))
        # The ring of wedge stones round an arch, a little proud, light and dark in turn.
        if min(low) > -0.5:
            ring, shade = -0.07 * along, 0.72 + 0.30 * (k // 2 % 2)
            mesh.add([p + ring + low[0] * UP, q + ring + low[1] * UP,
                      q + ring + (low[1] + 0.5) * UP, p + ring + (low[0] + 0.5) * UP],
                     PLAIN, np.array((0.56, 0.50, 0.40)) * shade)
        mesh.add([p + low[0] * UP, q + low[1] * UP, q + wide * along + low[1] * UP,
                  p + wide * along + low[0] * UP], STONE, (0.36, 0.32, 0.27))
        mesh.add([p + high[0] * UP, q + high[1] * UP, q + wide * along + high[1] * UP,
                  p + wide * along + high[0] * UP], PAVING, (0.5, 0.46, 0.4))
    for k in range(1, arches):
        # Cutwaters: the pointed feet that stand against the stream.
        foot = start + (k * (span + pier) + pier / 2) * across
        left, right, nose = foot - 1.2 * across, foot + 1.2 * across, foot - 1.7 * along
        for e0, e1 in ((left, nose), (nose, right)):
            mesh.add([e0 - 0.5 * UP, e1 - 0.5 * UP, e1 + 2.1 * UP, e0 + 2.1 * UP], STONE, tint)
        mesh.add([left + 2.1 * UP, nose + 2.1 * UP, right + 2.1 * UP, foot + 3.2 * UP], STONE, tint)


def boat(mesh: Mesh, centre: np.ndarray, heading: float, length: float, tint: Colour) -> None:
    """Rowing boat: a hull of plates between stations, an inner skin, three thwarts."""
    ahead = np.array([np.sin(heading), 0.0, np.cos(heading)])
    right = np.array([ahead[2], 0.0, -ahead[0]])
    t = np.linspace(-1, 1, 15)
    beam = length * 0.17 * np.sqrt(np.clip(1 - np.abs(t) ** 2.6, 0, None)) * (1 - 0.12 * t)
    sheer = 0.42 + 0.30 * t**2
    spine = centre + (t * length / 2)[:, None] * ahead
    for k in range(len(t) - 1):
        for sign in (-1.0, 1.0):
            rim = [spine[i] + sign * beam[i] * right + sheer[i] * UP for i in (k, k + 1)]
            keel = [spine[i] + sign * 0.72 * beam[i] * right - 0.1 * UP for i in (k, k + 1)]
            inner = [spine[i] + sign * 0.90 * beam[i] * right + (sheer[i] + 0.02) * UP
                     for i in (k, k + 1)]
            bottom = [spine[i] + 0.14 * UP for i in (k, k + 1)]
            mesh.add([keel[0], keel[1], rim[1], rim[0]], WOOD, tint)
            mesh.add([rim[0], rim[1], inner[1], inner[0]], PLAIN, (0.62, 0.50, 0.34))
            mesh.add([bottom[0], bottom[1], inner[1], inner[0]], WOOD, (0.30, 0.21, 0.13))
    for place in (-0.5, 0.0, 0.5):
        half = np.interp(place, t, beam) * 0.88
        seat = centre + place * length / 2 * ahead - half * right + 0.38 * UP
        box(mesh, seat, right, ahead, (2 * half, 0.05, 0.28), WOOD, (0.55, 0.42, 0.27))


def lamp(mesh: Mesh, foot: np.ndarray) -> None:
    """Street lamp: a post, an arm and a lantern."""
    x, z, iron = np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), (0.05, 0.06, 0.06)
    box(mesh, foot, x, z, (0.11, 3.6, 0.11), PLAIN, iron)
    box(mesh, foot - 0.12 * (x + z), x, z, (0.35, 0.5, 0.35), PLAIN, iron)
    box(mesh, foot - 0.14 * (x + z) + 3.6 * UP, x, z, (0.39, 0.5, 0.39), PLAIN, (0.85, 0.78, 0.55))
    box(mesh, foot - 0.22 * (x + z) + 4.1 * UP, x, z, (0.55, 0.12, 0.55), PLAIN, iron)


def tree(mesh: Mesh, rng: Generator, foot: np.ndarray, height: float, spread: float,
         tint: Colour, leaves: int, leaf_scale: float = 1.0) -> None:
    """A crown of leafy clumps on a trunk; inner and lower leaves are darker."""
    # Each tree has its own stream, so that the number of leaves changes nothing else.
    rng = np.random.default_rng(rng.integers(2**32))
    foot = np.asarray(foot, float)
    trunk = 0.035 * height
    x, z = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    box(mesh, foot - trunk / 2 * x, x, z, (trunk, height * 0.6, trunk), WOOD, (0.13, 0.10, 0.08))
    clumps = 34
    direction = rng.normal(size=(clumps, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = rng.uniform(0.25, 0.85, (clumps, 1)) ** 0.6
    axes = np.array([spread, height * 0.36, spread])
    middle = foot + 0.62 * height * UP
    centres = middle + direction * reach * axes
    radius = rng.uniform(0.20, 0.36, (clumps, 1)) * min(spread, height * 0.36) * 1.1
    which = rng.integers(clumps, size=leaves)
    normal = rng.normal(size=(leaves, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    place = centres[which] + normal * radius[which] * rng.uniform(0.55, 1.3, (leaves, 1))
    outward = (place - middle) / axes
    depth = np.clip(np.linalg.norm(outward, axis=1), 0, 1.1)
    shade = (0.45 + 0.55 * depth**1.5) * (0.82 + 0.18 * outward[:, 1])
    shade *= rng.uniform(0.72, 1.22, leaves) * rng.uniform(0.85, 1.15, clumps)[which]
    mixed = 0.65 * normal + 0.5 * outward + 0.2 * UP
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    warm = rng.normal(0, 0.06, (leaves, 1)) * (1.0, 0.2, -0.4)
    mesh.add_leaves(place, mixed, (np.asarray(tint) * (1 + warm)) * shade[:, None],
                    (0.0045 * height + 0.045) * leaf_scale)
