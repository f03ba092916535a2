"""Results on the disk: found to be writable before the work, and written all at once after it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from minigrad.errors import FileError


def check_writable(path: Path) -> None:
    """Demand that a file can be made under this name, by making one beside it.

    Permissions alone do not tell: a disk may be mounted read-only, and root may do anything.

    Raises
    ------
    FileError
        There is no such folder, it cannot be written to, or the name is taken by a folder.
    """
    folder = path.parent
    if not folder.exists():
        raise FileError(f"cannot write {path}: there is no folder {folder}; create it first")
    if not folder.is_dir():
        raise FileError(f"cannot write {path}: {folder} is not a folder")
    if path.is_dir():
        raise FileError(f"cannot write {path}: it is a folder; name a file in it")
    write_atomically(path, b"", keep=False)


def write_atomically(path: Path, data: bytes, keep: bool = True) -> None:
    """Write ``data`` under ``path`` in one step: the old file stays until the new one is whole.

    With ``keep=False`` everything is done but the last step, so nothing changes.

    Raises
    ------
    FileError
        The disk is full, the folder is gone, writing is not permitted …
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())     # a rename must not overtake the bytes
        if keep:
            os.replace(temporary, path)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
