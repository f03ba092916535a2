"""Open HDF5 files of unknown origin: nothing outside the file, nothing without bounds."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.errors import MinigradError
from weights_converter.errors import DAMAGE, WeightsError

if TYPE_CHECKING:
    import h5py

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

# How files begin that a user may take for converted ones: zip archives, old PyTorch, MATLAB, JSON.
CONVERTIBLE = (b"PK", b"\x80\x02\x8a\x0a", b"MATLAB", b"{")

# The most that is looked at: Keras's VGG19 has 26 layers, whose arrays lie up to five groups deep.
MOST_OBJECTS = 5_000
MOST_DEPTH = 12
# A chunk is decompressed whole, whatever part of it is wanted.
MOST_CHUNK = 1 << 26
MOST_ATTRIBUTE = 64


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
    head = read_head(path)
    if not head.startswith(HDF5_MAGIC):
        from weights_converter.detect import kind_of

        hint = f"; python -m weights_converter {path} DEST.h5 converts the weights of others"
        raise WeightsError(f"{path} is {kind_of(head)}, where a converted HDF5 file is wanted"
                           + hint * head.startswith(CONVERTIBLE))
    import h5py  # here, so that `import weights_converter` does not wait for it

    try:
        with h5py.File(path, "r") as file:
            yield file
    except MinigradError:
        raise
    except DAMAGE as error:
        raise WeightsError(_damage(path, error)) from error


def _damage(path: Path, error: Exception) -> str:
    """One sentence for what HDF5 says about a file that it cannot read."""
    reason = " ".join(str(error).split())[:300]
    sizes = re.search(r"truncated file: eof = (\d+),.*stored_eof = (\d+)", reason)
    if sizes:
        has, needs = (int(size) for size in sizes.groups())
        return (
            f"{path} is cut short: it has {has:,} bytes where its own header says {needs:,}; "
            "fetch or convert it again"
        )
    return f"{path} is a damaged HDF5 file ({reason}); fetch or convert it again"


def read_head(path: Path, length: int = 512) -> bytes:
    """The first bytes of a regular, readable file."""
    # os.path answers False where Path raises, for a name that is too long for instance.
    if not os.path.exists(path):
        raise WeightsError(f"there is no file {path}")
    if not os.path.isfile(path):
        raise WeightsError(f"{path} is not a file, where a weights file is wanted")
    try:
        with open(path, "rb") as file:
            return file.read(length)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error


def is_dataset(found: object) -> bool:
    """Whether what a name led to is an array, rather than a group or nothing."""
    return hasattr(found, "shape")


def find_dataset(path: Path, file: "h5py.File", name: str) -> "h5py.Dataset | None":
    """The dataset of a name, or None; only real members of this file count.

    Raises
    ------
    WeightsError
        Its numbers lie outside the file, or cannot be read in bounded memory.
    """
    node: Any = file
    for part in name.split("/"):
        if is_dataset(node) or not _is_member(node, part):
            return None
        node = node[part]
    if not is_dataset(node):
        return None
    check_storage(path, node)
    return node


def _is_member(group: "h5py.Group", name: str) -> bool:
    """Whether a group has an object of its own under a name, and not only a pointer elsewhere."""
    import h5py

    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def walk_datasets(path: Path, group: "h5py.Group") -> "Iterator[tuple[str, h5py.Dataset]]":
    """Every dataset below `group` with its name; links to elsewhere are passed over.

    Raises
    ------
    WeightsError
        There are too many objects, or too deep: groups that contain themselves, for instance.
    """
    waiting = [("", group, 0)]
    seen = 0
    while waiting:
        prefix, node, depth = waiting.pop()
        for name in node:
            seen += 1
            if seen > MOST_OBJECTS or depth > MOST_DEPTH:
                raise WeightsError(
                    f"{path} holds more than {MOST_OBJECTS:,} objects, or groups nested deeper "
                    f"than {MOST_DEPTH}, which no weights file needs"
                )
            if not _is_member(node, name):
                continue
            child, full = node[name], f"{prefix}{name}"
            if is_dataset(child):
                yield full, child
            elif hasattr(child, "keys"):  # a group; a named type is neither
                waiting.append((full + "/", child, depth + 1))


def check_storage(path: Path, dataset: "h5py.Dataset") -> None:
    """Demand that reading a dataset touches this file only, and takes bounded memory."""
    name = dataset.name
    if dataset.external or dataset.is_virtual:
        raise WeightsError(f"{path}: the numbers of {name} lie in another file; copy them into one")
    chunk = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if chunk > MOST_CHUNK:
        raise WeightsError(
            f"{path}: {name} is stored in chunks of {chunk:,} bytes, where {MOST_CHUNK:,} is the "
            "most that is read"
        )


def get_attribute(path: Path, attributes: "h5py.AttributeManager", name: str) -> Any:
    """The value of an attribute, or None where there is none.

    Raises
    ------
    WeightsError
        It is longer than any that a converted file has.
    """
    if name not in attributes:
        return None
    size = attributes.get_id(name).get_space().get_simple_extent_npoints()
    if size > MOST_ATTRIBUTE:
        raise WeightsError(f"{path}: the attribute {name} has {size:,} values, which is too many")
    return attributes[name]


def text(value: object) -> str:
    """An attribute or a name as text that can be printed and stored.

    Keras 1 and 2 wrote bytes, later versions and h5py write str; either can hold what is
    not valid Unicode.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode("utf-8")
