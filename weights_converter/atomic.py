"""Write a file all at once: under its name there is the old one, or the new one, never half."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from weights_converter.errors import WeightsError


def check_destination(path: Path) -> None:
    """Demand that a file can be made under this name; called before any work is done."""
    folder = _target(path).parent
    if not folder.exists():
        raise WeightsError(f"cannot write {path}: there is no folder {folder}; create it first")
    if not folder.is_dir():
        raise WeightsError(f"cannot write {path}: {folder} is not a folder")
    if not os.access(folder, os.W_OK):
        raise WeightsError(f"cannot write {path}: writing in the folder {folder} is not permitted")
    if os.path.exists(path) and not os.path.isfile(path):
        raise WeightsError(f"cannot write {path}: it exists and is not a file; name a file")


def _target(path: Path) -> Path:
    """Where a name leads: a link stays, and the file that it points to is replaced."""
    return Path(os.path.realpath(path))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name in the folder of `path`; rename it to `path` if the block succeeds.

    In the same folder, because only within one file system is renaming a single
    step. Whatever happens inside, the temporary file is gone afterwards; only a
    process that is killed leaves one, and it begins with a dot and ends in ``.part``.

    Raises
    ------
    WeightsError
        In place of any OSError: the disk is full, the folder is gone …
    """
    target = _target(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and wait until the disk has it: a rename must not overtake the bytes."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut; only POSIX can open a folder to do so."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
