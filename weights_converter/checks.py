"""Numbers and texts of unknown origin, checked before anything is computed with them."""

import json
from typing import Any

import numpy as np

# No array of any network has more dimensions, or more numbers along one.
MOST_DIMENSIONS = 8
MOST_COUNT = 1 << 40


def as_count(value: Any) -> int:
    """A whole number from 0 to `MOST_COUNT`.

    Raises
    ------
    ValueError
    """
    if type(value) is not int or not 0 <= value <= MOST_COUNT:
        raise ValueError(f"{str(value)[:40]} where a size is wanted")
    return value


def as_shape(value: Any) -> tuple[int, ...]:
    """A list or tuple of sizes as a shape.

    Raises
    ------
    ValueError
    """
    if not isinstance(value, list | tuple) or len(value) > MOST_DIMENSIONS:
        raise ValueError(f"{str(value)[:40]} where a shape is wanted")
    return tuple(map(as_count, value))


def parse_json(data: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises
    ------
    ValueError, RecursionError
        It is not valid, is no object, or is nested too deep.
    """
    found = json.loads(data.decode("utf-8-sig"))
    if not isinstance(found, dict):
        raise ValueError("its JSON is no object")
    return found


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """bfloat16, as the 16-bit integers that NumPy has for it, to float32: its upper half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
