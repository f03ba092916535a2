"""Reader of TensorFlow.js models: `model.json` and the shards beside it.

The manifest lists groups of arrays. The files of a group, concatenated, hold its arrays in the
listed order. Values may be quantised: value = min + scale·q.

Specification: `weightsManifest` in tfjs-core, src/io/types.ts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from weights_converter.checks import as_shape, parse_json
from weights_converter.errors import WeightsError, reading
from weights_converter.lazy_array import LazyArray, Tensors

MAX_JSON = 4 << 20
MAX_FILES = 2_000
DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "u1", "uint8": "u1", "uint16": "<u2",
          "float16": "<f2"}
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
        groups = _manifest(path)
        for group, files in zip(groups, _shards(path, groups)):
            tensors.update(_arrays(path, group, files))
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


def _arrays(path: Path, group: dict[str, Any], files: list[tuple[Path, int]]
            ) -> Iterator[tuple[str, LazyArray]]:
    start, available = 0, sum(size for _, size in files)
    for entry in group["weights"]:
        shape, quantised = as_shape(entry["shape"]), entry.get("quantization")
        stored = np.dtype(DTYPES[quantised["dtype"] if quantised else entry["dtype"]])
        if quantised and quantised["dtype"] not in QUANTISED:
            raise ValueError(f"quantised to {quantised['dtype']}")
        count = prod(shape) * stored.itemsize
        read = partial(_read, files, start, shape, stored, quantised)
        yield str(entry["name"]), LazyArray(shape, np.dtype("f4") if quantised else stored, read)
        start += count
    if start != available:
        raise WeightsError(
            f"{path}: its files have {available:,} bytes, but the manifest states {start:,}; "
            "download the missing or changed file again")


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
