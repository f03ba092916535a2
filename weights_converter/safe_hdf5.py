"""Open HDF5 files of unknown origin: one sentence for damage, bounds on what is read.

They are read by `minigrad.hdf5`, in Python: the HDF5 library has had memory faults that crafted
files can trigger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

from minigrad.errors import MinigradError
from minigrad.hdf5 import (
    MAGIC,
    MAX_CHUNK,
    MAX_METADATA,
    Attributes,
    Dataset,
    Group,
    UnsupportedError,
    is_hdf5,
    open_file,
)
from weights_converter.errors import DAMAGE, WeightsError, enough_memory, message_of
from weights_converter.signatures import kind_of, read_head

# The attribute `format` of the project's own files.
CONVERTED = "minigrad-weights"
# The attribute `architecture` of the small network's file, which `nst` writes in that format, too.
SMALL = "vgg19-student"

# First bytes of files that a user may mistake for converted ones: zip archives, old PyTorch,
# MATLAB, JSON.
CONVERTIBLE = (b"PK", b"\x80\x02\x8a\x0a", b"MATLAB", b"{")

# Bounds: Keras's VGG19 has 26 layers, whose arrays lie up to five groups deep.
MAX_OBJECTS = 5_000
MAX_DEPTH = 12
# Letters of a path: every array is kept under its own. TensorFlow's longest have some 200.
MAX_PATH = 500
MAX_ATTRIBUTE = 64


@contextmanager
def open_hdf5(path: Path, budget: int = MAX_METADATA) -> Iterator[Group]:
    """Open an HDF5 file for reading; any failure inside the block raises an error of one sentence.

    Damage is found only when the damaged part is reached, so the whole block is guarded.

    Parameters
    ----------
    path : Path
    budget : int
        How much metadata may be read, in bytes; METADATA_OF_ROOT for a look at root attributes,
        because a file that is opened twice may take the time of both.

    Raises
    ------
    WeightsError
        The file is missing, unreadable, of another kind, cut short or damaged, or what was asked
        for is not supported.
    """
    head = read_head(path)
    if not looks_like_hdf5(path, head):
        hint = f"; python -m weights_converter {path} DEST.h5 converts weights of other programs"
        raise WeightsError(f"{path} is {kind_of(head)}, but a converted HDF5 file is expected"
                           + hint * head.startswith(CONVERTIBLE))
    try:
        with enough_memory(f"read {path}"), open_file(path, budget) as file:
            yield file
    except MinigradError:
        raise
    except UnsupportedError as error:
        raise WeightsError(f"{path}: {message_of(error)}") from error
    except DAMAGE as error:
        raise WeightsError(_damage(path, error)) from error


def looks_like_hdf5(path: Path, head: bytes) -> bool:
    """Whether HDF5 begins at the first byte, or after a block that is not MATLAB's."""
    return head.startswith(MAGIC) or (not head.startswith(b"MATLAB") and is_hdf5(path))


def _damage(path: Path, error: Exception) -> str:
    """The message for a damaged file."""
    reason = message_of(error)
    sizes = re.search(r"truncated file: eof = (\d+),.*stored_eof = (\d+)", reason)
    if sizes:
        has, needs = (int(size) for size in sizes.groups())
        return (f"{path} is cut short: it has {has:,} bytes, but its header states {needs:,}; "
                "download or convert it again")
    return f"{path} is a damaged HDF5 file ({reason}); download or convert it again"


def find_dataset(path: Path, file: Group, name: str) -> Dataset | None:
    """The dataset under a name, or None; links to other files are not followed.

    Raises
    ------
    WeightsError
        Its data are outside the file, or cannot be read in bounded memory.
    """
    node = file.get(name)
    if not isinstance(node, Dataset):
        return None
    check_storage(path, node)
    return node


def walk_datasets(path: Path, group: Group) -> Iterator[tuple[str, Dataset]]:
    """Yield every dataset below `group` with its name; links are skipped.

    Raises
    ------
    WeightsError
        There are too many objects, they are nested too deep (a group may contain itself), or
        their paths are too long.
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
            full = f"{prefix}{name}"
            if len(full) > MAX_PATH:
                raise WeightsError(f"{path} contains a path of {len(full):,} letters, "
                                   f"{full[:40]!r} …, but at most {MAX_PATH} are read")
            child = node[name]
            if isinstance(child, Dataset):
                yield full, child
            elif isinstance(child, Group):  # a named type is neither
                pending.append((full + "/", child, depth + 1))


def check_storage(path: Path, dataset: Dataset) -> None:
    """Check that a dataset lies in this file only and can be read in bounded memory."""
    name = dataset.name
    if dataset.external:
        raise WeightsError(f"{path}: the data of {name} are in another file; copy them into one")
    if dataset.chunk_bytes > MAX_CHUNK:
        raise WeightsError(
            f"{path}: {name} is stored in chunks of {dataset.chunk_bytes:,} bytes, but at most "
            f"{MAX_CHUNK:,} are read")


def get_attribute(path: Path, attributes: Attributes, name: str) -> Any:
    """The value of an attribute, or None if there is none.

    Raises
    ------
    WeightsError
        The attribute is longer than any of a converted file.
    """
    if name not in attributes:
        return None
    size = prod(attributes.shape(name))
    if size > MAX_ATTRIBUTE:
        raise WeightsError(f"{path}: the attribute {name} has {size:,} values, which is too many")
    return attributes[name]


def text(value: object) -> str:
    """An attribute or a name as text that can be printed and stored.

    Keras 1 and 2 wrote bytes, later versions write str; both may hold invalid Unicode.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode("utf-8")


def is_converted(path: Path, file: Group) -> bool:
    """Whether one of the project's own writers made this file."""
    return text(get_attribute(path, file.attrs, "format")) == CONVERTED


def holds_small(path: Path, file: Group) -> bool:
    """Whether the file holds the small network."""
    return text(get_attribute(path, file.attrs, "architecture")) == SMALL


def small_error(path: Path) -> WeightsError:
    """The error where a VGG is expected, but a file holds the small network."""
    return WeightsError(f"{path} is a file of the small network, not of VGG19 or VGG16; it is used "
                        f"as it is: python -m nst.run --weights {path}")
