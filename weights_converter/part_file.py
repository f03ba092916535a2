"""The partial file of a download, and the note beside it that tells where its bytes come from."""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from minigrad.files import write_atomically
from weights_converter.errors import CannotWriteError, WeightsError

MAX_NOTE = 10_000       # bytes
MAX_VALIDATOR = 500     # characters


@dataclass(frozen=True)
class Version:
    """The version of a file on the server, to detect changes between attempts.

    Attributes
    ----------
    url : str
    validator : str or None
        A strong ETag, or a date.
    size : int or None
        In bytes.
    """

    url: str
    validator: str | None = None
    size: int | None = None

    def can_resume(self, url: str, size: int | None) -> bool:
        """Whether the rest of this version can be recognised at an address.

        Without a validator, the rest may belong to another version of the file. That is only
        acceptable if its size is known, because callers then know its hash as well.
        """
        return self.url == url and bool(self.validator or size)


def length_of(path: Path) -> int:
    """The number of bytes that are there."""
    return os.path.getsize(path) if os.path.isfile(path) else 0


def make_regular(path: Path) -> None:
    """Delete a partial file, or its note, that is not a regular file of its own.

    Nothing is written through a link, into a pipe or a device, or into a file that has another
    name elsewhere.

    Raises
    ------
    CannotWriteError
        It cannot be deleted.
    """
    for file in (path, _note_path(path)):
        try:
            if not _is_own(os.lstat(file)):
                os.unlink(file)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise CannotWriteError(f"cannot write {file}: {error.strerror}") from error


def _is_own(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink <= 1


def _open(path: Path, flags: int) -> BinaryIO:
    """Open a regular file; a link is not followed, and a pipe is not waited for.

    Raises
    ------
    OSError
        It cannot be opened, or is no regular file with one name.
    """
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        if not _is_own(os.fstat(descriptor)):
            raise FileExistsError(errno.EEXIST, "it is not a regular file with one name")
        return open(descriptor, "r+b" if flags & os.O_RDWR else "rb")
    except BaseException:
        os.close(descriptor)
        raise


def open_part(path: Path, offset: int) -> BinaryIO:
    """Open a partial file for writing from byte `offset`; from 0, an older one is emptied.

    Raises
    ------
    WeightsError
        It cannot be written, or is not a regular file any more.
    """
    try:
        file = _open(path, os.O_RDWR | os.O_CREAT)
        if not offset:
            file.truncate()
        file.seek(offset)
    except OSError as error:
        raise WeightsError(f"cannot write {path}: {error.strerror}") from error
    return file


def write_note(path: Path, version: Version) -> None:
    """Write the note of a partial file.

    Raises
    ------
    WeightsError
    """
    make_regular(path)      # once more: a link could have come since, and would be followed
    write_atomically(_note_path(path), json.dumps(asdict(version)).encode(), WeightsError)


def read_note(path: Path) -> Version:
    """The note of an earlier attempt; an empty one if it is missing or damaged."""
    try:
        with _open(_note_path(path), os.O_RDONLY) as file:
            note = json.loads(file.read(MAX_NOTE))
    except (OSError, ValueError, RecursionError):
        return Version("")
    if not isinstance(note, dict):
        return Version("")
    url, validator, size = (note.get(name) for name in ("url", "validator", "size"))
    if type(url) is not str or not _is_header(validator) or type(size) not in (int, type(None)):
        return Version("")
    return Version(url, validator, size)


def _is_header(validator: object) -> bool:
    """Whether a validator can be sent in a header, or is None."""
    return validator is None or (type(validator) is str and len(validator) <= MAX_VALIDATOR
                                 and validator.isascii() and validator.isprintable())


def discard(path: Path) -> None:
    """Delete a partial file and its note."""
    for file in (path, _note_path(path)):
        with suppress(OSError):
            file.unlink()


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")
