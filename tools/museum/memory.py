"""Imitate a kernel that reads memory by address and ignores an array's strides.

Nothing here reads outside of the memory that the array covers.
"""

import numpy as np


def covered(array: np.ndarray) -> tuple[np.ndarray, int]:
    """The memory from an array's first to its last address, and where its element 0 lies in it.

    For a view, this is the memory of the whole array behind it.
    """
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.size == 0:
        return owner.ravel(), 0
    reach = sum((n - 1) * abs(s) for n, s in zip(owner.shape, owner.strides))
    below = sum((n - 1) * -s for n, s in zip(owner.shape, owner.strides) if s < 0)
    corner = owner[tuple(slice(-1, None) if s < 0 else slice(1) for s in owner.strides)]
    flat = np.lib.stride_tricks.as_strided(
        corner, (reach // owner.itemsize + 1,), (owner.itemsize,), writeable=False)
    first = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0] + below
    return flat, first // owner.itemsize


def by_address(array: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """The elements at first + Σ index·stride, strides counted in elements; beyond the end of the
    memory, reading continues at its start.
    """
    flat, first = covered(array)
    places = np.full(shape, first)
    for axis, (n, stride) in enumerate(zip(shape, strides)):
        places += (np.arange(n) * stride).reshape((-1,) + (1,) * (len(shape) - axis - 1))
    return flat.take(places, mode="wrap")


def as_if_row_major(array: np.ndarray) -> np.ndarray:
    """The array as seen by a kernel that assumes contiguous memory."""
    strides = [1]
    for n in array.shape[:0:-1]:
        strides.insert(0, strides[0] * n)
    return by_address(array, array.shape, tuple(strides[:array.ndim]))
