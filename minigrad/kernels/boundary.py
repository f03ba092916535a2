"""The boundary of the public functions: no message of Python or NumPy crosses it.

A mistake that no check of ours has foreseen ends in an error of an array library, about ufuncs and
loops. Public functions are wrapped once, where their module collects them. Within the package,
they call one another unwrapped.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from minigrad.errors import (
    ArgumentError,
    DTypeError,
    MinigradError,
    OutOfMemoryError,
    OutOfRangeError,
    ShapeError,
)
from minigrad.kernels.arguments import checks_of, settled
from minigrad.kernels.refusal import renamed
from minigrad.printable import shown

FOREIGN = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError,
           RecursionError)


def guarded(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """`function`, with foreign errors translated to sentences that name it and its arguments.

    Arguments that are annotated as numbers or truth values are checked, see
    :mod:`minigrad.kernels.arguments`. It takes NumPy's `axis` and `keepdims` for `dim` and
    `keepdim`, if it has these. A call with too few or too many arguments raises Python's own
    TypeError.
    """
    label = name or function.__name__
    numpy_names, checks = takes_dim(function), checks_of(function)

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        try:
            if numpy_names and named:
                named = renamed(named)
            if checks:
                args, named = settled(label, checks, args, named)
            return function(*args, **named)
        except FOREIGN as error:
            if not is_foreign(error):
                raise
            raise translated(label, [*args, *named.values()], error) from error

    return call


def is_foreign(error: Exception) -> bool:
    """Whether an error that has just been caught should be translated.

    CuPy's errors are left to :mod:`minigrad.cuda_faults`. A TypeError from the call itself, not
    from within, is about the number of arguments.
    """
    of_the_call = error.__traceback__ is None or error.__traceback__.tb_next is None
    return not (isinstance(error, MinigradError) or type(error).__module__.startswith("cupy")
                or (isinstance(error, TypeError) and of_the_call))


def takes_dim(function: Any) -> bool:
    """Whether `function` is a Python function with a parameter `dim` or `keepdim`."""
    code = getattr(getattr(function, "func", function), "__code__", None)
    if code is None:
        return False
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    return "dim" in names or "keepdim" in names


def guarded_names(functions: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The functions among these names, guarded; primitives guard themselves."""
    return {name: guarded(functions[name], name) for name in names
            if inspect.isfunction(functions[name])
            or isinstance(functions[name], functools.partial)}


def guard_methods(kinds: Iterable[type], methods: Iterable[str]) -> None:
    """Guard the methods that these classes define themselves; errors name the class."""
    for kind in kinds:
        for method in methods:
            own = vars(kind).get(method)
            if own is not None:
                setattr(kind, method, guarded(own, kind.__name__))


def translated(label: str, values: list[Any], error: Exception) -> MinigradError:
    """The error to raise for a foreign one in the function `label`."""
    given, text = described(values), str(error)
    if isinstance(error, MemoryError) or "array is too big" in text or "Maximum allowed" in text:
        return OutOfMemoryError(f"{label}: for {given} the result is too large for the memory; use "
                                f"smaller shapes")
    if isinstance(error, RecursionError) or "maximum number of dimension" in text:
        return ArgumentError(f"{label}: {given} or the call itself is nested too deeply")
    if "inhomogeneous" in text:
        return ShapeError(f"{label}: the rows of {given} have different lengths; all must have the "
                          f"same length")
    if "negative dimensions" in text:
        return ShapeError(f"{label}: a shape has lengths of at least 0, but {given} holds a "
                          f"negative one")
    if isinstance(error, IndexError):
        return OutOfRangeError(f"{label}: an index or dimension does not exist in {given}")
    if isinstance(error, (TypeError, AttributeError, OverflowError)):
        return DTypeError(f"{label} does not work with {given}; help({label}) says what it takes")
    return ArgumentError(f"{label} cannot be computed for {given}; help({label}) says what it "
                         f"takes")


def described(values: list[Any]) -> str:
    """Arguments in a message."""
    return " and ".join(map(shown, values)) or "no arguments"
