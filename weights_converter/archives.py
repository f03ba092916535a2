"""Read zip archives of unknown origin into bounded memory, without unpacking them."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from weights_converter.errors import WeightsError, reading

# VGG19 has 38 arrays.
MAX_MEMBERS = 20_000
MAX_DIRECTORY = 2 << 20
# The records at the end of the file, and a comment.
MAX_END = 1 << 17

# Bytes that a compressed member may have beyond 1.25 for each of its contents.
MAX_WASTE = 1 << 16

PIECE = 1 << 20
_LOCAL_HEADER = 30        # bytes before a member's name


@contextmanager
def open_zip(path: Path, kind: str = "zip archive") -> Iterator[zipfile.ZipFile]:
    """Open a zip archive for reading; any failure inside the block raises an error of one sentence.

    The sums of members (CRC-32) are compared unless they are 0: PyTorch leaves them out on request
    (`torch.serialization.set_crc32_options`). Such a file is as well protected as the many formats
    without sums, by the comparison with the published network.

    Parameters
    ----------
    path : Path
    kind : str
        Name of the format in messages.

    Raises
    ------
    WeightsError
        The archive is damaged, its directory is too large, two members have the same name, a name
        points outside it, a member is longer than the file, overlaps another, or is compressed by
        another method than deflate.
    """
    with reading(path, kind), _Metered(path) as file, zipfile.ZipFile(file) as archive:
        file.left = None
        _check_names(path, archive.namelist())
        size = os.path.getsize(path)
        for member in archive.infolist():
            _check_member(path, member, size)
            if member.CRC == 0:
                del member.CRC      # so zipfile compares none
        _check_overlap(path, archive.infolist())
        yield archive


def member_names(path: Path) -> list[str]:
    """Names of all members."""
    with open_zip(path) as archive:
        return archive.namelist()


def read_member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read a whole member, if it has at most `limit` bytes.

    Raises
    ------
    WeightsError
        It has more.
    EOFError, zipfile.BadZipFile
        It is shorter than the directory states, or its sum differs.
    """
    size = archive.getinfo(name).file_size
    if size > limit:
        raise WeightsError(f"{path}: {name} has {size:,} bytes, but no weights file needs more "
                           f"than {limit:,}")
    return read_range(archive, name, 0, size)


def read_range(archive: zipfile.ZipFile, name: str, start: int, count: int) -> bytes:
    """Read `count` bytes of a member from byte `start`, in no more memory than that.

    The directory may state any size, and zipfile ends a member there; but read() without a count
    inflates up to 2 GB before it cuts them off. So it is only ever asked for a count.
    """
    info = archive.getinfo(name)
    with archive.open(name) as member:
        if start and info.compress_type == zipfile.ZIP_STORED:
            return _read_stored(archive, info, start, count)
        skipped = sum(map(len, _pieces(member, start)))
        pieces = list(_pieces(member, count))
    if skipped + sum(map(len, pieces)) != start + count:
        raise EOFError(f"{name} ends early")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _read_stored(archive: zipfile.ZipFile, info: zipfile.ZipInfo, start: int, count: int) -> bytes:
    """Read from the middle of a member that is not compressed.

    Before Python 3.13 zipfile's seek() reads everything before `start`, and many tensors may share
    one large storage.
    """
    file = archive.fp
    if file is None or start + count > min(info.file_size, info.compress_size):
        raise EOFError(f"{info.filename} ends early")
    file.seek(info.header_offset)
    lengths = struct.unpack("<HH", file.read(_LOCAL_HEADER)[-4:])   # of the name and what follows
    file.seek(sum(lengths) + start, os.SEEK_CUR)
    data = file.read(count)
    if len(data) != count:
        raise EOFError(f"{info.filename} ends early")
    return data


def _pieces(member: IO[bytes], count: int) -> Iterator[bytes]:
    """Yield the next `count` bytes; fewer at the end of the member."""
    while count > 0 and (piece := member.read(min(count, PIECE))):
        yield piece
        count -= len(piece)


def _check_names(path: Path, names: list[str]) -> None:
    """Check number and names: an entry costs 50 bytes, and its member may be read once for each."""
    if len(names) > MAX_MEMBERS:
        raise WeightsError(f"{path} has {len(names):,} members, but no weights file needs more "
                           f"than {MAX_MEMBERS:,}")
    if len(set(names)) < len(names):
        duplicate, times = Counter(names).most_common(1)[0]
        raise WeightsError(f"{path} has {times:,} members called {duplicate[:80]!r}, but every "
                           "name must be unique; save the file again")


def _check_member(path: Path, member: zipfile.ZipInfo, size: int) -> None:
    """Check what the directory of an archive of `size` bytes states about a member."""
    name = member.filename
    # Nothing is unpacked, so a colon or a leading / does no harm: torch.save names the folder
    # within after the file, and np.savez a member after its array, such as conv1_1/kernel:0.
    if ".." in name.replace("\\", "/").split("/"):
        raise WeightsError(f"{path} has a member {name[:80]!r}, which points outside the archive")
    # zipfile allocates as much as is stated, up to 4 GB, before it reads.
    if member.compress_size > size - member.header_offset:
        raise WeightsError(f"{path}: {name[:80]} should have {member.compress_size:,} bytes, more "
                           "than the file; download or create it again")
    # Deflate may hold any number of blocks with nothing in them, but no program writes these.
    if member.compress_size > member.file_size + member.file_size // 4 + MAX_WASTE:
        raise WeightsError(f"{path}: {name[:80]} has {member.compress_size:,} bytes for "
                           f"{member.file_size:,}; save the file again with NumPy or PyTorch")
    # Others are decompressed by libraries whose memory cannot be bounded from here.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WeightsError(f"{path}: {name[:80]} is compressed by another method than deflate; "
                           "save the file again with NumPy or PyTorch")


def _check_overlap(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Check that no bytes belong to two members, so that reading all takes no more than the file.

    Otherwise thousands of members of 90 bytes may share one long run of blocks with nothing in it.
    """
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise WeightsError(f"{path}: {member.filename[:80]} overlaps the member before it; "
                               "save the file again with NumPy or PyTorch")
        end = member.header_offset + _LOCAL_HEADER + member.compress_size


class _Metered(io.BufferedReader):
    """A file of which zipfile may read so many bytes, until `left` is None.

    When zipfile opens an archive it reads the whole directory at once, and believes the size that
    is stated at the end of the file, but not the number of members. Its rules for finding that end
    depend on the version, so they are not repeated here: what it reads is counted instead.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.path = path
        self.left: int | None = MAX_DIRECTORY + MAX_END

    def read(self, size: int | None = -1, /) -> bytes:
        if self.left is not None:
            if size is None or size < 0:
                size = os.fstat(self.fileno()).st_size - self.tell()
            if size > self.left:
                raise WeightsError(f"{self.path} has a directory of more than {MAX_DIRECTORY:,} "
                                   "bytes, but no weights file needs that")
            self.left -= size
        return super().read(size)
