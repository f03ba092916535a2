"""Zip archives of unknown origin: members are read into memory, never unpacked, with a bound."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weights_converter.errors import WeightsError, reading

# VGG19 has 38 arrays. The directory is read whole before anything can be asked.
MOST_MEMBERS = 20_000
MOST_DIRECTORY = 4 << 20

_END = b"PK\x05\x06"
_END_SIZE = 22
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"


@contextmanager
def open_zip(path: Path, kind: str = "zip archive") -> Iterator[zipfile.ZipFile]:
    """Open a zip archive to read; whatever fails inside becomes one sentence.

    Parameters
    ----------
    path : Path
    kind : str
        What the sentence calls the file.

    Raises
    ------
    WeightsError
        The archive is damaged, its directory is too large, or a member's name leads out of it.
    """
    with reading(path, kind):
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                _check_name(path, name)
            yield archive


def member_names(path: Path) -> list[str]:
    """The names of all members."""
    with open_zip(path) as archive:
        return archive.namelist()


def read_member(path: Path, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A whole member, if it is no longer than `most` bytes.

    The size that the directory states is a claim, but zipfile reads no further than that.
    """
    size = archive.getinfo(name).file_size
    if size > most:
        raise WeightsError(
            f"{path}: {name} has {size:,} bytes, where {most:,} are more than any weights file "
            "needs"
        )
    return archive.read(name)


def read_range(archive: zipfile.ZipFile, name: str, start: int, count: int) -> bytes:
    """`count` bytes of a member, from byte `start`; memory for those and no more."""
    with archive.open(name) as member:
        if archive.getinfo(name).compress_type == zipfile.ZIP_STORED:
            member.seek(start)
        else:
            _skip(member, start)
        data = member.read(count)
    if len(data) != count:
        raise EOFError(f"{name} ends early")
    return data


def _skip(member: zipfile.ZipExtFile, count: int) -> None:
    while count > 0:
        passed = len(member.read(min(count, 1 << 20)))
        if not passed:
            raise EOFError("a member ends early")
        count -= passed


def _check_name(path: Path, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise WeightsError(f"{path} has a member {name[:80]!r}, which leads out of the archive")


def _check_directory(path: Path) -> None:
    """Bound the directory, which zipfile reads whole, by what the end of the file says of it."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = min(size, (1 << 16) + _END_SIZE + 76)
        file.seek(size - length)
        tail = file.read(length)
    at = tail.rfind(_END)
    if at < 0:
        raise zipfile.BadZipFile("it has no directory at its end")
    members = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    if tail[at - 20 : at - 16] == _LOCATOR_64 and tail[at - 76 : at - 72] == _END_64:
        members = int.from_bytes(tail[at - 44 : at - 36], "little")
        directory = int.from_bytes(tail[at - 36 : at - 28], "little")
    if members > MOST_MEMBERS or directory > MOST_DIRECTORY:
        raise WeightsError(
            f"{path} has {members:,} members, listed in {directory:,} bytes, which is more than "
            "any weights file needs"
        )
