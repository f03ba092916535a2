"""Open HDF5 files of unknown origin: nothing outside the file is read, and sizes are bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.errors import MinigradError
from weights_converter.errors import DAMAGE, WeightsError
from weights_converter.signatures import HDF5_MAGIC, kind_of, read_head

if TYPE_CHECKING:
    import h5py

# The attribute `format` of the project's own files.
CONVERTED = "minigrad-weights"

# First bytes of files that a user may mistake for converted ones: zip archives, old PyTorch,
# MATLAB, JSON.
CONVERTIBLE = (b"PK", b"\x80\x02\x8a\x0a", b"MATLAB", b"{")

# Bounds: Keras's VGG19 has 26 layers, whose arrays lie up to five groups deep.
MAX_OBJECTS = 5_000
MAX_DEPTH = 12
# A chunk is always decompressed whole.
MAX_CHUNK = 1 << 26
MAX_ATTRIBUTE = 64


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; any failure inside the block raises an error of one sentence.

    HDF5 reports damage with nearly any class of exception, and only when it reaches the damaged
    part, so the whole block is guarded.

    Raises
    ------
    WeightsError
        The file is missing, unreadable, of another kind, cut short or damaged.
    """
    head = read_head(path)
    if not head.startswith(HDF5_MAGIC):
        hint = f"; python -m weights_converter {path} DEST.h5 converts weights of other programs"
        raise WeightsError(f"{path} is {kind_of(head)}, but a converted HDF5 file is expected"
                           + hint * head.startswith(CONVERTIBLE))
    import h5py  # late: slow to import, and `import weights_converter` does not need it

    try:
        with h5py.File(path, "r") as file:
            yield file
    except MinigradError:
        raise
    except DAMAGE as error:
        raise WeightsError(_damage(path, error)) from error


def _damage(path: Path, error: Exception) -> str:
    """The message for HDF5's own report of a damaged file."""
    reason = " ".join(str(error).split())[:300]
    sizes = re.search(r"truncated file: eof = (\d+),.*stored_eof = (\d+)", reason)
    if sizes:
        has, needs = (int(size) for size in sizes.groups())
        return (f"{path} is cut short: it has {has:,} bytes, but its header states {needs:,}; "
                "download or convert it again")
    return f"{path} is a damaged HDF5 file ({reason}); download or convert it again"


def is_dataset(entry: object) -> bool:
    """Whether an entry is an array, and not a group or None."""
    return hasattr(entry, "shape")


def find_dataset(path: Path, file: h5py.File, name: str) -> h5py.Dataset | None:
    """The dataset under a name, or None; links to other files are not followed.

    Raises
    ------
    WeightsError
        Its data are outside the file, or cannot be read in bounded memory.
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


def _is_member(group: h5py.Group, name: str) -> bool:
    """Whether a group itself holds an object under a name, and not only a link."""
    import h5py

    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def walk_datasets(path: Path, group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield every dataset below `group` with its name; links are skipped.

    Raises
    ------
    WeightsError
        There are too many objects, or they are nested too deep: a group may contain itself.
    """
    pending = [("", group, 0)]
    seen = 0
    while pending:
        prefix, node, depth = pending.pop()
        for name in node:
            seen += 1
            if seen > MAX_OBJECTS or depth > MAX_DEPTH:
                raise WeightsError(
                    f"{path} contains more than {MAX_OBJECTS:,} objects, or groups nested deeper "
                    f"than {MAX_DEPTH}, which no weights file needs")
            if not _is_member(node, name):
                continue
            child, full = node[name], f"{prefix}{name}"
            if is_dataset(child):
                yield full, child
            elif hasattr(child, "keys"):  # a group; a named type is neither
                pending.append((full + "/", child, depth + 1))


def check_storage(path: Path, dataset: h5py.Dataset) -> None:
    """Check that a dataset lies in this file only and can be read in bounded memory."""
    name = dataset.name
    if dataset.external or dataset.is_virtual:
        raise WeightsError(f"{path}: the data of {name} are in another file; copy them into one")
    chunk = prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if chunk > MAX_CHUNK:
        raise WeightsError(
            f"{path}: {name} is stored in chunks of {chunk:,} bytes, but at most {MAX_CHUNK:,} "
            "are read")


def get_attribute(path: Path, attributes: h5py.AttributeManager, name: str) -> Any:
    """The value of an attribute, or None if there is none.

    Raises
    ------
    WeightsError
        The attribute is longer than any of a converted file.
    """
    if name not in attributes:
        return None
    size = attributes.get_id(name).get_space().get_simple_extent_npoints()
    if size > MAX_ATTRIBUTE:
        raise WeightsError(f"{path}: the attribute {name} has {size:,} values, which is too many")
    return attributes[name]


def text(value: object) -> str:
    """An attribute or a name as text that can be printed and stored.

    Keras 1 and 2 wrote bytes, later versions and h5py write str; both may hold invalid Unicode.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode("utf-8")


def is_converted(path: Path, file: h5py.File) -> bool:
    """Whether the project's own writer made this file."""
    return text(get_attribute(path, file.attrs, "format")) == CONVERTED
