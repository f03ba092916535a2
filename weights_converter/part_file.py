"""The partial file of a download, and the note beside it that tells where its bytes come from."""

from __future__ import annotations

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
    return path.stat().st_size if path.is_file() else 0


def make_regular(path: Path) -> None:
    """Delete a partial file that is a link, a pipe or a device: nothing is written through it.

    Raises
    ------
    CannotWriteError
        It cannot be deleted.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror}") from error


def open_part(path: Path, offset: int) -> BinaryIO:
    """Open a partial file for writing from byte `offset`; from 0, an older one is emptied.

    Raises
    ------
    WeightsError
        It cannot be written, or has become a link meanwhile.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags if offset else flags | os.O_TRUNC, 0o666)
    except OSError as error:
        raise WeightsError(f"cannot write {path}: {error.strerror}") from error
    file = open(descriptor, "r+b")  # noqa: SIM115
    file.seek(offset)
    return file


def write_note(path: Path, version: Version) -> None:
    """Write the note of a partial file."""
    write_atomically(_note_path(path), json.dumps(asdict(version)).encode(), WeightsError)


def read_note(path: Path) -> Version:
    """The note of an earlier attempt; an empty one if it is missing or damaged."""
    try:
        with open(_note_path(path), "rb") as file:
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
