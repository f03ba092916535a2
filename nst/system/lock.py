"""A lock file for every file of a run, so that two runs cannot overwrite each other's results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from minigrad.errors import FileError
from minigrad.file_lock import LockedError, file_lock
from minigrad.files import remove_partial


@contextmanager
def output_lock(output: Path, others: Iterable[Path] = ()) -> Iterator[None]:
    """Prevent other processes from writing `output` or any of `others`.

    out.png and out.jpg have the same checkpoint, so each file has a lock, beside the file that a
    symbolic link leads to. Partial files left by a killed process are deleted. If the disk does not
    support locks, there is no protection, and nothing is deleted.

    Parameters
    ----------
    output : Path
        The file that a message names.
    others : iterable of Path
        Other files of the same run.

    Raises
    ------
    FileError
        Another process holds the lock, or the lock file cannot be written.
    """
    with ExitStack() as stack:
        paths = [output, *others]
        # In one order everywhere. Runs on disks that ignore case share a lock, too.
        for path, name in sorted({Path(os.path.realpath(path)): path for path in reversed(paths)
                                  }.items()):
            try:
                held = stack.enter_context(file_lock(path.with_name(f".{path.name}.lock")))
            except LockedError:
                also = "" if name == output else f" of {output}"
                raise FileError(f"another run is writing {name}{also}; wait until it ends, or "
                                f"choose another output name") from None
            if held:
                remove_partial(path)
        yield
