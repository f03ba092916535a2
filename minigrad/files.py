"""Write a file all at once: under its name there is the old one, or the new one, never half."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minigrad.errors import FileError, MinigradError

MAX_PREFIX = 40         # characters of a file's name that its temporary names begin with


def check_writable(path: str | os.PathLike, error: type[MinigradError] = FileError) -> None:
    """Demand that a file can be made under this name; to be called before any work is done.

    One is made beside it and taken away again: permissions alone do not tell, because a disk may
    be mounted read-only, and root may do anything.

    Parameters
    ----------
    path : the file that is to be written.
    error : the class of the exception, for packages that have one of their own.

    Raises
    ------
    error : there is no such folder, it cannot be written to, or the name is taken by something
        that is not a file.
    """
    _check_place(Path(path), error)
    temporary = _temporary(_target(path))
    try:
        with open(temporary, "xb"):
            pass
    except OSError as cause:
        raise error(f"cannot write {path}: {cause.strerror or cause}") from cause
    finally:
        _remove(temporary)


def write_atomically(path: str | os.PathLike, data: bytes,
                     error: type[MinigradError] = FileError) -> None:
    """Write ``data`` under ``path`` in one step: the old file stays until the new one is whole.

    Raises
    ------
    error : the disk is full, the folder is gone, writing is not permitted …
    """
    with replacing(path, error) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: str | os.PathLike, error: type[MinigradError] = FileError) -> Iterator[Path]:
    """Give a temporary name in the folder of ``path``; rename it to ``path`` if the block succeeds.

    In the same folder, because only within one file system is renaming a single step. The file
    is on the disk before it gets its name. Whatever happens inside, the temporary file is gone
    afterwards; only a process that is killed leaves one, and it begins with a dot and ends in
    ``.part``. A link stays a link: the file that it points to is replaced.

    Raises
    ------
    error : in place of any OSError: the disk is full, the folder is gone …
    """
    _check_place(Path(path), error)
    target = _target(path)
    temporary = _temporary(target)
    try:
        yield temporary
        _sync(temporary)        # a rename must not overtake the bytes
        os.replace(temporary, target)
        _sync(target.parent)    # so that the rename lasts through a power cut
    except MinigradError:
        raise
    except OSError as cause:
        raise error(f"cannot write {path}: {cause.strerror or cause}") from cause
    finally:
        _remove(temporary)


def demand_room(path: str | os.PathLike, size: int) -> None:
    """Demand that the disk takes a new file of ``size`` bytes under ``path``; it is not kept.

    For libraries that do not survive it when a write fails in the middle. Where the system has
    no way to ask, nothing is demanded.

    Raises
    ------
    OSError : the disk is full, or files may not be that large.
    """
    if not hasattr(os, "posix_fallocate") or not size:
        return
    try:
        with open(path, "xb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    finally:
        _remove(Path(path))


def _check_place(path: Path, error: type[MinigradError]) -> None:
    """Demand that ``path`` is in a folder that may be written to, and is no folder itself."""
    folder = (_target(path) if os.path.islink(path) else path).parent
    if not os.path.exists(folder):
        raise error(f"cannot write {path}: there is no folder {folder}; create it first")
    if not os.path.isdir(folder):
        raise error(f"cannot write {path}: {folder} is not a folder")
    if os.path.isdir(path):
        raise error(f"cannot write {path}: it is a folder; name a file in it")
    if os.path.exists(path) and not os.path.isfile(path):
        raise error(f"cannot write {path}: it exists and is not a file; name a file")
    if not os.access(folder, os.W_OK):
        raise error(f"cannot write {path}: writing in the folder {folder} is not permitted")


def _target(path: str | os.PathLike) -> Path:
    """Where a name leads: a link stays, and the file that it points to is replaced."""
    return Path(os.path.realpath(path))


def _temporary(target: Path) -> Path:
    """A name beside ``target`` that nobody uses, and not too long for the file system."""
    return target.with_name(f".{target.name[:MAX_PREFIX]}.{secrets.token_hex(4)}.part")


def remove_partial(path: Path) -> None:
    """Delete the temporary files of `path` that killed processes left behind.

    Only call this where no other process can be writing the file.
    """
    if len(path.name) > MAX_PREFIX:     # its temporary names may be those of another file
        return
    pattern = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.part")
    for other in path.parent.iterdir():
        if pattern.fullmatch(other.name):
            _remove(other)


def _remove(temporary: Path) -> None:
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the disk has it; folders can be waited for on POSIX only."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
