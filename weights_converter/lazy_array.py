"""An array in a file that is read on demand; all readers return arrays in this form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


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
    """

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[], np.ndarray]


# Every array of a file by name.
Tensors = Mapping[str, LazyArray]
