"""Reader of PyTorch's files before 1.6: consecutive pickles, then the storages.

The pickles are a magic number, the protocol version, a description of the machine, the object
itself, and the keys of its storages in file order. Each storage is its number of elements in eight
bytes, followed by the elements.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from weights_converter.checks import as_count
from weights_converter.errors import WeightsError, reading
from weights_converter.lazy_array import Tensors
from weights_converter.torch_records import Storage
from weights_converter.torch_tensors import tensors_of
from weights_converter.unpickler import MAX_BYTES, Spent, unpickle

PROTOCOL = 1001


@contextmanager
def open_torch_legacy(path: Path) -> Iterator[Tensors]:
    """Yield every tensor of a state_dict by name.

    Raises
    ------
    WeightsError
        The file is damaged, or contains more than tensors.
    """
    with reading(path, "PyTorch file"), open(path, "rb") as file:
        head = io.BytesIO(file.read(MAX_BYTES))
        try:
            spent = Spent()
            _, protocol, machine, root, keys = (unpickle(head, spent) for _ in range(5))
        except WeightsError as error:
            raise WeightsError(f"{path} is rejected: {error}") from error
        if as_count(protocol) != PROTOCOL:
            raise ValueError(f"protocol {protocol} is unknown; only {PROTOCOL} is supported")
        if type(machine) is not dict or type(machine.get("little_endian")) is not bool:
            raise ValueError("no byte order")
        order = "<" if machine["little_endian"] else ">"
        size = path.stat().st_size
        offsets = _offsets(file, head.tell(), size, keys, spent.storages, order)
        yield tensors_of(path, root, partial(_bytes, file, offsets), order)


def _offsets(file: BinaryIO, at: int, size: int, keys: Any, storages: dict[str, Storage],
            order: str) -> dict[str, int]:
    """Offset of each storage's elements in the file."""
    offsets: dict[str, int] = {}
    if type(keys) is not list or any(type(key) is not str for key in keys):
        raise ValueError("keys of storages that are not text")
    if len(set(keys)) < len(keys):
        raise ValueError("a storage that is listed twice")
    for key in keys:
        file.seek(at)
        (count,) = struct.unpack(f"{order}q", file.read(8))
        storage = storages[key]
        code = "u2" if storage.code == "bf16" else storage.code
        if count != storage.count or at + 8 + count * np.dtype(code).itemsize > size:
            raise ValueError(f"storage {key} has {count:,} elements, not {storage.count:,}, or the "
                             "file is cut short")
        offsets[key] = at + 8
        at += 8 + count * np.dtype(code).itemsize
    return offsets


def _bytes(file: BinaryIO, offsets: dict[str, int], storage: Storage, start: int, count: int
           ) -> bytes:
    file.seek(offsets[storage.key] + start)
    return file.read(count)
