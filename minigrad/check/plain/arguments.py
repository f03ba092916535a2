"""Validate what users pass in: one sentence for each mistake."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.printable import shown


def need_function(value: Any, what: str) -> None:
    if not callable(value):
        raise ArgumentError(f"{what} must be a function, not {type(value).__name__}")


def need_seed(seed: Any) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"the seed of a check must be a whole number of at least 0, not "
                            f"{seed!r}")


def is_number(value: Any) -> bool:
    """Whether `value` is one real number, and no truth value."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def need_number(value: Any, what: str) -> None:
    """Raise unless `value` is a real number of at least 0, which may be infinite."""
    if not is_number(value) or not value >= 0:
        raise ArgumentError(f"{what} of a check must be a number of at least 0, not {shown(value)}")


def need_count(value: Any, what: str) -> None:
    """Raise unless `value` is a whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ArgumentError(f"{what} of a check must be a whole number of at least 0, not "
                            f"{shown(value)}")


def said(error: Exception) -> str:
    """Type and first line of an exception of the user's code or framework."""
    lines = str(error).strip().splitlines()
    return type(error).__name__ + (f": {lines[0]}" if lines else "")
