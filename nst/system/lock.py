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
    """Let this process alone write `output` and `others`.

    Partial files that a killed process left of them are deleted. Where the disk has no locks,
    there is no protection, and nothing is deleted.

    Parameters
    ----------
    output : Path
        The file that gives the lock its name.
    others : iterable of Path
        Files that belong to it.

    Raises
    ------
    FileError
        Another process holds the lock, or the lock file cannot be written.
    """
    with ExitStack() as stack:
        try:
            held = stack.enter_context(file_lock(output.with_name(f".{output.name}.lock")))
        except LockedError:
            raise FileError(f"another run is writing {output} just now; wait until it has ended, "
                            f"or give the output another name") from None
        if held:
            for path in (output, *others):
                remove_partial(path)
        yield
