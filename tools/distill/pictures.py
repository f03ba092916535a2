"""Training pictures, each with its source and licence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minigrad.errors import FileError
from minigrad.files import replacing
from tools.demo_pictures.draw import draw_painting, draw_scene

# Photographs bundled with scikit-image: name of the loading function -> terms, as documented.
SCIKIT_IMAGE = {
    "astronaut": "NASA, public domain",
    "brick": "CC0Textures, CC0",
    "camera": "Lav Varshney, CC0",
    "cat": "Stefan van der Walt, CC0",
    "coffee": "Rachel Michetti, CC0",
    "coins": "Brooklyn Museum, no known copyright restrictions",
    "grass": "linolafett, CC0",
    "gravel": "CC0Textures, CC0",
    "hubble_deep_field": "NASA, public domain",
    "immunohistochemistry": "CMMI, no known copyright restrictions",
    "retina": "Mikael Häggström, CC0",
    "rocket": "SpaceX, public domain",
}
SCIKIT_LEARN = {
    "china.jpg": "danielbuechele, CC BY 2.0",
    "flower.jpg": "vultilion, CC BY 2.0",
}
DRAWN = 5               # pictures by each of the demonstration's drawing programs
FIRST_SEED = 100        # the demonstration has seed 0 and is excluded from training
MAX_SIDE = 720          # pixels of the long side; larger pictures are reduced


@dataclass(frozen=True)
class Picture:
    """A training picture.

    Attributes
    ----------
    name, licence : str
    kind : str
        "photograph", "painting" or "drawing".
    image : Pillow image, RGB
    """

    name: str
    licence: str
    kind: str
    image: Image.Image

    @property
    def sha256(self) -> str:
        """SHA-256 of the pixels, for the log."""
        return hashlib.sha256(np.asarray(self.image).tobytes()).hexdigest()


def photographs() -> Iterator[Picture]:
    """Photographs bundled with scikit-image and scikit-learn.

    Raises
    ------
    FileError
        One of the two is not installed.
    """
    try:    # optional dependencies
        from skimage import data
        from sklearn.datasets import load_sample_image
    except ImportError as error:
        raise FileError(f"the training photographs come with scikit-image and scikit-learn, "
                        f"but {error.name} is not installed; run pip install -e '.[distill]' in "
                        f"the checkout") from error
    for name, licence in SCIKIT_IMAGE.items():
        yield _picture(f"scikit-image: {name}", licence, "photograph",
                       Image.fromarray(getattr(data, name)()))
    for name, licence in SCIKIT_LEARN.items():
        yield _picture(f"scikit-learn: {name}", licence, "photograph",
                       Image.fromarray(load_sample_image(name)))


def paintings(files: list[Path]) -> Iterator[Picture]:
    """The user's own paintings, which must be in the public domain.

    Raises
    ------
    FileError
        A file is missing or not a picture.
    """
    for file in files:
        yield _picture(file.name, "public domain", "painting", _open(file))


def drawings(cache: Path) -> Iterator[Picture]:
    """Towns and painted valleys drawn by `tools.demo_pictures`, with other seeds.

    Each takes some seconds to draw, so they are stored in the folder `cache`.
    """
    programs: dict[str, Callable[..., np.ndarray]] = {"scene": draw_scene,
                                                      "painting": draw_painting}
    for name, program in programs.items():
        for seed in range(FIRST_SEED, FIRST_SEED + DRAWN):
            file = cache / f"{name}-{seed}.png"
            if not file.is_file():
                with replacing(file) as temporary:
                    Image.fromarray(program(480, 384, seed)).save(temporary, "PNG")
            yield _picture(f"demo_pictures: {name}, seed {seed}", "this project", "drawing",
                           _open(file))


def _open(file: Path) -> Image.Image:
    try:
        with Image.open(file) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FileError(f"cannot read the training picture {file}: {error}") from error


def _picture(name: str, licence: str, kind: str, image: Image.Image) -> Picture:
    image = image.convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return Picture(name, licence, kind, image)
