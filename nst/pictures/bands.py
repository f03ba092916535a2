"""Arithmetic on large pictures, a band of rows after the other.

NumPy keeps the whole result of each step of a formula, mostly as float64: 24 bytes for a pixel that
has 6 in its file and 12 in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

_NUMBERS = 1 << 20          # of a band


def by_bands(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """`function(*arrays)`, in which each pixel depends on the same pixel of the arrays only.

    Parameters
    ----------
    function : callable
        Gets parts of the arrays, and returns an array of the same height and width.
    arrays : arrays H×W or H×W×C
    """
    result = None
    for band in bands(arrays[0].shape):
        piece = function(*(array[band] for array in arrays))
        if result is None:
            result = np.empty(arrays[0].shape[:2] + piece.shape[2:], piece.dtype)
        result[band] = piece
    return function(*arrays) if result is None else result


def bands(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Parts of a picture; where a row is very long, parts of rows."""
    width, channels = shape[1], max(1, prod(shape[2:]))
    columns = max(1, min(width, _NUMBERS // channels))
    rows = max(1, _NUMBERS // (columns * channels))
    for top in range(0, shape[0], rows):
        for left in range(0, width, columns):
            yield slice(top, top + rows), slice(left, left + columns)
