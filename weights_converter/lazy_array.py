"""An array in a file that is read on demand; all readers return arrays in this form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from weights_converter.errors import WeightsError


@dataclass(frozen=True)
class LazyArray:
    """An array of a weights file that has not been read yet.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype or None
        None if it is not known, which NumPy takes for float64: then `read` says why.
    read : callable
        Reads and returns the array.
    unread : str
        What the array is if this program never reads it; otherwise "".
    """

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[], np.ndarray]
    unread: str = ""

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers that can be read."""
        return not self.unread and np.dtype(self.dtype).kind == "f"


def unread_array(shape: tuple[int, ...], what: str) -> LazyArray:
    """An array that is known by name and shape only, beside those that are needed.

    Parameters
    ----------
    what : str
        What it is, for messages: "text", "F8_E4M3" …
    """
    def refuse() -> np.ndarray:
        raise WeightsError(f"an array that is {what} cannot be read")

    return LazyArray(shape, np.dtype("V1"), refuse, what)


# Every array of a file by name.
Tensors = Mapping[str, LazyArray]
