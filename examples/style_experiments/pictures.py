"""Pictures for the experiments: the user's files, or bundled and drawn ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from examples.cyclegan import domains
from minigrad.errors import FileError
from nst import demo
from nst.pictures import tensors
from nst.pictures.picture import Picture

Named = dict[str, Picture]


def portrait() -> Path:
    """Return a portrait: Grace Hopper, a photograph of the US Navy that comes with Matplotlib.

    Without Matplotlib it is nst's own photograph.
    """
    try:
        from matplotlib import cbook
        return Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    except (ImportError, OSError):
        return demo.scene_path()


def in_folder(folder: Path) -> list[Path]:
    """Return the pictures in a folder, sorted by name.

    Raises
    ------
    FileError : there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise FileError(f"there is no folder {folder}; name a folder of pictures")
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in domains.PICTURES)
    if not files:
        raise FileError(f"the folder {folder} has no pictures ({', '.join(domains.PICTURES)})")
    return files


def load(files: list[Path], role: str) -> Named:
    """Load pictures, with the names of their files."""
    return {file.name: tensors.load(file, role) for file in files}


def photographs(folder: Path | None, limit: int, side: int, seed: int) -> Named:
    """Return the first `limit` pictures of a folder, or as many drawn landscapes."""
    if folder is not None:
        return load(in_folder(folder)[:limit], "content")
    return {f"photograph {k + 1}": _picture(domains.photograph(side, 10 * (seed + k)))
            for k in range(limit)}


def paintings(folder: Path | None, side: int, seed: int, count: int = 4) -> Named:
    """Return all pictures of a folder, or landscapes drawn in brush strokes."""
    if folder is not None:
        return load(in_folder(folder), "style")
    return {f"painting {k + 1}": _picture(domains.painting(side, 10 * (seed + k) + 5))
            for k in range(count)}


def _picture(pixels: np.ndarray) -> Picture:
    """Convert 3×H×W in −1 … 1 to a picture."""
    return Picture(np.round((pixels.transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8))
