"""Pictures drawn from random numbers.

Most are "dead leaves": opaque shapes that overlap until they cover the picture. Among simple random
pictures, these have edges, scales and occlusions most like those of photographs.

References
----------
Lee, Mumford, Huang, "Occlusion Models for Natural Images" (2001).
Baradad et al., "Learning to See by Looking at Noise" (2021), section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Generator = np.random.Generator


def draw(side: int, rng: Generator) -> Array:
    """A picture side×side×3, uint8; `rng` chooses its kind and colours."""
    kinds: list[Callable[[int, Generator], Array]] = [dead_leaves, cloud, waves]
    kind = kinds[rng.choice(3, p=[0.6, 0.25, 0.15])]
    return kind(side, rng).clip(0, 255).astype(np.uint8)


def palette(count: int, rng: Generator) -> Array:
    """Colours count×3, 0-255: a few hues in light and dark."""
    hues = rng.uniform(0, 255, (rng.integers(2, 6), 3))
    grey = rng.uniform(0, 0.9)          # saturated colours are less frequent than dull ones
    hues = grey * hues.mean(1, keepdims=True) + (1 - grey) * hues
    chosen = hues[rng.integers(len(hues), size=count)]
    value = rng.uniform(0.35, 1.3, (count, 1))
    return (chosen * value + rng.normal(0, 14, (count, 3))).clip(0, 255)


def spectrum(side: int, slope: float, rng: Generator, stretch: float = 1.0) -> Array:
    """Noise side×side, amplitude proportional to frequency^-slope, mean 0, deviation 1.

    A `stretch` above 1 elongates it in a random direction, like brush strokes or wood grain.
    """
    down, across = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * across + np.sin(angle) * down
    beside = np.cos(angle) * down - np.sin(angle) * across
    frequency = np.hypot(stretch * along, beside)
    frequency[0, 0] = np.inf
    phases = np.exp(2j * np.pi * rng.random(frequency.shape))
    noise = np.fft.irfft2(phases * frequency**-slope, (side, side))
    return noise / max(noise.std(), 1e-12)


def texture(side: int, rng: Generator) -> Array:
    """A pattern side×side of about mean 0 and deviation 1: grain, strokes or stripes."""
    if rng.random() < 0.3:
        angle, wavelength = rng.uniform(0, np.pi), rng.uniform(3, 24)
        y, x = np.mgrid[:side, :side]
        phase = 2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / wavelength
        bent = phase + rng.uniform(0, 2) * spectrum(side, 2.0, rng)
        return np.sin(bent) if rng.random() < 0.5 else np.sign(np.sin(bent))
    return spectrum(side, rng.uniform(0.3, 1.6), rng, stretch=rng.choice([1.0, 4.0, 10.0]))


def dead_leaves(side: int, rng: Generator) -> Array:
    """Overlapping discs, ellipses and polygons, more small ones than large ones."""
    picture = np.empty((side, side, 3), np.float32)
    picture[:] = palette(1, rng)
    count = int(rng.integers(60, 400))
    smallest, largest = 3.0, side * 0.35
    # Radii with density r^-3, which is scale-invariant.
    share = rng.random(count)
    radii = (smallest**-2 - share * (smallest**-2 - largest**-2)) ** -0.5
    order = np.sort(radii)[::-1] if rng.random() < 0.5 else radii
    grains = [texture(side, rng) for _ in range(3)]
    for radius, colour in zip(order, palette(count, rng)):
        _leaf(picture, radius, colour, grains[rng.integers(3)], rng)
    if rng.random() < 0.5:
        picture += (spectrum(side, 1.0, rng) * rng.uniform(0, 12))[..., None]
    return picture


def _leaf(picture: Array, radius: float, colour: Array, grain: Array, rng: Generator) -> None:
    """Add one shape at a random place: coloured, grained, shaded towards one side."""
    side = len(picture)
    row, column = rng.uniform(0, side, 2)
    reach = int(radius * 1.8) + 1
    y, x = np.mgrid[max(int(row) - reach, 0):min(int(row) + reach, side),
                    max(int(column) - reach, 0):min(int(column) + reach, side)]
    angle = rng.uniform(0, np.pi)
    u = (np.cos(angle) * (x - column) + np.sin(angle) * (y - row)) / (radius * rng.uniform(1, 1.8))
    v = (np.cos(angle) * (y - row) - np.sin(angle) * (x - column)) / radius
    corners = rng.choice([2, 2, 1, np.inf])         # ellipse, diamond or rectangle
    size = np.maximum(abs(u), abs(v)) if corners == np.inf else abs(u)**corners + abs(v)**corners
    inside = size < 1
    shade = 1 + rng.normal(0, 0.25) * u
    paint = colour * shade[..., None] + rng.exponential(14) * grain[y, x][..., None]
    picture[y[inside], x[inside]] = paint[inside]


def cloud(side: int, rng: Generator) -> Array:
    """Smooth noise in three correlated colours, sometimes posterised."""
    colours = palette(3, rng) - 128
    slope, stretch = rng.uniform(0.8, 2.0), rng.choice([1.0, 1.0, 5.0])
    layers = np.stack([spectrum(side, slope, rng, stretch) for _ in range(3)], -1)
    if rng.random() < 0.3:
        layers = np.round(layers * 1.5) / 1.5
    return rng.uniform(70, 190, 3) + layers @ colours * rng.uniform(0.3, 0.8)


def waves(side: int, rng: Generator) -> Array:
    """Two textures in two colours each, side by side along a wavy border."""
    border = spectrum(side, 2.0, rng) + np.linspace(-1, 1, side)
    colours = palette(4, rng)
    first, second = (colours[2 * k] + 0.5 * (colours[2 * k + 1] - colours[2 * k])
                     * texture(side, rng)[..., None] for k in range(2))
    return np.where(border[..., None] > 0, first, second)
