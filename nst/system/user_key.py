"""The key with which a user's checkpoints are sealed.

Anyone who edits a file can recompute a checksum, but not a seal without its key. The key is
a file of 32 random bytes in the user's data folder, or the file that the environment variable
NST_KEY_FILE names, for machines whose home folder is not kept.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from minigrad.errors import FileError
from nst.system.files import read_bounded

VARIABLE = "NST_KEY_FILE"
LENGTH = 32             # bytes of a key; more in its file are ignored
MAX_BYTES = 4096        # of the file


def key_path() -> Path | None:
    """The file of the key, which may not exist yet.

    None for a user without a home folder, and in WebAssembly, which has no users.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    try:
        import platformdirs
        return platformdirs.user_data_path("nst", appauthor=False) / "checkpoint.key"
    except (ImportError, RuntimeError):
        return None


def user_key() -> bytes:
    """The user's key, which is made when it is first needed.

    It is empty where there is no file and none can be written: then a seal is a mere checksum. A
    file that `NST_KEY_FILE` names is never done without.

    Raises
    ------
    FileError
        The file is no key, or the one that is named cannot be made or read.
    """
    path = key_path()
    if path is None:
        return b""
    try:
        if not os.path.lexists(path):
            _create(path)
    except OSError as error:
        return _without(path, error)
    return _read(path)


def check_key() -> None:
    """Check, before a long run, that the file of the key is one, if it is there already.

    A file that `NST_KEY_FILE` names is made, because the run could save no checkpoint without it.

    Raises
    ------
    FileError
        See `user_key`.
    """
    path = key_path()
    if os.environ.get(VARIABLE):
        user_key()
    elif path is not None and os.path.lexists(path):
        _read(path)


def _read(path: Path) -> bytes:
    try:
        key = read_bounded(path, MAX_BYTES)
    except PermissionError as error:
        return _without(path, error)
    except OSError as error:
        raise _no_key(path, error.strerror or str(error)) from None
    if len(key) < LENGTH:
        raise _no_key(path, f"it has {len(key)} bytes, but a key has {LENGTH}")
    return key[:LENGTH]


def _without(path: Path, error: OSError) -> bytes:
    """No key, unless the user has named a file for it."""
    if os.environ.get(VARIABLE):
        raise _no_key(path, error.strerror or str(error)) from None
    return b""


def _no_key(path: Path, reason: str) -> FileError:
    where = f"{VARIABLE} names" if os.environ.get(VARIABLE) else "checkpoints are sealed with"
    if not os.path.lexists(path):
        return FileError(f"{where} the key {path}, which cannot be made: {reason}; set {VARIABLE} "
                         f"to a file that can be written")
    return FileError(f"{where} the key {path}, which cannot be used: {reason}; delete it, so that "
                     f"nst makes a new one, or set {VARIABLE} to another file")


def _create(path: Path) -> None:
    """Write a new key, unless another process is faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"nst-{secrets.token_hex(4)}")       # its own may be long
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        with suppress(OSError):     # the key is there, even if its other name stays
            os.unlink(temporary)
