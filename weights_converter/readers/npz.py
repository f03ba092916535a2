"""Reader of NumPy's `.npz`: a zip archive with one `.npy` member per array.

Specification: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Arrays of
Python objects are pickles, and are never read; neither are text, dates and records.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any, Literal
from zipfile import ZipFile

import numpy as np

from weights_converter.archives import open_zip, read_range
from weights_converter.checks import as_shape
from weights_converter.lazy_array import LazyArray, Tensors, unread_array
from weights_converter.naming import check_count

MAGIC = b"\x93NUMPY"
MAC_NOTES = "__MACOSX/"       # a Mac packs notes about files beside them, under the same names
# NumPy's headers have 118 bytes, up to 246 for eight dimensions, and other programs may pad them.
# A literal takes up to 1 µs for a letter, in each of ten thousand arrays.
MAX_HEADER = 1_000
MAX_LITERAL = 256
KINDS = {"O": "an array of Python objects, which are never opened", "S": "text", "U": "text",
         "M": "an array of dates", "m": "an array of times", "V": "an array of records"}
OLD_INTEGER = re.compile(r"(?<=\d)L\b")     # Python 2 wrote long integers as 3L
NUMBERS = re.compile(r"[<>|=]?(f[248]|[iu][1248]|b1|c8|c16)")


@contextmanager
def open_npz(path: Path) -> Iterator[Tensors]:
    """Yield every array of an `.npz` file by name.

    Raises
    ------
    WeightsError
        The file is damaged, or has too many arrays.
    """
    with open_zip(path, "NumPy archive") as archive:
        names = [name for name in archive.namelist()
                 if name.endswith(".npy") and not name.startswith(MAC_NOTES)]
        check_count(path, len(names))
        yield {name.removesuffix(".npy"): _array(archive, name) for name in names}


def _array(archive: ZipFile, name: str) -> LazyArray:
    with archive.open(name) as member:
        header = _header(member)
        start = member.tell()
    shape, stored = as_shape(header["shape"]), header["descr"]
    if type(header["fortran_order"]) is not bool:
        raise ValueError("a header without the order of the axes")
    if type(stored) is not str or not NUMBERS.fullmatch(stored):
        return unread_array(shape, _kind(stored))
    dtype = np.dtype(stored)
    order: Literal["C", "F"] = "F" if header["fortran_order"] else "C"
    return LazyArray(shape, dtype, partial(_read, archive, name, start, shape, order, dtype))


def _kind(stored: Any) -> str:
    """What an array holds that is never read."""
    if type(stored) is not str:
        return "an array of records"
    letter = stored.lstrip("<>|=")[:1]
    return KINDS.get(letter, f"of the type {stored[:20]!r}")


def _header(member: IO[bytes]) -> dict[str, Any]:
    """Read the header before the data: a length and a Python literal.

    NumPy's own function raises nearly any exception on damaged files.
    """
    magic = member.read(8)
    if magic[:6] != MAGIC or magic[6] not in (1, 2, 3):     # 3: records with names in UTF-8
        raise ValueError("an array without a header of version 1 to 3")
    length = int.from_bytes(member.read(2 if magic[6] == 1 else 4), "little")
    if length > MAX_HEADER:
        raise ValueError(f"a header of {length:,} bytes")
    literal = member.read(length).decode("latin-1").strip()
    if len(literal) > MAX_LITERAL:
        raise ValueError(f"a header of {len(literal):,} letters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escape sequences in the literal
        header = ast.literal_eval(OLD_INTEGER.sub("", literal))
    if not isinstance(header, dict):
        raise ValueError("a header that is not a dictionary")
    return header


def _read(archive: ZipFile, name: str, start: int, shape: tuple[int, ...],
          order: Literal["C", "F"], dtype: np.dtype) -> np.ndarray:
    data = read_range(archive, name, start, prod(shape) * dtype.itemsize)
    return np.frombuffer(data, dtype).reshape(shape, order=order)
