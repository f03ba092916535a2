"""Checks of plain data by a declared form: exact keys, types, ranges, and shapes of arrays.

A check is a function of a value and its name. It raises a ValueError about what does not fit. NaN
fits no range: every comparison is written so that it fails for NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import backend

Check = Callable[[Any, str], None]

LARGEST = 1e300         # number, so that sums of them are finite
LONGEST = 2000          # characters of a text


def whole(value: Any, name: str, least: int, most: int) -> None:
    """Check that a value is an int, and not True or False, within a range."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is not a whole number from {least} to {most}")


def number(value: Any, name: str, least: float = -LARGEST, most: float = LARGEST) -> float:
    """Check that a value is a number within a range, and return it."""
    # Comparisons of Python's numbers are exact, and do not overflow.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{name} is not a number from {least:g} to {most:g}"
                         if (least, most) != (-LARGEST, LARGEST) else
                         f"{name} is not a number, or not finite")
    return value


def text(value: Any, name: str) -> None:
    """Check that a value is a printable text that is not too long."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST:
        raise ValueError(f"{name} is not a printable text")


def array(value: Any, name: str, shape: tuple[int, ...], *, finite: bool = True,
          least: float | None = None) -> None:
    """Check that a value is an array of float32 of a shape, on the host or a device.

    Parameters
    ----------
    finite : bool
        Whether all of its numbers must be finite.
    least : float, optional
        The smallest number that it may have.
    """
    if not backend.is_array(value) or value.dtype != np.float32 or value.shape != shape:
        raise ValueError(f"{name} is not an array of float32 of the shape {shape}")
    if not value.size or not finite:
        return
    with np.errstate(invalid="ignore"):         # both are NaN if one number is; no copy is made
        lowest, highest = float(value.min()), float(value.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise ValueError(f"{name} has numbers that are not finite")
    if least is not None and not lowest >= least:
        raise ValueError(f"{name} has numbers below {least:g}")


def count(least: int, most: int) -> Check:
    """A whole number within a range."""
    return lambda value, name: whole(value, name, least, most)


def real(least: float = -LARGEST, most: float = LARGEST) -> Check:
    """A float within a range; infinity is in none unless it is an end of it."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, float):
            raise ValueError(f"{name} is not a float")
        number(value, name, least, most)
    return check


def floats(*shape: int, finite: bool = True, least: float | None = None) -> Check:
    """An array of float32 of a shape; see `array`."""
    return lambda value, name: array(value, name, shape, finite=finite, least=least)


def one_of(*values: Any) -> Check:
    """One of a few values, also in type."""
    def check(value: Any, name: str) -> None:
        if not any(type(value) is type(known) and value == known for known in values):
            raise ValueError(f"{name} is not one of {', '.join(map(repr, values))}")
    return check


def record(**entries: Check) -> Check:
    """A dict with exactly these keys."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, dict) or set(value) != set(entries):
            raise ValueError(f"{name} does not have exactly the entries "
                             f"{', '.join(entries) or '(none)'}")
        for key, entry in entries.items():
            entry(value[key], f"{name}.{key}")
    return check


def sequence(*entries: Check) -> Check:
    """A list or tuple of exactly these entries."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, (list, tuple)) or len(value) != len(entries):
            raise ValueError(f"{name} does not have {len(entries)} entries")
        for position, entry in enumerate(entries):
            entry(value[position], f"{name}[{position}]")
    return check
