"""A lock between processes: two runs at once share one download."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from weights_converter.errors import WeightsError

if os.name == "nt":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait_for(file: BinaryIO) -> None:
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)    # gives up after ten seconds
                return
            except OSError:
                continue
else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_for(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on a file; the operating system gives it back however a process ends.

    Parameters
    ----------
    path : Path
        The file, which is made and stays.
    waiting : callable
        Called once if another process has the lock, before waiting for it.

    Raises
    ------
    WeightsError
        The file cannot be made, or its file system has no locks.
    """
    try:
        file = open(path, "ab")  # noqa: SIM115
    except OSError as error:
        raise WeightsError(f"cannot write {path}: {error.strerror}") from error
    with file:
        try:
            if not _try_lock(file):
                waiting()
                _wait_for(file)
        except OSError as error:
            raise WeightsError(f"cannot lock {path}: {error.strerror}") from error
        yield
