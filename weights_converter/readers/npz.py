"""Reader of NumPy's ``.npz``: a zip archive with one ``.npy`` for each array.

Specification: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Arrays of
Python objects are pickles, and are refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy

from weights_converter.archives import open_zip, read_range
from weights_converter.errors import WeightsError
from weights_converter.naming import Stored, Tensors

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@contextmanager
def open_npz(path: Path) -> Iterator[Tensors]:
    """Every array of an ``.npz`` file, by its name.

    Raises
    ------
    WeightsError
        The file is damaged, or an array holds Python objects.
    """
    with open_zip(path, "NumPy archive") as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        yield {name.removesuffix(".npy"): _array(path, archive, name) for name in names}


def _array(path: Path, archive: ZipFile, name: str) -> Stored:
    with archive.open(name) as member:
        version = npy.read_magic(member)
        if version not in HEADERS:
            raise ValueError(f"{name} has version {version} of the format")
        shape, fortran, dtype = HEADERS[version](member, max_header_size=10_000)
        start = member.tell()
    if dtype.hasobject:
        raise WeightsError(f"{path}: {name} holds Python objects, which are never opened")
    return Stored(shape, dtype, partial(_read, archive, name, start, shape, fortran, dtype))


def _read(
    archive: ZipFile, name: str, start: int, shape: tuple[int, ...], fortran: bool, dtype: np.dtype
) -> np.ndarray:
    data = read_range(archive, name, start, prod(shape) * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
