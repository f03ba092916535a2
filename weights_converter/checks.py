"""Checks of numbers and text from untrusted files."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

# Limits that no array exceeds: NumPy and PyTorch have as many dimensions.
MAX_DIMENSIONS = 64
MAX_COUNT = 1 << 40


def as_count(value: Any) -> int:
    """Check that a value is an integer from 0 to `MAX_COUNT`, and return it.

    Raises
    ------
    ValueError
    """
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{_shown(value)}, but a size is expected")
    return value


def as_shape(value: Any) -> tuple[int, ...]:
    """Check a list or tuple of sizes, and return it as a shape.

    Raises
    ------
    ValueError
    """
    if type(value) not in (list, tuple) or len(value) > MAX_DIMENSIONS:
        raise ValueError(f"{_shown(value)}, but a shape is expected")
    return tuple(map(as_count, value))


def _shown(value: Any) -> str:
    """A number or text for a message; for anything else its type, as its text may be endless."""
    if type(value) is str:
        return value[:40]
    if type(value) in (bool, float) or (type(value) is int and abs(value) < 1 << 64):
        return str(value)
    return f"a {type(value).__name__}"


def parse_json(data: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises
    ------
    ValueError, RecursionError
        It is invalid, not an object, or nested too deep.
    """
    # Python reads no more than 4,300 digits as an integer, and says so with a ValueError.
    value = json.loads(data.decode("utf-8-sig"))
    if not isinstance(value, dict):
        raise ValueError("its JSON is not an object")
    return value


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Convert bfloat16 to float32.

    Parameters
    ----------
    bits : array of uint16
        The upper halves of the float32 numbers: NumPy has no type for bfloat16.
    """
    return (bits.astype(np.uint32) << 16).view(np.float32)
