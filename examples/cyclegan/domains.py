"""Two domains of pictures: photograph-like scenes, and paintings; or two folders of the user's.

The project draws its own: landscapes with sky, clouds, hills, water and trees, each from a seed.
Domain A shows them as a camera would, with fine texture and grain. Domain B shows *other*
landscapes of the same kind, painted: brush strokes that follow the shapes, with bristles and
relief, in somewhat warmer colours (the strokes are those of `tools.demo_pictures.brush`). Nothing
pairs a picture of A with one of B.

Pictures are N×3×H×W float32 in −1 … 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from examples import common
from minigrad.errors import FileError
from nst.pictures import tensors
from nst.pictures.picture import Picture
from tools.demo_pictures.brush import SPACING, Canvas, scatter, trace
from tools.demo_pictures.noise import Noise, mix, ramp

SAMPLES = 2         # pixels drawn for each pixel, in each direction
SKIES = (((0.36, 0.56, 0.86), (0.80, 0.87, 0.92)), ((0.45, 0.50, 0.66), (0.93, 0.78, 0.62)),
         ((0.55, 0.62, 0.70), (0.80, 0.82, 0.83)), ((0.30, 0.46, 0.74), (0.93, 0.88, 0.75)))
LANDS = ((0.30, 0.42, 0.16), (0.44, 0.46, 0.20), (0.52, 0.44, 0.24), (0.22, 0.36, 0.18))
STROKES = ((0.15, 0.052, 1.6), (0.09, 0.034, 1.3))  # length and width in sides, and coverage
WARMTH = np.array((1.06, 1.00, 0.90))
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass
class Domains:
    """Training pictures, and held-out pictures for judging, N×3×H×W each."""

    train_a: np.ndarray
    train_b: np.ndarray
    test_a: np.ndarray
    test_b: np.ndarray


@dataclass
class Scene:
    """A landscape: colours H×W×3 in 0 … 1, and unit vectors along its shapes, H×W×2."""

    colours: np.ndarray
    direction: np.ndarray


# ------------------------------------------------------------------------- the landscapes


def compose(side: int, seed: int) -> Scene:
    """Compose one landscape of side×side pixels."""
    rng, noise = np.random.default_rng(seed), Noise(seed)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    zenith, horizon_colour = (np.array(c) for c in SKIES[rng.integers(len(SKIES))])
    horizon = rng.uniform(0.40, 0.62)
    cloud = ramp(0.48, 0.70, noise.fractal(x * 3, y * 7, 4)) * rng.uniform(0.2, 0.9)
    sky = mix(zenith, horizon_colour, np.clip(y / horizon, 0, 1))
    colours = mix(sky, (0.96, 0.95, 0.93), cloud)
    direction = np.stack([np.ones_like(x), 0.35 * (noise.smooth(x * 4, y * 4) - 0.5)], -1)
    scene = Scene(colours, direction)
    for distance in (0.75, 0.4, 0.0):
        _hills(scene, x, y, horizon + 0.13 * (0.7 - distance), distance, rng, noise)
    if rng.random() < 0.5:
        _water(scene, y, rng.uniform(0.70, 0.82), noise, x)
    for _ in range(rng.integers(2, 8)):
        _tree(scene, x, y, horizon, rng, noise)
    scene.direction /= np.linalg.norm(scene.direction, axis=-1, keepdims=True)
    return scene


def _hills(scene: Scene, x, y, level: float, distance: float, rng, noise: Noise) -> None:
    """Draw a range of hills: blue and smooth far away, green and rough nearby."""
    place = rng.uniform(0, 50)
    height = (0.28 - 0.12 * distance) * (noise.fractal(x * 2.2 + place, x * 0 + place, 4) - 0.45)
    ridge = level - height
    inside = ramp(-0.01, 0.01, y - ridge)
    land = np.array(LANDS[rng.integers(len(LANDS))]) * rng.uniform(0.8, 1.15)
    rough = noise.fractal(x * 26 + place, y * 40 + place, 4) - 0.5
    lit = 1 + (1 - distance) * 1.3 * rough + 0.5 * (ridge - y)
    colour = mix(land * lit[..., None], (0.58, 0.66, 0.76), 0.85 * distance)
    scene.colours = mix(scene.colours, colour, inside)
    slope = np.gradient(ridge, axis=1) * y.shape[0]
    scene.direction = mix(scene.direction, np.stack([np.ones_like(x), slope], -1), inside)


def _water(scene: Scene, y, shore: float, noise: Noise, x) -> None:
    """Draw a lake in front: the picture above the shore, mirrored, darkened and rippled."""
    side = y.shape[0]
    ripple = 0.03 * (noise.fractal(x * 6, y * 60, 3) - 0.5)
    row = np.clip((2 * shore - y + ripple) * side, 0, side - 1).astype(int)
    mirrored = scene.colours[row, np.arange(side)[None, :]] * 0.72 + np.array((0.01, 0.04, 0.06))
    inside = ramp(-0.006, 0.006, y - shore + 0.02 * (noise.smooth(x * 5, x * 0) - 0.5))
    scene.colours = mix(scene.colours, mirrored, inside)
    level = np.stack([np.ones_like(x), np.zeros_like(x)], -1)
    scene.direction = mix(scene.direction, level, inside)


def _tree(scene: Scene, x, y, horizon: float, rng, noise: Noise) -> None:
    """Draw a trunk and a crown whose leaves are bright on one side."""
    foot = rng.uniform(horizon + 0.08, 0.95)
    size = 0.55 * (foot - horizon) + 0.05
    middle, top = rng.uniform(0, 1), foot - 1.5 * size
    edge = noise.fractal(x * 14 + foot * 9, y * 14, 3) - 0.5
    crown = ramp(0.0, 0.12, 1 - np.hypot((x - middle) / (0.42 * size), (y - top) / (0.75 * size))
                 + 1.3 * edge)
    leaf = noise.fractal(x * 55 + foot, y * 55, 3)
    green = np.array(LANDS[rng.integers(len(LANDS))]) * rng.uniform(0.45, 0.8)
    colour = green * (0.5 + 1.1 * leaf + 0.7 * (x - middle) / size)[..., None]
    trunk = ramp(-0.004, 0.004, 0.035 * size - np.abs(x - middle)) * (y > top) * (y < foot)
    scene.colours = mix(scene.colours, (0.20, 0.14, 0.10), trunk)
    scene.colours = mix(scene.colours, colour, crown)
    upright = np.stack([0.5 * np.sign(x - middle) + 0 * x, np.ones_like(x)], -1)
    scene.direction = mix(scene.direction, upright, crown)


# ---------------------------------------------------------------------------- as pictures


def photograph(side: int, seed: int) -> np.ndarray:
    """Return a landscape as a camera shows it, 3×side×side."""
    scene = compose(side * SAMPLES, seed)
    rng = np.random.default_rng(seed + 1)
    small = _reduced(scene.colours)
    return _as_picture(small + rng.normal(0, 0.012, small.shape))


def painting(side: int, seed: int) -> np.ndarray:
    """Return a landscape in brush strokes, 3×side×side."""
    large = side * SAMPLES
    scene, rng = compose(large, seed), np.random.default_rng(seed + 1)
    colours = np.clip(scene.colours, 0, 1)
    colours = (colours + 0.25 * (colours - colours.mean(-1, keepdims=True))) * WARMTH
    canvas = Canvas(large, large, colours, Noise(seed + 2))
    for length, width, coverage in STROKES:
        length, width = length * large, width * large
        count = int(coverage * large ** 2 / (0.7 * length * width))
        start = scatter(large, large, count, rng)
        steps = int(length / SPACING)
        paths = trace(start, scene.direction, steps, rng.normal(0, 0.15, len(start)))
        column, row = np.clip(start, 0, large - 1).astype(int).T
        paint = colours[row, column] * rng.normal(1, 0.08, (len(start), 1))
        other = paint + rng.normal(0, 0.04, paint.shape)
        used = (steps * rng.uniform(0.6, 1.0, len(start))).astype(int)
        widths = width * rng.uniform(0.7, 1.15, len(start))
        canvas.paint(used, paths, widths, paint, other, 1.2, rng)
    return _as_picture(_reduced(canvas.lit()))


def _reduced(colours: np.ndarray) -> np.ndarray:
    """Return the means over SAMPLES×SAMPLES pixels."""
    side = len(colours) // SAMPLES
    return colours.reshape(side, SAMPLES, side, SAMPLES, 3).mean((1, 3))


def _as_picture(colours: np.ndarray) -> np.ndarray:
    """Convert H×W×3 in 0 … 1 to 3×H×W in −1 … 1."""
    return (2 * np.clip(colours, 0, 1) - 1).astype(np.float32).transpose(2, 0, 1)


def drawn(side: int, count: int, held_out: int, seed: int) -> Domains:
    """Draw the project's own domains: `count` pictures of each to train, `held_out` to judge."""
    def some(draw: Callable[[int, int], np.ndarray], first: int, number: int, name: str):
        seeds = range(first, first + number)
        return np.stack([draw(side, 10 * s) for s in common.progress(seeds, name)])

    begin = 10_000 * (seed + 1)
    return Domains(some(photograph, begin, count, "photographs"),
                   some(painting, begin + 2000, count, "paintings"),
                   some(photograph, begin + 4000, held_out, "photographs, held out"),
                   some(painting, begin + 6000, held_out, "paintings, held out"))


