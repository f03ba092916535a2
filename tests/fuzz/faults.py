"""A reader that does everything that the driver must notice; its test chooses what, by the file."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from minigrad.errors import FileError


def read(path: Path) -> None:
    """Do what the file says."""
    match path.read_text():
        case "crash":
            ctypes.string_at(0)
        case "loop":
            while True:
                pass
        case "hang":
            sum(range(1 << 60))         # in C, where no handler of Python's runs
        case "error":
            print(1 // 0)
        case "sentence":
            raise FileError("bad")      # too short for a sentence; lines are joined by the class
        case "warning":
            np.float32(1e38) * np.ones(1, np.float32) * np.float32(1e38)
        case "memory":
            try:
                np.ones(1 << 28)
            except MemoryError:
                raise FileError("this file needs too much memory") from None
