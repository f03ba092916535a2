"""A lock file per output, so that two runs cannot overwrite each other's results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from minigrad.errors import FileError
from minigrad.file_lock import LockedError, file_lock
from minigrad.files import remove_partial


@contextmanager
def output_lock(output: Path, others: Iterable[Path] = ()) -> Iterator[None]:
    """Prevent other processes from writing `output` and `others`.

    Partial files left by a killed process are deleted. If the disk does not support locks, there
    is no protection, and nothing is deleted.

    Parameters
    ----------
    output : Path
        The file that gives the lock its name.
    others : iterable of Path
        Other files of the same run.

    Raises
    ------
    FileError
        Another process holds the lock, or the lock file cannot be written.
    """
    with ExitStack() as stack:
        try:
            held = stack.enter_context(file_lock(output.with_name(f".{output.name}.lock")))
        except LockedError:
            raise FileError(f"another run is writing {output}; wait until it ends, or choose "
                            f"another output name") from None
        if held:
            for path in (output, *others):
                remove_partial(path)
        yield
