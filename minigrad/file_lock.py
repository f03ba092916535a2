"""A lock between processes, so that two of them do not write the same file at once.

Not imported by `import minigrad`: the engine itself needs no lock, and no `filelock`.
"""

from __future__ import annotations

import errno
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

with warnings.catch_warnings():         # that WebAssembly has no locks: see NOT_SUPPORTED
    warnings.simplefilter("ignore")
    from filelock import FileLock, Timeout

from minigrad.errors import FileError, MinigradError

NOT_SUPPORTED = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
# A waiter may lock the file just as its owner deletes it, and then has to open a new one.
SECOND_TRY = 0.1        # seconds


class LockedError(FileError):
    """Another process holds the lock."""


@contextmanager
def file_lock(path: Path, waiting: Callable[[], None] | None = None,
              error: type[MinigradError] = FileError) -> Iterator[bool]:
    """Hold a lock file; it is deleted at the end.

    The operating system releases the lock when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        The lock file. It is created if needed.
    waiting : callable, optional
        Called once before waiting for another process that holds the lock. Without it there is
        no waiting.
    error : type
        Class of the exception for a lock file that cannot be created.

    Yields
    ------
    bool
        Whether the lock is held: False where the system or the disk has no locks.

    Raises
    ------
    LockedError
        Another process holds the lock, and `waiting` was not given.
    error
        The lock file cannot be created, or is a link, a pipe, a device, a file with a second name,
        or one that holds something.
    """
    _check_regular(path, error)
    lock = FileLock(path, fallback_to_soft=False)
    held = _acquire(lock, path, waiting, error)
    try:
        yield held
    finally:
        if held:
            with suppress(OSError):     # before the release: a waiter then creates a new file
                os.unlink(path)         # Windows cannot delete an open file; filelock does it there
            with suppress(OSError):     # its folder may be gone; the system releases the lock
                lock.release()


def _check_regular(path: Path, error: type[MinigradError]) -> None:
    """Opening a pipe may wait for ever; a link may lead to a file that would be emptied."""
    try:
        status = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise error(f"cannot lock {path}: it is not a regular file; delete it")
    if status.st_nlink > 1:
        raise error(f"cannot lock {path}: the file has another name, too, and locking would empty "
                    f"it; delete this name")
    if status.st_size:          # a lock of ours is empty, and is deleted at the end
        raise error(f"cannot lock {path}: a lock is an empty file, but this has "
                    f"{status.st_size:,} bytes; give it another name")


def _acquire(lock: FileLock, path: Path, waiting: Callable[[], None] | None,
             error: type[MinigradError]) -> bool:
    try:
        try:
            lock.acquire(timeout=SECOND_TRY, poll_interval=SECOND_TRY / 2)
        except Timeout:
            if waiting is None:
                raise
            waiting()
            lock.acquire()
    except Timeout:
        raise LockedError(f"another process holds the lock {path}") from None
    except OSError as cause:
        if cause.errno in NOT_SUPPORTED:
            with suppress(OSError):
                os.unlink(path)
            return False
        raise error(f"cannot write {path}: {cause.strerror or cause}") from None
    return True
