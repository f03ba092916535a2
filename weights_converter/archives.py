"""Read zip archives of unknown origin into bounded memory, without unpacking them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from weights_converter.errors import WeightsError, reading

# VGG19 has 38 arrays. zipfile always reads the whole directory.
MAX_MEMBERS = 20_000
MAX_DIRECTORY = 4 << 20

_END = b"PK\x05\x06"
_END_SIZE = 22
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"


@contextmanager
def open_zip(path: Path, kind: str = "zip archive") -> Iterator[zipfile.ZipFile]:
    """Open a zip archive for reading; any failure inside the block raises an error of one sentence.

    Parameters
    ----------
    path : Path
    kind : str
        Name of the format in messages.

    Raises
    ------
    WeightsError
        The archive is damaged, its directory is too large, a member's name points outside it, a
        member is longer than the file, or it is compressed by another method than deflate.
    """
    with reading(path, kind):
        size = os.path.getsize(path)
        _check_directory(path, size)
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check_member(path, member, size)
            yield archive


def member_names(path: Path) -> list[str]:
    """Names of all members."""
    with open_zip(path) as archive:
        return archive.namelist()


def read_member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read a whole member, if it has at most `limit` bytes.

    The directory may state a wrong size, but zipfile does not read beyond the stated size.
    """
    size = archive.getinfo(name).file_size
    if size > limit:
        raise WeightsError(f"{path}: {name} has {size:,} bytes, but no weights file needs more "
                           f"than {limit:,}")
    return archive.read(name)


def read_range(archive: zipfile.ZipFile, name: str, start: int, count: int) -> bytes:
    """Read `count` bytes of a member from byte `start`, in no more memory than that."""
    with archive.open(name) as member:
        if archive.getinfo(name).compress_type == zipfile.ZIP_STORED:
            member.seek(start)
        else:
            _skip(member, start)
        data = member.read(count)
    if len(data) != count:
        raise EOFError(f"{name} ends early")
    return data


def _skip(member: IO[bytes], count: int) -> None:
    while count > 0:
        count_read = len(member.read(min(count, 1 << 20)))
        if not count_read:
            raise EOFError("a member ends early")
        count -= count_read


def _check_member(path: Path, member: zipfile.ZipInfo, size: int) -> None:
    """Check what the directory of an archive of `size` bytes states about a member."""
    name = member.filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise WeightsError(f"{path} has a member {name[:80]!r}, which points outside the archive")
    # zipfile allocates as much as is stated, up to 4 GB, before it reads.
    if member.compress_size > size - member.header_offset:
        raise WeightsError(f"{path}: {name[:80]} should have {member.compress_size:,} bytes, more "
                           "than the file; download or create it again")
    # Others are decompressed by libraries whose memory cannot be bounded from here.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WeightsError(f"{path}: {name[:80]} is compressed by another method than deflate; "
                           "save the file again with NumPy or PyTorch")


def _check_directory(path: Path, size: int) -> None:
    """Check the size of the directory, stated at the end of the file, before zipfile reads it."""
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
    if members > MAX_MEMBERS or directory > MAX_DIRECTORY:
        raise WeightsError(f"{path} has {members:,} members, listed in {directory:,} bytes, which "
                           "is more than any weights file needs")