# ------------------------------------------------------------------------- the user's own


def from_folders(folder_a: Path, folder_b: Path, side: int, held_out: int) -> Domains:
    """Load the pictures of two folders, cut to squares; the last ones by name are held out.

    Raises
    ------
    FileError : a folder is missing or has too few pictures, or a picture cannot be read.
    """
    sets = [_pictures(folder, side, held_out) for folder in (folder_a, folder_b)]
    return Domains(*(pictures[:-held_out] for pictures in sets),
                   *(pictures[-held_out:] for pictures in sets))


def _pictures(folder: Path, side: int, held_out: int) -> np.ndarray:
    if not folder.is_dir():
        raise FileError(f"there is no folder {folder}; name a folder of pictures")
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in PICTURES)
    if len(files) < held_out + 1:
        raise FileError(f"the folder {folder} has {len(files)} pictures ({', '.join(PICTURES)}), "
                        f"but at least {held_out + 1} are needed: {held_out} are held out to judge")
    return np.stack([_square(f, side) for f in common.progress(files, folder.name)])


def _square(file: Path, side: int) -> np.ndarray:
    """Return the centre of a picture as 3×side×side."""
    picture = tensors.load(file, "training").on_white()
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    middle = picture.pixels[top:top + short, left:left + short]
    return _as_picture(np.asarray(Picture(middle).resized((side, side)), np.float32) / 255)
