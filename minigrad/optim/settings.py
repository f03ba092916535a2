"""Checks of what users set: numbers, flags and counts of optimizers and schedules."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, MinigradError
from minigrad.printable import shape_of, shown

FLAGS = ("amsgrad", "centered", "maximize", "nesterov", "resume")
LARGEST_COUNT = 2 ** 63         # of steps; a float can still hold it


def is_number(value: Any) -> bool:
    """Whether `value` is one real number within the range of floats, perhaps infinite or NaN."""
    if isinstance(value, (str, bytes, bytearray)) or shape_of(value) not in (None, ()):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError, MinigradError):
        return False
    return True


def is_finite(value: Any) -> bool:
    """Whether `value` is one finite real number."""
    return is_number(value) and math.isfinite(value)


def is_count(value: Any) -> bool:
    """Whether `value` is a whole number of at least 0, of any type."""
    return is_finite(value) and 0 <= value < LARGEST_COUNT and value == int(value)


def check_setting(holds: bool, owner: str, setting: str, value: Any, right: str) -> None:
    """Raise an ArgumentError about a setting of the optimizer `owner` unless `holds`."""
    if not holds:
        raise ArgumentError(f"{owner}: {setting} must be {right}, not {shown(value)}")


def check_number(owner: str, setting: str, value: Any, right: str = "at least 0",
                 holds: Callable[[Any], bool] = lambda number: number >= 0) -> None:
    """Raise unless `value` is a finite number for which `holds`; `right` says when it does."""
    check_setting(is_finite(value), owner, setting, value, "a finite number")
    check_setting(bool(holds(value)), owner, setting, value, right)


def check_whole(owner: str, setting: str, value: Any, least: int) -> None:
    """Raise unless `value` is an integer of at least `least`."""
    whole = isinstance(value, (int, np.integer)) and operator.index(value) >= least
    check_setting(whole, owner, setting, value, f"a whole number of at least {least}")


def check_flags(owner: str, settings: Mapping[str, Any], names: Iterable[str] = FLAGS) -> None:
    """Raise unless the settings among `names` are truth values."""
    for name in [name for name in names if name in settings]:
        value = settings[name]
        flag = isinstance(value, (bool, int, np.bool_)) or shape_of(value) == ()
        check_setting(flag, owner, name, value, "True or False")


def check_choice(owner: str, setting: str, value: Any, choices: tuple[str | None, ...]) -> None:
    """Raise unless `value` is one of `choices`, texts or None."""
    chosen = (value is None or isinstance(value, str)) and value in choices
    check_setting(chosen, owner, setting, value, " or ".join(map(repr, choices)))
