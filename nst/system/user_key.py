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

VARIABLE = "NST_KEY_FILE"
LENGTH = 32


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

    It is empty where no file can be written: then a seal is a mere checksum.
    """
    path = key_path()
    if path is None:
        return b""
    with suppress(OSError):
        if not os.path.exists(path):
            _create(path)
    try:
        with open(path, "rb") as file:
            return file.read(LENGTH)
    except OSError:
        return b""


def _create(path: Path) -> None:
    """Write a new key, unless another process is faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
