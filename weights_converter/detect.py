"""What a file is, told by its content and never by its name."""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from weights_converter.archives import member_names
from weights_converter.errors import WeightsError
from weights_converter.hdf5_files import (
    HDF5_MAGIC,
    get_attribute,
    is_dataset,
    open_hdf5,
    read_head,
    text,
)

if TYPE_CHECKING:
    import h5py

__all__ = ["CONVERTED", "detect", "is_converted", "is_dataset", "kind_of", "open_hdf5", "text"]

# The formats.
CONVERTED = "minigrad-weights"
HDF5_TREE = "Keras HDF5"
TORCH_ZIP = "PyTorch"
TORCH_LEGACY = "PyTorch before 1.6"
NPZ = "NumPy"
SAFETENSORS = "safetensors"
MAT5 = "MATLAB 5"
TFJS = "TensorFlow.js"

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
# torch.save began with this number, as a pickle of protocol 2, until version 1.6.
TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

# How other kinds of file begin, with the words that a message uses for them.
OTHER_MAGIC = (
    (HDF5_MAGIC, "an HDF5 file"),
    (b"PK\x03\x04", "a zip archive (PyTorch's .pth, or NumPy's .npz)"),
    (TORCH_MAGIC, "a file of PyTorch before 1.6"),
    (b"\x80", "a Python pickle, which is never opened; save the arrays as .npz"),
    (b"\x93NUMPY", "a NumPy .npy file; save the arrays with their names as .npz"),
    (b"MATLAB", "a MATLAB file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it points to"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"{", "a JSON file"),
)


def kind_of(head: bytes) -> str:
    """Words for a file, from its first bytes."""
    if not head:
        return "empty"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return "a web page saved under this name (a download that failed?)"
    for magic, words in OTHER_MAGIC:
        if head.startswith(magic):
            return words
    return "of an unknown kind"


def detect(path: Path) -> str:
    """Which format of weights a file has: one of the constants above.

    Raises
    ------
    WeightsError
        The file cannot be read, or is none of these.
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
    if _begins_safetensors(path, head):
        return SAFETENSORS
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return TFJS
    raise WeightsError(
        f"{path} is {kind_of(head)}, where a weights file of Keras, PyTorch, MatConvNet, "
        "TensorFlow.js, safetensors or NumPy is wanted"
    )


def _kind_of_hdf5(path: Path) -> str:
    with open_hdf5(path) as file:
        return CONVERTED if is_converted(path, file) else HDF5_TREE


def _kind_of_zip(path: Path) -> str:
    names = member_names(path)
    if any(name.endswith("data.pkl") for name in names):
        return TORCH_ZIP
    if any(name.endswith(".npy") for name in names):
        return NPZ
    if any(name.endswith(".h5") for name in names):
        raise WeightsError(f"{path} is a zip archive with an HDF5 file in it; unpack that first")
    raise WeightsError(
        f"{path} is a zip archive with neither PyTorch's data.pkl nor NumPy's arrays in it"
    )


def _begins_safetensors(path: Path, head: bytes) -> bool:
    """Eight bytes with the length of a header in JSON, which fits into the file."""
    if len(head) < 10 or head[8:9] != b"{":
        return False
    return struct.unpack("<Q", head[:8])[0] <= path.stat().st_size - 8


def is_converted(path: Path, file: "h5py.File") -> bool:
    """Whether the project's own writer made this file."""
    return text(get_attribute(path, file.attrs, "format")) == CONVERTED
