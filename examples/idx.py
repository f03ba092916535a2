"""Reading IDX files, the format in which the MNIST digits are distributed.

A file begins with four bytes: 0, 0, the element type, the number of dimensions. Each length
follows as a big-endian 32-bit number, then the elements. Files may be compressed with gzip.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from minigrad.errors import FileError

UNSIGNED_BYTE = 8
NAMES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}


def read(path: Path) -> np.ndarray:
    """Return the array of unsigned bytes in an IDX file.

    Raises
    ------
    FileError : the file is missing, damaged, or of another kind.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
                        ) from error
    if len(data) < 4 or data[:2] != b"\0\0":
        raise FileError(f"{path} is not an IDX file: it must begin with two zero bytes")
    kind, dimensions = data[2], data[3]
    if kind != UNSIGNED_BYTE:
        raise FileError(f"{path} holds elements of IDX type {kind}, but must hold unsigned bytes "
                        f"(type {UNSIGNED_BYTE})")
    begin = 4 + 4 * dimensions
    shape = tuple(int(n) for n in np.frombuffer(data[4:begin], ">u4")) \
        if len(data) >= begin else ()
    if len(data) < begin or len(data) - begin != math.prod(shape):
        raise FileError(f"{path} is damaged: it has {max(len(data) - begin, 0)} bytes of data "
                        f"where its header says {' × '.join(map(str, shape)) or 'nothing'}")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)


def mnist(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (images N×H×W uint8, labels N uint8) of `part`, "train" or "test".

    It finds the usual names, with or without `.gz`, also with a dot before `idx`.

    Raises
    ------
    FileError : a file is missing or damaged, or images and labels do not belong together.
    """
    images, labels = (read(_find(folder, name)) for name in NAMES[part])
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise FileError(f"the {part} files in {folder} do not belong together: images of shape "
                        f"{images.shape}, labels of shape {labels.shape}; they must be N×H×W and N")
    return images, labels


def _find(folder: Path, name: str) -> Path:
    for candidate in (name, name.replace("-idx", ".idx")):
        for ending in ("", ".gz"):
            if (folder / (candidate + ending)).is_file():
                return folder / (candidate + ending)
    raise FileError(f"there is no {name} (or {name}.gz) in {folder}; MNIST's four files must be "
                    f"there")
