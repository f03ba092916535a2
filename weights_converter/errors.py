"""The error of this package, and how a reader's exceptions become one."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minigrad.errors import FileError, MinigradError

# What parsing bytes that nobody checked can raise, in the standard library and in h5py.
DAMAGE = (
    OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
    SyntaxError, MemoryError, struct.error, zlib.error, zipfile.BadZipFile,
)


MOST_LETTERS = 1200


class WeightsError(FileError):
    """A weights file that is missing, damaged, of another kind, or no VGG.

    The message is one sentence that names the file, what is wrong with it and
    what would be right. Names out of a stranger's file may be in it, so what could end
    a line or steer a terminal is replaced, and what is endless is cut.
    """

    def __init__(self, message: str) -> None:
        text = "".join(letter if letter.isprintable() else "�" for letter in message)
        if len(text) > MOST_LETTERS:
            text = f"{text[: MOST_LETTERS // 2]} … {text[-MOST_LETTERS // 2 :]}"
        super().__init__(text)


class CannotWriteError(WeightsError):
    """The file to be written cannot be; whatever was read is not to blame."""


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is parsed into one sentence.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it was taken for: "zip archive", "MATLAB file" …

    Raises
    ------
    WeightsError
    """
    try:
        yield
    except MinigradError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise WeightsError(
            f"{path} is a damaged {kind} ({reason}); fetch or make it again"
        ) from error
