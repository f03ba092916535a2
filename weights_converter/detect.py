"""What a file is, told by its content and never by its name."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from minigrad.errors import MinigradError
from weights_converter.errors import WeightsError

if TYPE_CHECKING:
    import h5py

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

# How other kinds of file begin, with the words that a message uses for them.
OTHER_MAGIC = (
    (b"PK\x03\x04", "a zip archive (PyTorch's .pth, or NumPy's .npz)"),
    (b"\x80\x02", "a Python pickle (PyTorch's old .pth)"),
    (b"MATLAB", "a MATLAB file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it points to"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"{", "a JSON file"),
)

KERAS = "Keras HDF5"
CONVERTED = "minigrad-weights"


@contextmanager
def open_hdf5(path: Path) -> "Iterator[h5py.File]":
    """Open an HDF5 file to read; whatever fails inside becomes one sentence.

    HDF5 reports a damaged file with nearly any class of exception, and only
    when the damaged part is reached: so the whole block is watched.

    Raises
    ------
    WeightsError
        The file is missing, unreadable, of another kind, cut short or damaged.
    """
    require_hdf5(path)
    import h5py  # here, so that `import weights_converter` does not wait for it

    try:
        with h5py.File(path, "r") as file:
            yield file
    except MinigradError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(_damage(path, error)) from error


def _damage(path: Path, error: Exception) -> str:
    """One sentence for what HDF5 says about a file that it cannot read."""
    reason = " ".join(str(error).split())
    sizes = re.search(r"truncated file: eof = (\d+),.*stored_eof = (\d+)", reason)
    if sizes:
        has, needs = (int(size) for size in sizes.groups())
        return (
            f"{path} is cut short: it has {has:,} bytes where its own header says {needs:,}; "
            "fetch or convert it again"
        )
    return f"{path} is a damaged HDF5 file ({reason}); fetch or convert it again"


def require_hdf5(path: Path) -> None:
    """Demand a regular, readable file that begins as HDF5 does."""
    # os.path answers False where Path raises, for a name that is too long for instance.
    if not os.path.exists(path):
        raise WeightsError(f"there is no file {path}")
    if not os.path.isfile(path):
        raise WeightsError(f"{path} is not a file, where a weights file is wanted")
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error
    if not head.startswith(HDF5_MAGIC):
        raise WeightsError(f"{path} is {kind_of(head)}, where an HDF5 file is wanted")


def kind_of(head: bytes) -> str:
    """Words for a file that is not HDF5, from its first bytes."""
    if not head:
        return "empty"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return "a web page saved under this name (a download that failed?)"
    for magic, words in OTHER_MAGIC:
        if head.startswith(magic):
            return words
    return "of an unknown kind"


def detect(path: Path) -> str:
    """Which format of weights a file has: `KERAS` or `CONVERTED`.

    Raises
    ------
    WeightsError
        The file cannot be read, or is none of these.
    """
    with open_hdf5(path) as file:
        if is_converted(file):
            return CONVERTED
        if is_keras(file):
            return KERAS
    raise WeightsError(
        f"{path} is HDF5 but not a weights file of Keras: it has no attribute layer_names"
    )


def is_converted(file: "h5py.File") -> bool:
    """Whether the project's own writer made this file."""
    return text(file.attrs.get("format")) == CONVERTED


def is_keras(file: "h5py.File") -> bool:
    """Whether Keras's ``save_weights`` or ``save`` made this file."""
    return "layer_names" in keras_root(file).attrs


def is_dataset(found: object) -> bool:
    """Whether what a name led to is an array, rather than a group or nothing."""
    return hasattr(found, "shape")


def keras_root(file: "h5py.File") -> "h5py.Group":
    """The group with the layers: a whole saved model keeps them under ``model_weights``."""
    return file.get("model_weights", file)


def text(value: object) -> str:
    """An attribute or a name as text that can be printed and stored.

    Keras 1 and 2 wrote bytes, later versions and h5py write str; either can hold what is
    not valid Unicode.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode("utf-8")
