"""Write files atomically (readers see the old file or the new one), read their digests, and read
small files that may be a stranger's."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minigrad.errors import FileError, MinigradError

MAX_PREFIX = 40         # characters of a file's name at the start of its temporary names


def check_writable(path: str | os.PathLike, error: type[MinigradError] = FileError) -> None:
    """Check that a file can be written under this name; call it before any long work.

    This creates a file in the same folder and removes it. Checking permissions is not enough,
    because a disk may be mounted read-only, and root ignores them.

    Parameters
    ----------
    path : the file to be written.
    error : class of the exception, for packages that have their own.

    Raises
    ------
    error : the folder does not exist, it cannot be written to, or the name belongs to something
        that is not a file.
    """
    _check_place(Path(path), error)
    try:
        temporary = _temporary(_target(path))
        try:
            with open(temporary, "xb"):
                pass
        finally:
            _remove(temporary)
    except (OSError, ValueError) as cause:
        raise error(f"cannot write {path}: {reason_of(cause)}") from cause


def write_atomically(path: str | os.PathLike, data: bytes,
                     error: type[MinigradError] = FileError) -> None:
    """Write `data` to `path` in one step: the old file stays until the new one is complete.

    Raises
    ------
    error : for example the disk is full, the folder is gone, or writing is not permitted.
    """
    with replacing(path, error) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: str | os.PathLike, error: type[MinigradError] = FileError) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`; rename it to `path` if the block succeeds.

    It is in the same folder because renaming is atomic only within one file system. The file is
    flushed to the disk before it is renamed. The temporary file is removed whatever happens in the
    block. Only a killed process leaves one; its name begins with a dot and ends in `.part`. If
    `path` is a link, the file that it points to is replaced. After the rename nothing is reported
    any more: the new file is complete and in its place.

    Raises
    ------
    error : in place of any OSError, for example if the disk is full or the folder is gone. The old
        file is unchanged then.
    """
    _check_place(Path(path), error)
    try:
        target = _target(path)
    except (OSError, ValueError) as cause:  # the working directory is gone, or a name has a NUL
        raise error(f"cannot write {path}: {reason_of(cause)}") from cause
    temporary = _temporary(target)
    try:
        yield temporary
        _sync(temporary)        # the data must be on the disk before the rename
        os.replace(temporary, target)
    except MinigradError:
        raise
    except OSError as cause:
        raise error(f"cannot write {path}: {cause.strerror or cause}") from cause
    finally:
        _remove(temporary)
    _sync_folder(target.parent)


def check_space(path: str | os.PathLike, size: int) -> None:
    """Check that the disk has space for a new file `path` of `size` bytes, which is removed again.

    This is for libraries that crash if a write fails halfway. It does nothing on systems without
    `posix_fallocate`.

    Raises
    ------
    OSError : the disk is full, or such large files are not allowed.
    """
    if not hasattr(os, "posix_fallocate") or not size:
        return
    try:
        with open(path, "xb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    finally:
        _remove(Path(path))


def read_bounded(path: str | os.PathLike, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    A pipe would keep a program waiting for ever, and a device may have no end.

    Raises
    ------
    OSError : it cannot be read, is larger, or is no regular file; `strerror` says so in words.
    """
    # Without waiting for somebody who writes to a pipe.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
                         | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file, but a folder, device or pipe", str(path))
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return data


def file_digest(*paths: str | os.PathLike, algorithm: str = "sha256",
                error: type[MinigradError] = FileError) -> str:
    """Hash the contents of files, one after the other.

    Parameters
    ----------
    paths : the files, whose contents count as one sequence of bytes.
    algorithm : name of a hash function of `hashlib`.
    error : class of the exception, for packages that have their own.

    Returns
    -------
    str
        Hexadecimal digits.

    Raises
    ------
    error : a file cannot be read.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for path in paths:
        try:
            with open(path, "rb") as file:
                hashlib.file_digest(file, lambda: digest)
        except (OSError, ValueError) as cause:
            raise error(f"cannot read {path}: {reason_of(cause)}") from cause
    return digest.hexdigest()


def reason_of(cause: BaseException) -> str:
    """Why the operating system, or Python before it, refuses a path: a few words."""
    return getattr(cause, "strerror", None) or str(cause)


def make_folder(path: str | os.PathLike, error: type[MinigradError] = FileError) -> None:
    """Make a folder, and those above it, unless they exist.

    Raises
    ------
    error : it cannot be made, or a file has its name.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError) as cause:
        raise error(f"cannot make the folder {path}: {reason_of(cause)}") from cause


def _check_place(path: Path, error: type[MinigradError]) -> None:
    """Check that the folder of `path` is writable and `path` is not a folder itself."""
    check_link(path, error)
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


def check_link(path: Path, error: type[MinigradError] = FileError) -> None:
    """Check that `path` is not one of several links that lead to each other.

    Raises
    ------
    error : it is.
    """
    if os.path.islink(path) and os.path.islink(_target(path)):  # what realpath gives for these
        raise error(f"cannot write {path}: it is a link in a loop of links; name a file")


def _target(path: str | os.PathLike) -> Path:
    """The file to replace: the target of `path` if that is a link."""
    return Path(os.path.realpath(path))


def _temporary(target: Path) -> Path:
    """An unused name in the folder of `target`, not too long for the file system."""
    return target.with_name(f".{target.name[:MAX_PREFIX]}.{secrets.token_hex(4)}.part")


def remove_partial(path: Path) -> None:
    """Delete the temporary files of `path` that killed processes left behind.

    Call this only where no other process can be writing the file.
    """
    if len(path.name) > MAX_PREFIX:     # its temporary names may be those of another file
        return
    pattern = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.part")
    with suppress(OSError):                 # a folder may be writable, but not readable
        for other in path.parent.iterdir():
            if pattern.fullmatch(other.name):
                _remove(other)


def _remove(temporary: Path) -> None:
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Flush a folder, so that a rename survives a power failure, where the system can do that.

    Windows and WebAssembly cannot, some file systems refuse, and a folder may be writable but not
    readable.
    """
    if os.name == "posix" and sys.platform not in ("emscripten", "wasi"):
        with suppress(OSError):
            _sync(folder, os.O_RDONLY)


def _sync(path: Path, mode: int = os.O_RDWR) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
