"""Detect the format of a weights file from its content, never from its name."""

from __future__ import annotations

import struct
from pathlib import Path

from minigrad.hdf5 import METADATA_OF_ROOT
from weights_converter.archives import member_names
from weights_converter.errors import WeightsError
from weights_converter.safe_hdf5 import (
    CONVERTED,
    SMALL,
    holds_small,
    is_converted,
    looks_like_hdf5,
    open_hdf5,
)
from weights_converter.signatures import HDF5_MAGIC, TORCH_MAGIC, ZIP_MAGIC, kind_of, read_head

# The formats other than CONVERTED and SMALL, the project's own.
KERAS = "Keras HDF5"
TORCH_ZIP = "PyTorch"
TORCH_LEGACY = "PyTorch before 1.6"
NPZ = "NumPy"
SAFETENSORS = "safetensors"
MAT5 = "MATLAB 5"
TFJS = "TensorFlow.js"


def detect(path: Path) -> str:
    """Detect the format of a weights file.

    Returns
    -------
    str
        `CONVERTED`, `SMALL` or one of the constants of this module.

    Raises
    ------
    WeightsError
        The file cannot be read, or has none of these formats.
    """
    head = read_head(path)
    if head.startswith(HDF5_MAGIC):
        return _kind_of_hdf5(path)
    if head.startswith(ZIP_MAGIC):
        return _kind_of_zip(path)
    if head.startswith(TORCH_MAGIC):
        return TORCH_LEGACY
    if head.startswith(b"MATLAB 5.0 MAT-file") and head[126:128] in (b"IM", b"MI"):
        return MAT5
    if _is_safetensors(path, head):
        return SAFETENSORS
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return TFJS
    if looks_like_hdf5(path, head):     # after a block of another program
        return _kind_of_hdf5(path)
    raise WeightsError(
        f"{path} is {kind_of(head)}, but a weights file of Keras, PyTorch, MatConvNet, "
        "TensorFlow.js, safetensors or NumPy is expected")


def _kind_of_hdf5(path: Path) -> str:
    with open_hdf5(path, METADATA_OF_ROOT) as file:
        if not is_converted(path, file):
            return KERAS
        return SMALL if holds_small(path, file) else CONVERTED


def _kind_of_zip(path: Path) -> str:
    names = member_names(path)
    if any(name.endswith("data.pkl") for name in names):
        return TORCH_ZIP
    if any(name.endswith(".npy") for name in names):
        return NPZ
    if any(name.endswith(".h5") for name in names):
        raise WeightsError(f"{path} is a zip archive with an HDF5 file in it; unpack that first")
    raise WeightsError(
        f"{path} is a zip archive with neither PyTorch's data.pkl nor NumPy's arrays in it")


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Whether eight bytes give the length of a JSON header that fits into the file."""
    if len(head) < 10 or head[8:9] != b"{":
        return False
    return struct.unpack("<Q", head[:8])[0] <= path.stat().st_size - 8
