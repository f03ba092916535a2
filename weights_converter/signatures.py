"""The first bytes of files: how each kind begins, and its name in messages."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from weights_converter.errors import WeightsError

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
# torch.save began with this number until version 1.6: as a pickle of protocol 2, unless another one
# was asked for. From 4 on, pickles have frames; before 2, they are text.
_NUMBER = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
_FRAME = b"\x95\x0d\0\0\0\0\0\0\0"
TORCH_MAGIC = (b"\x80\x02" + _NUMBER, b"\x80\x03" + _NUMBER, b"\x80\x04" + _FRAME + _NUMBER,
               b"\x80\x05" + _FRAME + _NUMBER, b"L119547037146038801333356L\n.")

SAVE_AS_7 = "save it in MATLAB with -v7"

# Kinds of files and their names in messages.
OTHER_MAGIC = (
    (HDF5_MAGIC, "an HDF5 file"),
    (b"PK\x03\x04", "a zip archive (PyTorch's .pth, or NumPy's .npz)"),
    *((magic, "a file of PyTorch before 1.6") for magic in TORCH_MAGIC),
    (b"\x80", "a Python pickle, which this program never opens; save the arrays as .npz"),
    (b"\x93NUMPY", "a NumPy .npy file; save the arrays with their names as .npz"),
    (b"MATLAB 7.3", f"a MATLAB file of version 7.3; {SAVE_AS_7}"),
    (b"MATLAB", "a MATLAB file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it points to"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"{", "a JSON file"),
)


def read_head(path: Path, length: int = 512) -> bytes:
    """Read the first bytes of a regular, readable file.

    Raises
    ------
    WeightsError
        There is no such file, it is not a regular file, or it cannot be read.
    """
    # os.path returns False where Path raises, for instance for a name that is too long.
    if not os.path.exists(path):
        raise WeightsError(f"there is no file {path}")
    if not os.path.isfile(path):
        raise WeightsError(f"{path} is not a file, but a weights file is expected")
    try:
        with open(path, "rb") as file:
            return file.read(length)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error


def kind_of(head: bytes) -> str:
    """The name of a file's kind, from its first bytes."""
    if not head:
        return "empty"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return "a web page saved under this name (a download that failed?)"
    for magic, words in OTHER_MAGIC:
        if head.startswith(magic):
            return words
    if _is_matlab_4(head):
        return f"a MATLAB file of version 4; {SAVE_AS_7}"
    return "of an unknown kind"


def _is_matlab_4(head: bytes) -> bool:
    """Whether a file begins with a matrix of MATLAB 4: five numbers, and its name with a zero.

    The first number is four digits: the order of bytes, 0, a type from 0 to 5, and 0 for numbers, 1
    for text or 2 for a sparse matrix.
    """
    for order, digit in (("<", 0), (">", 1)):
        if len(head) > 20:
            first, _, _, imaginary, length = struct.unpack(f"{order}5I", head[:20])
            name = head[20:20 + length]
            if (first // 1000 == digit and first // 100 % 10 == 0 and first // 10 % 10 <= 5
                    and first % 10 <= 2 and imaginary <= 1 and name[-1:] == b"\0"
                    and name[:-1].decode("latin-1").isidentifier()):
                return True
    return False
