"""The background: the sky with its clouds, and hills that fade into haze."""

from __future__ import annotations

import numpy as np

from tools.demo_pictures.noise import Noise, mix, ramp
from tools.demo_pictures.raster import Camera

TO_SUN = np.array([0.62, 0.50, -0.56])
TO_SUN /= np.linalg.norm(TO_SUN)
SUNLIGHT = np.array([2.85, 2.16, 1.36])
SKYLIGHT = np.array([0.42, 0.55, 0.80])
HAZE = np.array([0.66, 0.74, 0.84])


def sky(direction: np.ndarray, noise: Noise) -> np.ndarray:
    """Radiance (N, 3) of the sky along directions (N, 3): gradient, high veil, cumulus."""
    length = np.linalg.norm(direction, axis=1)
    up = np.clip(direction[:, 1] / length, 0, 1)
    colour = mix((0.80, 0.80, 0.76), (0.40, 0.60, 0.86), ramp(0.0, 0.22, up))
    colour = mix(colour, (0.13, 0.30, 0.64), ramp(0.10, 0.62, up))
    # The clouds lie on a layer overhead; the offset keeps them finite towards the horizon.
    lift = up + 0.34
    x, y = direction[:, 0] / length / lift, 1.35 / lift
    veil = noise.fractal(x * 1.1 + 40, y * 3.1 + 9, 6, 0.58)
    colour = mix(colour, (0.90, 0.88, 0.86), 0.42 * ramp(0.50, 0.80, veil))
    return _cumulus(colour, x, y, up, noise)


def _cloud_density(x, y, noise: Noise) -> np.ndarray:
    """Heaps: a slow pattern places the clouds, a fine billowing one roughens their edges."""
    bend = noise.fractal(x * 2.3 + 3, y * 2.3 + 8, 3) - 0.5
    heap = noise.fractal(x * 1.25 + 0.5 * bend + 11.4, y * 1.9 + 0.5 * bend + 2.6, 3)
    # The absolute value makes round lobes with sharp valleys, as in a cauliflower.
    billow = np.abs(noise.fractal(x * 4.6 + bend, y * 5.2 - bend, 6, 0.55) - 0.5) * 2
    return heap + 0.34 * (0.30 - billow)


def _cumulus(colour, x, y, up, noise: Noise) -> np.ndarray:
    density = _cloud_density(x, y, noise)
    # Light comes from above and the right: compare with the density over there.
    towards = _cloud_density(x + 0.09, y - 0.11, noise)
    lit = np.clip(0.60 + 3.0 * (density - towards), 0, 1)
    thick = ramp(0.50, 0.62, density)
    core = ramp(0.58, 0.85, density)
    white = mix((0.50, 0.55, 0.66), (1.30, 1.18, 1.00), lit * (1 - 0.30 * core))
    white = mix(white, (0.95, 0.88, 0.78), 0.6 * (1 - ramp(0.0, 0.25, up)))
    return mix(colour, white, thick * ramp(0.015, 0.12, up) * 0.96)


def hill_height(x: np.ndarray, z: np.ndarray, noise: Noise) -> np.ndarray:
    """Height in metres of the land beyond the town: rolling near, a long range far."""
    rolling = noise.fractal(x / 420 + 3, z / 420 + 7, 5) - 0.28
    far = noise.fractal(x / 1900 + 1, z / 1900 + 2, 6) - 0.22
    # A valley opens where the river comes from, so the ranges step back from each other.
    valley = ramp(0, 900, np.abs(x - 0.16 * z))
    near = 560 * rolling * ramp(140, 620, z) * (1 - ramp(900, 1900, z)) * (0.6 + 0.4 * valley)
    return 4 + near + 2900 * far * ramp(1100, 5200, z) * (0.8 + 0.2 * valley)


def hill_depth(view: Camera, noise: Noise) -> np.ndarray:
    """Nearness (H, W) of the first hill that each pixel's ray hits, 0 where it hits none.

    For one column of the picture the ray's plane is upright: march outwards once, keep the
    highest elevation so far, and look up at which step each pixel's elevation is first reached.
    """
    distance = np.geomspace(150, 6500, 420)[:, None]
    side = (np.arange(view.width) + 0.5 - view.width / 2) / view.focal
    height = hill_height(side * distance + view.position[0], distance, noise)
    elevation = np.maximum.accumulate((height - view.eye()[1]) / distance, axis=0)
    of_rows = view.flip * (view.horizon - np.arange(view.height) - 0.5) / view.focal
    nearness = np.zeros((view.height, view.width), np.float32)
    for column in range(view.width):
        step = np.searchsorted(elevation[:, column], of_rows)
        reached = step < len(distance)
        nearness[reached, column] = 1 / distance[np.minimum(step, 419), 0][reached]
    return nearness


def hills(point: np.ndarray, noise: Noise) -> np.ndarray:
    """Radiance (N, 3) of hill points (N, 3) before haze: woods, meadows, fields in sunlight."""
    x, z = point[:, 0], point[:, 2]
    step = 3 + 0.006 * z
    here = hill_height(x, z, noise)
    slope_x = (hill_height(x + step, z, noise) - here) / step
    slope_z = (hill_height(x, z + step, noise) - here) / step
    # Woods are rough: bumps the size of crowns, larger far away where only those are resolved.
    grain = 0.014 * z + 4
    crown = noise.fractal(x / grain, here / grain + z / (4 * grain), 4)
    field_x, field_z = np.floor(x / 90 + 0.3 * z / 90), np.floor(z / 160 - 0.2 * x / 160)
    luck = noise.cell(field_x, field_z)[:, None]
    meadow = np.where(luck < 0.4, (0.11, 0.16, 0.045),
                      np.where(luck < 0.7, (0.30, 0.25, 0.10), (0.16, 0.19, 0.06)))
    wood = mix((0.035, 0.075, 0.025), (0.11, 0.145, 0.045), ramp(0.3, 0.7, crown))
    forest = ramp(0.42, 0.46, noise.fractal(x / 190 + 5, z / 260 + 5, 5) + 0.15 * crown - 0.05)
    forest = np.maximum(forest, ramp(1300, 2600, z))
    albedo = mix(meadow, wood, forest)
    tilt = 1 + forest * 2.2 * (crown - 0.5)
    normal = np.stack([-slope_x, np.ones_like(x), -slope_z], -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    sun = np.clip(normal @ TO_SUN, 0, None) * np.clip(tilt, 0.1, 2)
    drift = 0.45 + 0.55 * ramp(0.40, 0.56, noise.fractal(x / 700 + 2, z / 900 + 4, 3))
    return albedo * (SUNLIGHT * (sun * drift)[:, None] + 0.8 * SKYLIGHT)


def hazed(colour: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Aerial perspective: the air adds its own blue light, which increases with distance."""
    share = 1 - np.exp(-np.maximum(distance - 30, 0) / 2300)
    return mix(colour, HAZE, 0.93 * share)
