"""What the last part of the course paints with: the small network, two pictures, a file.

Everything is a plain array, so that it can enter any engine. A picture is 1 × 3 × height × width,
in the units of the network: a pixel of 0 … 255 has become (pixel − mean) / 64, in the order blue,
green, red.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from PIL import Image

from course.errors import CourseError
from nst import demo
from nst.model import small, small_file


def network() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The small network of nst: weights and biases by layer.

    "conv1_1" … (filters × channels × 3 × 3, filters) in order, then the adapters by the names of
    their layers, "relu1_1" … (VGG19's channels × filters × 1 × 1, VGG19's channels).
    """
    return dict(_weights().layers)


def demonstration(size: int) -> tuple[np.ndarray, np.ndarray]:
    """The photograph and the painting of the demonstration, `size` pixels on the longer side."""
    return opened(demo.scene_path(), size), opened(demo.painting_path(), size)


def opened(path: str | Path, size: int) -> np.ndarray:
    """The picture in a file, `size` pixels on the longer side.

    Raises
    ------
    CourseError
        The file is missing or no picture.
    """
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except OSError:
        raise CourseError(f"{path} is not there, or no picture") from None
    factor = size / max(image.size)
    width, height = (max(1, round(length * factor)) for length in image.size)
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, np.float64)[:, :, ::-1].transpose(2, 0, 1)[None]
    return (pixels - _mean()) / _std()


def pixels(picture: np.ndarray) -> np.ndarray:
    """The pixels of a picture, 0 … 255: height × width × 3, red first."""
    levels = np.clip(picture * _std() + _mean(), 0, 255)[0]
    return levels.transpose(1, 2, 0)[:, :, ::-1].round().astype(np.uint8)


def save(picture: np.ndarray, path: str | Path, enlarged: int = 1) -> None:
    """Write a picture to a file, each pixel as `enlarged` × `enlarged` pixels.

    Raises
    ------
    CourseError
        The file cannot be written.
    """
    image = Image.fromarray(pixels(picture))
    try:
        image.resize((image.width * enlarged, image.height * enlarged),
                     Image.Resampling.NEAREST).save(path)
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be written: {error}") from None


@functools.cache
def _weights() -> small_file.SmallWeights:
    return small_file.read_small(small.path())


def _mean() -> np.ndarray:
    return np.array(_weights().mean).reshape(1, 3, 1, 1)


def _std() -> np.ndarray:
    return np.array(_weights().std).reshape(1, 3, 1, 1)
