"""The saved state of a descent: what it must hold before anything is taken from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.backend import is_array
from minigrad.errors import ArgumentError
from minigrad.optim.descent import AIMING, FIRST, NEW, NUMBERS, TRYING, VECTORS
from minigrad.optim.line_search import FOUND, SEARCHING, STALLED, LineSearch
from minigrad.optim.settings import check_setting, is_number

_TEXTS = {"stands": (NEW, FIRST, AIMING, TRYING),
          "ended": ("", "gradient", "change", "stalled", "not finite")}


def check_descent(state: Any, length: int) -> None:
    """Raise an ArgumentError unless `state` is that of a descent over `length` numbers."""
    _check_keys("the saved state", state, (*VECTORS, *NUMBERS, "search", "curvature"))
    for name in VECTORS:
        _check_array(name, state[name], 1, length)
    for name in NUMBERS:
        _check_value(name, state[name], _TEXTS.get(name))
    if state["search"] is not None:
        names = vars(LineSearch(0.0, -1.0, 1.0))
        _check_keys("the saved line search", state["search"], names)
        for name in names:
            value = state["search"][name]
            point = isinstance(names[name], tuple)
            check_setting(not point or (isinstance(value, (tuple, list)) and len(value) == 3),
                          "LBFGS", f"the saved {name}", value, "three numbers")
            for part in value if point else (value,):
                _check_value(name, part, (SEARCHING, FOUND, STALLED)
                             if isinstance(names[name], str) else None)
    _check_keys("the saved curvature", state["curvature"], ("steps", "changes"))
    for name in ("steps", "changes"):
        _check_array(name, state["curvature"][name], 2, length)
    steps, changes = (state["curvature"][name] for name in ("steps", "changes"))
    check_setting(steps.shape == changes.shape, "LBFGS", "the saved steps", steps,
                  "as many as the changes")


def _check_keys(label: str, values: Any, names: Iterable[str]) -> None:
    lacking = [name for name in names if name not in values] if isinstance(values, Mapping) \
        else list(names)
    if lacking:
        raise ArgumentError(f"LBFGS loads what state_dict() returns; {label} lacks "
                            f"{', '.join(map(repr, lacking))}")


def _check_value(name: str, value: Any, texts: tuple[str, ...] | None) -> None:
    if texts is None:
        check_setting(is_number(value), "LBFGS", f"the saved {name}", value, "a number")
    else:
        check_setting(isinstance(value, str) and value in texts, "LBFGS", f"the saved {name}",
                      value, " or ".join(map(repr, texts)))


def _check_array(name: str, value: Any, ndim: int, length: int) -> None:
    fits = is_array(value) and value.dtype.kind in "biuf" and value.ndim == ndim \
        and value.shape[-1] == length
    if fits or not is_array(value):
        check_setting(fits, "LBFGS", f"the saved {name}", value, "an array of real numbers")
        return
    raise ArgumentError(f"LBFGS optimizes {length} numbers, but the saved {name} has shape "
                        f"{tuple(value.shape)} of {value.dtype}")
