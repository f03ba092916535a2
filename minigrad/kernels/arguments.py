"""Numbers and truth values among the arguments of public functions.

A function says by its annotations, `int`, `float` and `bool`, which of its arguments these are. At
the boundary (:mod:`minigrad.kernels.boundary`) they are checked: 2.5 is not taken for 2, nor the
text "False" for True. NumPy's numbers become Python's, which do not widen a float32 tensor.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from minigrad.errors import ArgumentError, DTypeError
from minigrad.printable import shown


def whole(value: Any, label: str) -> int:
    """A whole number, of Python, NumPy or a tensor of one, as Python's.

    Raises
    ------
    ArgumentError : it is none.
    """
    try:
        return operator.index(value)
    except (TypeError, DTypeError):         # the latter from a tensor of floats
        raise ArgumentError(f"{label} is a whole number, not {shown(value)}") from None


def truth(value: Any, label: str) -> bool:
    """A truth value, or a whole number in its place, as Python's bool.

    Raises
    ------
    ArgumentError : it is none: a text, a number with a point, an array of several.
    """
    if not (isinstance(value, int) or _is_single(value, "biu")):
        raise ArgumentError(f"{label} is True or False, not {shown(value)}")
    return bool(value)


def number(value: Any, label: str = "") -> Any:
    """A number of NumPy as Python's; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def is_whole(value: Any) -> bool:
    """Whether a value, in whose place a sequence may stand, is one whole number."""
    return isinstance(value, int) or _is_single(value, "iu")


def _is_single(value: Any, kinds: str) -> bool:
    """Whether a value of NumPy, or a tensor, is one number of an element type among `kinds`."""
    dtype = getattr(value, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in kinds and value.shape == ()


def wholes(values: Iterable[Any], label: str) -> tuple[int, ...]:
    """Several whole numbers as Python's, see :func:`whole`."""
    return tuple(whole(value, label) for value in values)


def one_or_more(value: Any, label: str) -> tuple[int, ...]:
    """A whole number, or a sequence of them, as a tuple."""
    return wholes((value,) if is_whole(value) else value, label)


class Check(NamedTuple):
    """How one parameter is checked: its place (none if it is given by name only) and its kind."""

    place: int
    name: str
    kind: type              # a value of this type needs no conversion
    convert: Callable[[Any, str], Any]
    optional: bool          # whether None stands for no value


_KINDS: dict[str, tuple[type, Callable[[Any, str], Any]]] = {
    "int": (int, whole), "bool": (bool, truth), "float": (float, number)}
NOWHERE = 10 ** 6           # a place behind all arguments


def checks_of(function: Callable[..., Any]) -> tuple[Check, ...]:
    """The checks that the annotations of a function ask for."""
    found = []
    for place, parameter in enumerate(inspect.signature(function).parameters.values()):
        note = parameter.annotation
        text = note.__name__ if isinstance(note, type) else str(note)
        kind = _KINDS.get(text.removesuffix(" | None"))
        if kind is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD,
                                                   parameter.KEYWORD_ONLY):
            by_name = parameter.kind is parameter.KEYWORD_ONLY
            found.append(Check(NOWHERE if by_name else place, parameter.name, *kind,
                               text.endswith(" | None")))
    return tuple(found)


def settled(label: str, checks: Iterable[Check], args: tuple, named: dict[str, Any]
            ) -> tuple[tuple, dict[str, Any]]:
    """The arguments of a call, with numbers and truth values as Python's.

    Raises
    ------
    ArgumentError : one is none.
    """
    count = len(args)
    for place, name, kind, convert, optional in checks:
        if place < count:
            value = args[place]
            if type(value) is not kind and not (optional and value is None):
                args = (*args[:place], convert(value, f"{label}: {name}"), *args[place + 1:])
        elif named and name in named:
            value = named[name]
            if type(value) is not kind and not (optional and value is None):
                named = {**named, name: convert(value, f"{label}: {name}")}
    return args, named
