"""Two runs that write the same files would lose each other's work: the second one is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minigrad.errors import FileError

try:
    import fcntl
except ImportError:             # not on Windows
    fcntl = None

KEPT = 40           # characters of a file's name that its temporary names begin with


@contextmanager
def claimed(output: Path, others: Iterable[Path] = ()) -> Iterator[None]:
    """Be the only program that writes ``output`` (and ``others``, which belong to it).

    The system itself lets go of the claim when the process ends, however that happens. What an
    earlier process that was killed had written in part is taken away.

    Raises
    ------
    FileError
        Another process has it.
    """
    path = output.with_name(f".{output.name}.lock")
    lock = _locked(path, output)
    try:
        if lock is not None:
            for one in (output, *others):
                _clear(one)
        yield
    finally:
        if lock is not None:
            path.unlink(missing_ok=True)        # first: whoever opens it now makes a new one
            os.close(lock)


def _locked(path: Path, output: Path) -> int | None:
    """A file that is locked, or None where the system or the disk has no locks."""
    if fcntl is None:
        return None
    while True:
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror or error}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise FileError(f"another run is writing {output} just now; wait until it has ended, "
                            f"or give the output another name") from None
        except OSError:
            os.close(lock)
            with suppress(OSError):
                path.unlink()
            return None
        if _is_still(path, lock):
            return lock
        os.close(lock)              # its owner had just taken it away


def _is_still(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(lock))
    except FileNotFoundError:
        return False


def _clear(path: Path) -> None:
    """Take away what killed processes left half written; see `minigrad.files`."""
    if len(path.name) > KEPT:       # the beginning alone may be that of another file
        return
    part = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.part")
    for found in path.parent.iterdir():
        if part.fullmatch(found.name):
            with suppress(OSError):
                found.unlink()
