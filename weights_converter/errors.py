"""The exceptions of this package, and a context manager that converts others to them."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minigrad.errors import FileError, MinigradError
from minigrad.printable import printable

# Exceptions that the standard library and our readers raise on damaged bytes.
DAMAGE = (
    OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
    SyntaxError, struct.error, zlib.error, lzma.LZMAError,
    zipfile.BadZipFile,
)

MAX_LETTERS = 1200


class WeightsError(FileError):
    """A weights file that is missing, damaged, of another kind, or not a VGG.

    The message is one sentence that names the file, the problem and what is expected. It may quote
    names from an untrusted file, so unprintable characters are replaced and very long messages
    shortened.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, MAX_LETTERS))


class DownloadError(WeightsError):
    """An address does not provide the file; the message does not name the address."""


class CannotWriteError(WeightsError):
    """The destination cannot be written; the source is not at fault."""


class NoMemoryError(WeightsError):
    """There is too little memory; no file is at fault."""


@contextmanager
def enough_memory(task: str) -> Iterator[None]:
    """Turn a lack of memory into an error of one sentence.

    Parameters
    ----------
    task : str
        What the memory is for: "convert vgg19.npz".

    Raises
    ------
    NoMemoryError
    """
    try:
        yield
    except MinigradError:
        raise
    except MemoryError as error:
        raise NoMemoryError(f"there is not enough memory to {task}; close other programs, or use a "
                            "larger machine") from error


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn any failure while a file is parsed into an error of one sentence.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Its supposed kind: "zip archive", "MATLAB file" …

    Raises
    ------
    WeightsError
    """
    try:
        with enough_memory(f"read {path}"):
            yield
    except MinigradError:
        raise
    except DAMAGE as error:
        raise WeightsError(f"{path} is a damaged {kind} ({message_of(error)}); download or create "
                           "it again") from error


def message_of(error: BaseException) -> str:
    """The message of any exception in one line, at most 200 characters.

    An exception may contain an object from the file whose text cannot be made, or is endless: so
    only text and numbers are shown.
    """
    parts = [str(part)[:200] for part in error.args
             if type(part) in (str, float, bool) or (type(part) is int and abs(part) < 1 << 64)]
    return " ".join(" ".join(parts).split())[:200] or type(error).__name__
