"""Read HDF5 files of unknown origin, in pure Python.

The HDF5 library in C has had memory faults that crafted files can trigger, so this program only
writes with it. This reader supports what weight files and state files use: groups, attributes,
arrays in one piece or in chunks, the filters deflate, shuffle and Fletcher-32. It follows no link
to another file. Checksums are verified, sizes and time are bounded by the file's size.

Everything here raises ValueError, KeyError, TypeError or zlib.error on damage; the code that opens
a file turns them into an error of one sentence. What is valid but not supported raises an
UnsupportedError, which is a ValueError.

Specification: The HDF Group, "HDF5 File Format Specification Version 3.0".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.hdf5.chunks import MAX_CHUNK
from minigrad.hdf5.datatypes import check_shape, check_type
from minigrad.hdf5.headers import MAGIC, find_start, read_superblock
from minigrad.hdf5.source import MAX_METADATA, METADATA_OF_ROOT, Source, UnsupportedError
from minigrad.hdf5.tree import MAX_PATH, Attributes, Dataset, Group, Node, node_at

__all__ = ["MAGIC", "MAX_CHUNK", "MAX_METADATA", "MAX_PATH", "METADATA_OF_ROOT", "Attributes",
           "Dataset", "Group", "Node", "UnsupportedError", "check_shape", "check_type", "is_hdf5",
           "open_file"]


@contextmanager
def open_file(path: str | os.PathLike[str], budget: int = MAX_METADATA) -> Iterator[Group]:
    """Open a file for reading; the value is its root group.

    Parameters
    ----------
    path : str or path
    budget : int
        How much metadata may be read, in bytes.

    Raises
    ------
    OSError
        It cannot be opened.
    ValueError
        It is not HDF5, cut short or damaged.
    """
    with open(path, "rb") as file:
        source = Source(file, budget, find_start(file) or 0)
        root = node_at(source, "/", read_superblock(source))
        if not isinstance(root, Group):
            raise ValueError("its root is not a group")
        yield root


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as HDF5 files do, perhaps after a block of another program."""
    try:
        with open(path, "rb") as file:
            return find_start(file) is not None
    except OSError:
        return False
