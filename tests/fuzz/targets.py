"""What is fuzzed: for each reader, how its files are read and changed, and where it begins."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.hdf5 import filters, source
from nst.cli import batch_work
from nst.config.request import parse, resolve
from nst.model.small_file import is_small, read_small
from nst.output import existing, record
from nst.pictures import files
from tests.fuzz import faults
from tests.fuzz.mutators import archives, basic, hdf5, mat, pictures, toml
from tests.fuzz.mutators.basic import Mutator
from weights_converter.archives import member_names, open_zip, read_member, read_range
from weights_converter.converted import read_weights
from weights_converter.detect import CONVERTED, detect
from weights_converter.naming import select
from weights_converter.part_file import read_note
from weights_converter.readers import READERS

CORPUS = Path(__file__).with_name("corpus")
# Arrays that are read beside those of VGG, so that readers are tested on every element type.
MAX_ARRAYS = 8
MAX_ELEMENTS = 1 << 12


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    read : callable
        Reads the file at a path as the program would. It returns, or raises an error of ours.
    mutate : callable
    name : str
        Of the file.
    write : callable
        Puts the bytes that are fuzzed under the path.
    begin : callable
        Called once; returns seeds beside those of the corpus.
    max_bytes : int
        Longer inputs are cut off.
    """

    read: Callable[[Path], Any]
    mutate: Mutator
    name: str = "file"
    write: Callable[[Path, bytes], Any] = Path.write_bytes
    begin: Callable[[Path], list[bytes]] = lambda folder: []
    max_bytes: int = 1 << 16


# ---------------------------------------------------------------------------- weights


def _read_weights(path: Path) -> None:
    """Find the layers of a weights file and read them, and some other arrays."""
    kind = detect(path)
    if kind == CONVERTED:
        read_weights(path)
        return
    with READERS[kind](path) as tensors:
        others = [tensor for tensor in tensors.values()
                  if not tensor.unread and prod(tensor.shape) <= MAX_ELEMENTS
                  and np.dtype(tensor.dtype).itemsize <= 16]
        for tensor in others[:MAX_ARRAYS]:
            tensor.read()
        select(path, tensors)


def _read_zip(path: Path) -> None:
    names = member_names(path)
    with open_zip(path) as archive:
        for name in names[:MAX_ARRAYS]:
            read_member(path, archive, name, MAX_ELEMENTS)
            read_range(archive, name, 1, 1)


def _read_small(path: Path) -> None:
    is_small(path)
    read_small(path)


def _write_model(path: Path, data: bytes) -> None:
    """Write what is before the first zero byte as model.json, and the rest as its shard."""
    model, _, shard = data.partition(b"\0")
    path.write_bytes(model)
    path.with_name("shard.bin").write_bytes(shard)


class _EqualsAll:
    """A checksum that fits whatever is in the file."""

    def __ne__(self, other: object) -> bool:
        return False


def _any_checksum(folder: Path) -> list[bytes]:
    """Let HDF5's checksums be computed, but fit: an attacker can make them right."""
    computed = source.lookup3

    def lookup3(data: bytes) -> Any:
        computed(data)
        return _EqualsAll()

    def fletcher32_fits(data: bytes, stored: int) -> bool:
        fits(data, stored)
        return True

    fits = filters.fletcher32_fits
    source.lookup3, filters.fletcher32_fits = lookup3, fletcher32_fits
    return []


# ---------------------------------------------------------------------------- runs


def _read_picture(path: Path) -> None:
    files.read_settings(path)
    files.read(path, "content")


def _read_configuration(path: Path) -> None:
    request = resolve({"output": "out.png", **parse(Namespace(config=str(path)))})
    request.effective()


def _read_records(path: Path) -> None:
    """Read JSON as the record of a run and as the note of a download."""
    found = record.read_record(path)
    if found is not None:
        batch_work._is_complete(found)
    existing.is_left_behind(path, None)
    read_note(path.with_suffix(""))


def _checkpoint_target() -> Target:
    from tests.fuzz import checkpoints  # prepares a run, which takes a second

    return Target(checkpoints.load, checkpoints.mutate, begin=checkpoints.begin,
                  max_bytes=1 << 17)        # whole ones have 64 KB and more


TARGETS: dict[str, Callable[[], Target]] = {
    "pickle": lambda: Target(_read_weights, _mutate_torch),
    "npz": lambda: Target(_read_weights, archives.mutate_zip),
    "safetensors": lambda: Target(_read_weights, archives.mutate_safetensors),
    "mat": lambda: Target(_read_weights, mat.mutate_mat),
    "hdf5": lambda: Target(_read_weights, hdf5.mutate_hdf5, begin=_any_checksum),
    "tfjs": lambda: Target(_read_weights, archives.mutate_model, write=_write_model),
    "zip": lambda: Target(_read_zip, archives.mutate_zip),
    "small": lambda: Target(_read_small, hdf5.mutate_hdf5, begin=_any_checksum),
    "checkpoint": _checkpoint_target,
    "picture": lambda: Target(_read_picture, pictures.mutate_picture),
    "toml": lambda: Target(_read_configuration, toml.mutate_toml),
    "json": lambda: Target(_read_records, basic.mutate_json, name="x.json"),
    "faults": lambda: Target(faults.read, basic.mutate_json),
}


def _mutate_torch(random: Any, data: bytes, leaf: basic.Leaf) -> bytes:
    mutate = archives.mutate_zip if data.startswith(b"PK") else archives.mutate_pickle
    return mutate(random, data, leaf)


def seeds(reader: str) -> list[bytes]:
    """The corpus of a reader."""
    return [path.read_bytes() for path in sorted((CORPUS / reader).glob("*.seed"))]
