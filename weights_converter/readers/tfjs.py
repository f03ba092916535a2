"""Reader of TensorFlow.js models: `model.json` and the shards beside it.

The manifest lists groups of arrays. The files of a group, concatenated, hold its arrays in the
listed order. Values may be quantised: value = min + scale·q.

Specification: `weightsManifest` in tfjs-core, src/io/types.ts.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from weights_converter.checks import as_shape, parse_json
from weights_converter.errors import WeightsError, reading
from weights_converter.lazy_array import LazyArray, Tensors, unread_array

MAX_JSON = 4 << 20
MAX_FILES = 2_000
DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "u1", "uint8": "u1", "uint16": "<u2",
          "float16": "<f2", "complex64": "<c8"}
# Other types of numbers state their bits, and lie closely packed.
OTHER_TYPE = re.compile(r"(?:u?int|float|bfloat|complex)([1-9][0-9]{0,2})")
# Texts, whose lengths are in the shards, in all arrays together.
MAX_TEXTS = 20_000
# Element types of quantised arrays.
QUANTISED = ("uint8", "uint16", "float16")


@contextmanager
def open_tfjs(path: Path) -> Iterator[Tensors]:
    """Yield every array of a TensorFlow.js model by name.

    Parameters
    ----------
    path : Path
        Its `model.json`; the shards are in the same folder.

    Raises
    ------
    WeightsError
        A file is damaged, missing or of the wrong size, named twice or in another folder.
    """
    with reading(path, "TensorFlow.js model"):
        tensors: dict[str, LazyArray] = {}
        groups, texts = _manifest(path), _Texts(path)
        for group, files in zip(groups, _shards(path, groups)):
            tensors.update(_arrays(path, group, files, texts))
        yield tensors


def shards(path: Path) -> list[Path]:
    """The shards of a `model.json`, in order."""
    with reading(path, "TensorFlow.js model"):
        return [shard for files in _shards(path, _manifest(path)) for shard, _ in files]


def _manifest(path: Path) -> list[dict[str, Any]]:
    if path.stat().st_size > MAX_JSON:
        raise ValueError(f"it has more than {MAX_JSON:,} bytes")
    model = parse_json(path.read_bytes())
    if not isinstance(model.get("weightsManifest"), list):
        raise WeightsError(f"{path} is JSON, but has no weightsManifest of a TensorFlow.js model")
    groups = model["weightsManifest"]
    if sum(len(group["paths"]) for group in groups) > MAX_FILES:
        raise ValueError(f"it names more than {MAX_FILES:,} files")
    return groups


def _shards(path: Path, groups: list[dict[str, Any]]) -> list[list[tuple[Path, int]]]:
    """Path and size of each file of each group.

    No file may come twice, not even under two names: a short manifest could otherwise have
    gigabytes hashed, and state arrays of any size.
    """
    files, seen = [], set()
    for group in groups:
        files.append([_shard(path, name) for name in group["paths"]])
        for shard, _ in files[-1]:
            status = shard.stat()
            # Some file systems number no files.
            identity = status.st_dev, status.st_ino or os.path.realpath(shard)
            if identity in seen:
                raise WeightsError(f"{path} names the file {shard.name} twice, or a link to it, "
                                   "but every shard must be a file of its own")
            seen.add(identity)
    return files


def _shard(path: Path, name: Any) -> tuple[Path, int]:
    """Path and size of a file beside the model."""
    plain = str(PurePosixPath(str(name)))       # ./group1.bin is in the folder, too
    shard = path.parent / plain
    # Symbolic links are resolved, because the file itself must be in the folder.
    if (type(name) is not str or Path(plain).name != plain or "\\" in name or ":" in name
            or os.path.dirname(os.path.realpath(shard)) != os.path.realpath(path.parent)):
        raise WeightsError(
            f"{path} names the file {str(name)[:80]!r}, which is outside its folder")
    if not os.path.isfile(shard):
        raise WeightsError(f"{path} names the file {name}, which is not beside it")
    return shard, shard.stat().st_size


def _arrays(path: Path, group: dict[str, Any], files: list[tuple[Path, int]], texts: _Texts
            ) -> Iterator[tuple[str, LazyArray]]:
    start, available = 0, sum(size for _, size in files)
    texts.open_group(files)
    for entry in group["weights"]:
        shape, quantised, kind = as_shape(entry["shape"]), entry.get("quantization"), entry["dtype"]
        if quantised or kind in DTYPES:
            stored = np.dtype(DTYPES[quantised["dtype"] if quantised else kind])
            if quantised and quantised["dtype"] not in QUANTISED:
                raise ValueError(f"quantised to {quantised['dtype']}")
            read = partial(_read, files, start, shape, stored, quantised)
            array = LazyArray(shape, np.dtype("f4") if quantised else stored, read)
            start += prod(shape) * stored.itemsize
        elif kind == "string":
            array = unread_array(shape, "text")
            start += texts.length(start, prod(shape))
        else:
            array = unread_array(shape, kind)
            start += -(-prod(shape) * _bits(path, kind) // 8)
        yield str(entry["name"]), array
    if start != available:
        raise WeightsError(
            f"{path}: its files have {available:,} bytes, but the manifest states {start:,}; "
            "download the missing or changed file again")


def _bits(path: Path, kind: Any) -> int:
    """The size of a number of a type that is not read."""
    match = OTHER_TYPE.fullmatch(kind)
    if not match:
        raise WeightsError(f"{path} has an array of the type {kind[:40]!r}, whose size is unknown; "
                           "convert the model again without it")
    return int(match[1])


class _Texts:
    """Finds where texts end: each is four bytes with its length, and itself.

    There may be thousands of them in thousands of files, so each file is found by bisection.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = MAX_TEXTS

    def open_group(self, files: list[tuple[Path, int]]) -> None:
        self.files = [file for file in files if file[1]]
        self.ends = list(accumulate(size for _, size in self.files))

    def length(self, start: int, count: int) -> int:
        """Bytes of `count` texts from byte `start` of the group."""
        self.left -= count
        if self.left < 0:
            raise WeightsError(f"{self.path} has more than {MAX_TEXTS:,} texts, but no network "
                               "needs them")
        at = start
        for _ in range(count):
            number = bisect_right(self.ends, at)
            within = at - (self.ends[number - 1] if number else 0)
            length = _bytes(self.files[number:number + 4], within, 4)
            at += 4 + int.from_bytes(length, "little")
        return at - start


def _read(files: list[tuple[Path, int]], start: int, shape: tuple[int, ...], stored: np.dtype,
          quantised: dict[str, Any] | None) -> np.ndarray:
    data = _bytes(files, start, prod(shape) * stored.itemsize)
    array = np.frombuffer(data, stored).reshape(shape)
    if not quantised:
        return array
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is rejected later
        if stored.kind == "f":
            return array.astype(np.float32)
        # In float64, as TensorFlow.js does with JavaScript's numbers; rounded once at the end.
        return (array * float(quantised["scale"]) + float(quantised["min"])).astype(np.float32)


def _bytes(files: list[tuple[Path, int]], start: int, count: int) -> bytes:
    """Read `count` bytes from byte `start` of the concatenated files."""
    parts = []
    for file, size in files:
        if start < size and count > 0:
            with open(file, "rb") as opened:
                opened.seek(start)
                parts.append(opened.read(min(count, size - start)))
            count -= min(count, size - start)
        start = max(0, start - size)
    return b"".join(parts)
