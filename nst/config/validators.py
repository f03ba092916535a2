"""Checks of single values.

Every function takes the option's name for its error message, and returns the value in its final
type. All of them raise `ArgumentError`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.errors import ArgumentError

EVERYWHERE = "all"  # a mask that includes the whole picture
WEIGHTS = 1e-20, 1e30   # smallest and largest weight of a term or of a layer
AUTO = "auto"       # in files and on command lines: let the program choose; None in settings


def option_name(name: str) -> str:
    """Return a field's name as spelled on the command line, in files and in messages."""
    return name.replace("_", "-")


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """Check that a value is one of the known words."""
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value


def boolean(name: str, value: Any) -> bool:
    """Check that a value is True or False, and not 0 or 1."""
    if not isinstance(value, bool):
        raise ArgumentError(f"{name} must be true or false, not {value!r}")
    return value


def number(name: str, value: Any, positive: bool = True, below: float = math.inf) -> float:
    """Return a finite float above 0 (or at least 0) and less than `below`."""
    minimum = "above 0" if positive else "0 or more"
    bounds = minimum if below == math.inf else f"{minimum} and below {below:g}"
    try:
        result = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be a number, {bounds}, not {value!r}") from None
    if not math.isfinite(result) or result < 0 or (positive and result == 0) or result >= below:
        raise ArgumentError(f"{name} is {result:g}, but must be finite and {bounds}")
    return result


def term_weight(name: str, value: Any) -> float:
    """Return the weight of a term of the loss: 0, or a number whose gradients float32 can hold."""
    result = number(name, value, positive=False)
    return _in_float32(name, result, "0 or ") if result else result


def _in_float32(name: str, weight: float, more: str = "") -> float:
    smallest, largest = WEIGHTS
    if not smallest <= weight <= largest:
        raise ArgumentError(f"{name} is {weight:g}, but must be {more}from {smallest:g} to "
                            f"{largest:g}: gradients are float32")
    return weight


def integer(name: str, value: Any, minimum: int) -> int:
    """Return an integer of at least `minimum`."""
    try:
        result = int(value)
    except (TypeError, ValueError, OverflowError):
        result = None
    if result is None or result != value or isinstance(value, bool):
        raise ArgumentError(f"{name} must be a whole number, {minimum} or more, not {value!r}")
    if result < minimum:
        raise ArgumentError(f"{name} is {result}, but must be {minimum} or more")
    return result


def ratios(name: str, value: Any) -> tuple[float, ...]:
    """Return non-negative numbers that are not all 0, from a sequence or comma-separated text."""
    parts = value.split(",") if isinstance(value, str) else value
    try:
        result = tuple(number(name, part, positive=False) for part in parts)
    except TypeError:
        raise ArgumentError(f"{name} must be a list of numbers, not {value!r}") from None
    if not sum(result) > 0:
        raise ArgumentError(f"{name} is {value!r}, but at least one number must be above 0")
    return result


def image_size(name: str, value: Any) -> tuple[int, int]:
    """Return width and height in pixels, from two numbers or from text like 640x480."""
    parts = value.lower().replace("×", "x").split("x") if isinstance(value, str) else value
    try:
        width, height = (int(part) if isinstance(part, str) else part for part in parts)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be WIDTHxHEIGHT in pixels, as in 640x480, not "
                            f"{value!r}") from None
    return integer(name, width, 1), integer(name, height, 1)


def layer_weights(name: str, value: Any, known: tuple[str, ...]) -> dict[str, float]:
    """Return layers with their weights, as {name: weight}.

    Parameters
    ----------
    value : dict, iterable of str, or str
        {"relu1_1": 0.5}, ["relu1_1=0.5", "relu2_1"] or "relu1_1=0.5,relu2_1"; a layer without a
        weight gets 1 / (number of layers).
    """
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if isinstance(value, Mapping):
        pairs = [(str(layer), weight) for layer, weight in value.items()]
    elif isinstance(value, Iterable):
        pairs = [(layer, weight if sign else None)
                 for layer, sign, weight in (str(part).partition("=") for part in value)]
    else:
        raise ArgumentError(f"{name} must name layers, as in relu1_1=0.5,relu2_1, not {value!r}")
    if not pairs:
        raise ArgumentError(f"{name} names no layer; known are {', '.join(known)}")
    weights: dict[str, float] = {}
    for layer, weight in pairs:
        if layer not in known:
            raise ArgumentError(f"{name} names the layer {layer!r}, which VGG19 does not "
                                f"have; known are {', '.join(known)}")
        if layer in weights:
            raise ArgumentError(f"{name} names the layer {layer} twice; name it once")
        of_layer = f"{name}: the weight of {layer}"
        weights[layer] = (1 / len(pairs) if weight is None
                          else _in_float32(of_layer, number(of_layer, weight)))
    return weights


_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
          "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def memory_size(name: str, value: Any) -> int:
    """Return bytes, from a number or from text like 4GB, 3.5GiB or 800M."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", value)
        if not match or match[2].upper() not in _UNITS:
            raise ArgumentError(f"{name} must be an amount of memory, as in 4GB or 800MB, not "
                                f"{value!r}")
        value = int(number(name, match[1]) * _UNITS[match[2].upper()])
        if not match[2] and value < 10**6:
            raise ArgumentError(f"{name} is {value} bytes, less than any run needs; add a unit, as "
                                f"in {match[1]}GB")
    return integer(name, value, 1)
