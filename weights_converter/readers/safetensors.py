"""Reader of safetensors: a length, a JSON header, and the data.

Specification: https://huggingface.co/docs/safetensors. The format is safe by design; the
reader only has to check that every array is within the file and has the size that its shape needs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from weights_converter.checks import as_count, as_shape, from_bfloat16, parse_json
from weights_converter.errors import reading
from weights_converter.lazy_array import LazyArray, Tensors, unread_array

MAX_HEADER = 4 << 20
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1",
    "C64": "<c8",
}
# Other types, of eight bits and less, are added with nearly every version of the format.
OTHER_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")


@contextmanager
def open_safetensors(path: Path) -> Iterator[Tensors]:
    """Yield every array of a safetensors file by name.

    Raises
    ------
    WeightsError
        The file is damaged.
    """
    with reading(path, "safetensors file"), open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER:
            raise ValueError(f"its header has {length:,} bytes")
        header = parse_json(file.read(length))
        rest = path.stat().st_size - 8 - length
        header.pop("__metadata__", None)
        yield {name: _array(file, 8 + length, rest, entry) for name, entry in header.items()}


def _array(file: BinaryIO, base: int, rest: int, entry: dict[str, Any]) -> LazyArray:
    shape, kind = as_shape(entry["shape"]), entry["dtype"]
    start, end = (as_count(offset) for offset in entry["data_offsets"])
    if kind not in DTYPES and OTHER_TYPE.fullmatch(kind) and start <= end <= rest:
        return unread_array(shape, kind)
    dtype = np.dtype(DTYPES[kind])
    if end > rest or end - start != prod(shape) * dtype.itemsize:
        raise ValueError(f"bytes {start} to {end} of {rest} cannot hold shape {shape}")
    bfloat = kind == "BF16"
    return LazyArray(shape, np.dtype("f4") if bfloat else dtype,
                  partial(_read, file, base + start, shape, dtype, bfloat))


def _read(file: BinaryIO, start: int, shape: tuple[int, ...], dtype: np.dtype, bfloat: bool
          ) -> np.ndarray:
    file.seek(start)
    array = np.frombuffer(file.read(prod(shape) * dtype.itemsize), dtype).reshape(shape)
    return from_bfloat16(array) if bfloat else array
