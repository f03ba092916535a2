"""Checks of single values.

Every function takes the option's name for its error message, and returns the value in its final
type. All of them raise `ArgumentError`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from nst.config.quoted import quoted

EVERYWHERE = "all"  # a mask that includes the whole picture
WEIGHTS = 1e-20, 1e30   # smallest and largest weight of a term or of a layer
MAX_SIDE = 10**6        # pixels of a picture that is painted, or of its margin
LARGEST = 1e30          # number; the engine computes with float32
LARGEST_INTEGER = 2**63 - 1     # every whole number fits 64 bits: in arrays, JSON and TOML
AUTO = "auto"       # in files and on command lines: let the program choose; None in settings


def option_name(name: str) -> str:
    """Return a field's name as spelled on the command line, in files and in messages."""
    return name.replace("_", "-")


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """Check that a value is one of the known words."""
    if not isinstance(value, str) or value not in known:
        raise ArgumentError(f"{name} must be one of {', '.join(known)}, not {quoted(value)}")
    return value


def boolean(name: str, value: Any) -> bool:
    """Check that a value is True or False, and not 0 or 1."""
    if not isinstance(value, bool):
        raise ArgumentError(f"{name} must be true or false, not {quoted(value)}")
    return value


def number(name: str, value: Any, positive: bool = True, below: float = math.inf,
           largest: float = LARGEST) -> float:
    """Return a float above 0 (or at least 0), at most `largest` and less than `below`."""
    minimum = "above 0" if positive else "0 or more"
    bounds = minimum if below == math.inf else f"{minimum} and below {below:g}"
    try:
        result = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} must be a number, {bounds}, not {quoted(value)}") from None
    if not math.isfinite(result) or result < 0 or (positive and result == 0) or result >= below:
        raise ArgumentError(f"{name} is {result:g}, but must be finite and {bounds}")
    if result > largest:
        raise ArgumentError(f"{name} is {result:g}, but must be at most {largest:g}")
    return result


def term_weight(name: str, value: Any) -> float:
    """Return the weight of a term of the loss: 0, or a number whose gradients float32 can hold."""
    result = number(name, value, positive=False, largest=math.inf)
    return _in_float32(name, result, "0 or ") if result else result


def _in_float32(name: str, weight: float, more: str = "") -> float:
    smallest, largest = WEIGHTS
    if not smallest <= weight <= largest:
        raise ArgumentError(f"{name} is {weight:g}, but must be {more}from {smallest:g} to "
                            f"{largest:g}: gradients are float32")
    return weight


def integer(name: str, value: Any, minimum: int, maximum: int = LARGEST_INTEGER) -> int:
    """Return an integer from `minimum` to `maximum`."""
    try:
        result = int(value)
    except (TypeError, ValueError, OverflowError):
        result = None
    if result is None or result != value or isinstance(value, bool):
        raise ArgumentError(f"{name} must be a whole number, {minimum} or more, not "
                            f"{quoted(value)}")
    if result < minimum:
        raise ArgumentError(f"{name} is {quoted(result)}, but must be {minimum} or more")
    if result > maximum:
        raise ArgumentError(f"{name} is {quoted(result)}, but must be {maximum} or less")
    return result


def ratios(name: str, value: Any) -> tuple[float, ...]:
    """Return non-negative numbers that are not all 0, from a sequence or comma-separated text."""
    parts = value.split(",") if isinstance(value, str) else value
    try:
        result = tuple(number(name, part, positive=False) for part in parts)
    except TypeError:
        raise ArgumentError(f"{name} must be a list of numbers, not {quoted(value)}") from None
    if not sum(result) > 0:
        raise ArgumentError(f"{name} is {quoted(value)}, but at least one number must be above 0")
    return result


def text(name: str, value: Any) -> str:
    """Check that a value is text."""
    if not isinstance(value, str):
        raise ArgumentError(f"{name} must be a name, not {quoted(value)}")
    return value


def file_name(name: str, value: Any) -> str | Path:
    """Check that a value can name a file."""
    if not isinstance(value, (str, Path)):
        raise ArgumentError(f"{name} must be the name of a file, not {quoted(value)}")
    return value


def image_size(name: str, value: Any) -> tuple[int, int]:
    """Return width and height in pixels, from two numbers or from text like 640x480."""
    parts = value.lower().replace("×", "x").split("x") if isinstance(value, str) else value
    try:
        width, height = (int(part) if isinstance(part, str) else part for part in parts)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be WIDTHxHEIGHT in pixels, as in 640x480, not "
                            f"{quoted(value)}") from None
    return integer(name, width, 1, MAX_SIDE), integer(name, height, 1, MAX_SIDE)


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
        pairs = list(value.items())
    elif isinstance(value, Iterable):
        pairs = [_layer_and_weight(name, part) for part in value]
    else:
        raise ArgumentError(f"{name} must name layers, as in relu1_1=0.5,relu2_1, not "
                            f"{quoted(value)}")
    if not pairs:
        raise ArgumentError(f"{name} names no layer; known are {', '.join(known)}")
    weights: dict[str, float] = {}
    for layer, weight in pairs:
        if layer not in known:
            raise ArgumentError(f"{name} names the layer {quoted(layer)}, which VGG19 does not "
                                f"have; known are {', '.join(known)}")
        if layer in weights:
            raise ArgumentError(f"{name} names the layer {layer} twice; name it once")
        of_layer = f"{name}: the weight of {layer}"
        weights[layer] = (1 / len(pairs) if weight is None
                          else _in_float32(of_layer, number(of_layer, weight, largest=math.inf)))
    return weights


def _layer_and_weight(name: str, part: Any) -> tuple[str, str | None]:
    if not isinstance(part, str):
        raise ArgumentError(f"{name} must name layers, as in relu1_1=0.5,relu2_1, not "
                            f"{quoted(part)}")
    layer, sign, weight = part.partition("=")
    return layer, weight if sign else None


_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
          "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def memory_size(name: str, value: Any) -> int:
    """Return bytes, from a number or from text like 4GB, 3.5GiB or 800M."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", value)
        if not match or match[2].upper() not in _UNITS:
            raise ArgumentError(f"{name} must be an amount of memory, as in 4GB or 800MB, not "
                                f"{quoted(value)}")
        value = int(number(name, match[1]) * _UNITS[match[2].upper()])
        if not match[2] and value < 10**6:
            raise ArgumentError(f"{name} is {value} bytes, less than any run needs; add a unit, as "
                                f"in {match[1]}GB")
    return integer(name, value, 1)
