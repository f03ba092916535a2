"""Turn the records in PyTorch's pickles into lazy arrays, for both of its formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from weights_converter.checks import from_bfloat16
from weights_converter.errors import WeightsError
from weights_converter.lazy_array import LazyArray, Tensors, unread_array
from weights_converter.naming import MAX_LETTERS
from weights_converter.torch_records import Storage, Tensor

# Bounds for {"state_dict": {"features": …}} and the settings beside it: beyond them a structure may
# be endless.
MAX_DEPTH = 60
MAX_ENTRIES = 50_000

# How far a tensor may be spread, from its first to its last element: in elements for each that it
# has, and in bytes.
MAX_SPREAD = 16
MAX_SPREAD_BYTES = 1 << 28

# The keys of what `torch.optim.Optimizer.state_dict()` returns.
OPTIMIZER = {"state", "param_groups"}

# (storage, first byte, number of bytes) -> the bytes
ReadBytes = Callable[[Storage, int, int], bytes]


def tensors_of(path: Path, root: Any, read_bytes: ReadBytes, byte_order: str = "<") -> Tensors:
    """Return every tensor in nested dictionaries, named by its keys joined with dots.

    The state of an optimiser is left out: it has a tensor for each kernel, of the same shape.

    Raises
    ------
    WeightsError
        The file at `path` holds no dictionary.
    ValueError
        There are too many, or a tensor reaches beyond its storage.
    """
    if not isinstance(root, dict):
        raise WeightsError(f"{path} contains a {type(root).__name__}, but a state_dict is expected")
    return {name: _lazy(path, name, tensor, read_bytes, byte_order) for name, tensor in _walk(root)}


def _walk(root: dict) -> Iterator[tuple[str, Tensor]]:
    """Yield names and tensors in order; a dictionary in several places is visited in each.

    So entries and letters are counted: a name repeats the keys of all dictionaries around it.
    """
    pending, seen, letters = [("", root, 0)], 0, 0
    while pending:
        name, node, depth = pending.pop()
        seen += 1
        if isinstance(node, Tensor):
            yield name, node
        elif isinstance(node, dict) and not node.keys() >= OPTIMIZER:
            seen += len(node)
            if depth > MAX_DEPTH:
                raise ValueError(f"its dictionaries are nested deeper than {MAX_DEPTH}")
            if seen > MAX_ENTRIES:
                raise ValueError(f"its dictionaries have more than {MAX_ENTRIES:,} entries")
            prefix = f"{name}." if name else ""
            letters += sum(len(prefix) + len(str(key)) for key in node)
            if letters > MAX_LETTERS:
                raise ValueError(f"its names have more than {MAX_LETTERS:,} letters together")
            pending += [(f"{prefix}{key}", value, depth + 1) for key, value in node.items()][::-1]


def _lazy(path: Path, name: str, tensor: Tensor, read_bytes: ReadBytes, byte_order: str
          ) -> LazyArray:
    if tensor.unread:
        return unread_array(tensor.shape, tensor.unread)
    code = tensor.storage.code
    dtype = np.dtype(byte_order + ("u2" if code == "bf16" else code))
    extent = 0 if 0 in tensor.shape else 1 + sum(
        (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides))
    if tensor.offset + extent > tensor.storage.count:
        raise ValueError(
            f"{name} reaches to element {tensor.offset + extent:,} of a storage of "
            f"{tensor.storage.count:,}")
    read = partial(_read, path, name, tensor, dtype, extent, read_bytes)
    return LazyArray(tensor.shape, np.dtype("f4") if code == "bf16" else dtype, read)


def _read(path: Path, name: str, tensor: Tensor, dtype: np.dtype, extent: int,
          read_bytes: ReadBytes) -> np.ndarray:
    # A tensor may be transposed in its storage, or be a part of a larger one: what lies between is
    # read as well.
    if extent > MAX_SPREAD * prod(tensor.shape) or (
            extent > prod(tensor.shape) and extent * dtype.itemsize > MAX_SPREAD_BYTES):
        raise WeightsError(f"{path}: {name} has strides {tensor.strides}, which leave gaps of more "
                           f"than {MAX_SPREAD - 1} times its size; save its .clone() instead")
    data = read_bytes(tensor.storage, tensor.offset * dtype.itemsize, extent * dtype.itemsize)
    flat = np.frombuffer(data, dtype)
    if len(flat) != extent:
        raise EOFError(f"{name} ends early")
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    array = np.lib.stride_tricks.as_strided(flat, tensor.shape, strides).copy()
    array = from_bfloat16(array) if tensor.storage.code == "bf16" else array
    return -array if tensor.negative else array
