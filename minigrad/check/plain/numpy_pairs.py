"""Check a NumPy function with a gradient or vjp that was derived by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.check.plain.arguments import need_function
from minigrad.check.plain.differentiable import Arrays, Differentiable
from minigrad.check.plain.examine import examine
from minigrad.check.report import Report
from minigrad.errors import ArgumentError


def check_gradient(f: Callable[..., Any], gradient: Callable[..., Any], x: Any, *, seed: int = 0,
                   raise_exception: bool = True) -> Report:
    """Check the gradient of a NumPy function, derived by hand.

    There is no step and no tolerance to choose. The verdict follows from the order at which the
    error of the gradient's prediction falls with the step; see docs/gradient-checking.md.

    Parameters
    ----------
    f : called as `f(x)`. It returns one number, or an array of x's shape if it works element by
        element.
    gradient : called as `gradient(x)`. It returns an array of x's shape: the gradient, or the
        derivative of each element.
    x : array, number or list. Other types than float64 are converted, and the report says so.
    seed : of the random directions.
    raise_exception : raise unless the gradient is right; otherwise return a report.

    Returns
    -------
    Report
        `report.verdict` is "right", "wrong" or "cannot tell"; the report is true only if it is
        right.

    Raises
    ------
    GradcheckError : the gradient is wrong.
    UndecidedError, KinkError : the check cannot tell, because of noise, a kink, NaN; never raised
        for a right or wrong gradient that can be measured.
    ArgumentError : f returns no array or one of another shape, or x holds no floats.
    """
    __tracebackhide__ = True
    need_function(f, "the function")
    need_function(gradient, "the gradient")
    array = _floats(x)
    shape = () if array is None else array.shape

    def vjp(arguments: tuple, upstream: np.ndarray) -> Any:
        result = gradient(*arguments)
        if result is None:
            return None
        return (upstream if upstream.ndim else float(upstream)) * _numbers(result, _name(f))

    def forward(argument: Any) -> Any:
        value = _output(f(argument), _name(f))
        if np.size(value) != 1 and np.shape(value) != shape:
            raise ArgumentError(
                f"check_gradient needs a function of one number or of the shape of x, {shape}, "
                f"but {_name(f)} returned the shape {np.shape(value)}; use check_vjp")
        return value.reshape(()) if value.size == 1 and shape != value.shape else value

    forward.__name__ = _name(f)
    function = from_pair(forward, vjp, (x,), labels=["x"], where=_source("the gradient", gradient))
    report = examine(function, seed)
    if raise_exception:
        report.raise_if_failed()
    return report


def check_vjp(forward: Callable[..., Any], vjp: Callable[..., Any], arguments: Sequence[Any], *,
              seed: int = 0, raise_exception: bool = True) -> Report:
    """Check a vector-Jacobian product, derived by hand.

    Parameters
    ----------
    forward : called as `forward(*arguments)`; returns an array or a tuple of arrays.
    vjp : called as `vjp(arguments, upstream)`, with the arguments as a tuple and an upstream
        gradient of the result's shape (a tuple of them for several results). It returns the
        gradient for each argument, None for those that are not floats; for a single argument
        the array alone will do.
    arguments : arrays, numbers, lists; those without floats are passed unchanged. Complex arrays
        are checked by their real and imaginary parts, with the gradient ∂L/∂re + i·∂L/∂im.

    The other parameters, the result and the errors are those of `check_gradient`.
    """
    __tracebackhide__ = True
    need_function(forward, "forward")
    need_function(vjp, "vjp")
    report = examine(from_pair(forward, vjp, arguments, where=_source("the vjp", vjp)), seed)
    if raise_exception:
        report.raise_if_failed()
    return report


def from_pair(forward: Callable[..., Any], vjp: Callable[..., Any], arguments: Sequence[Any],
              labels: Sequence[str] | None = None, where: Sequence[str] = ()) -> Differentiable:
    """A `Differentiable` from a pair of NumPy functions, as `check_vjp` takes them."""
    if not isinstance(arguments, (tuple, list)):
        raise ArgumentError(f"the arguments of {_name(forward)} must be a tuple or list of them, "
                            f"not {type(arguments).__name__}")
    name, notes = _name(forward), []
    given = list(arguments)
    checked = []
    for i, value in enumerate(given):
        array = _floats(value)
        if array is None:
            continue
        if getattr(value, "dtype", array.dtype) != array.dtype or isinstance(value, list):
            kind = "a list" if isinstance(value, list) else str(value.dtype)
            notes.append(f"argument {i} was {kind}; it is checked as {array.dtype}")
        given[i] = array
        checked.append(i)
    if not checked:
        raise ArgumentError(f"the check of {name} has nothing to check: no argument holds floats")
    complexes = {i for i in checked if given[i].dtype.kind == "c"}

    def filled(arrays: Arrays) -> tuple:
        result = list(given)
        for i, array in zip(checked, arrays):
            result[i] = _as_complex(array) if i in complexes else array
        return tuple(result)

    single: list[bool] = []
    kinds: list[str] = []

    def call(arrays: Arrays) -> Arrays:
        result = forward(*filled(arrays))
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        single[:] = [not isinstance(result, (tuple, list))]
        kinds[:] = [np.asarray(output).dtype.kind for output in outputs]
        return [_as_real(_output(output, name)) for output in outputs]

    def pulled(arrays: Arrays, upstream: Arrays) -> Arrays:
        if not single:
            call(arrays)
        parts = [_as_complex(part) if kind == "c" else part
                 for part, kind in zip(upstream, kinds)]
        result = vjp(filled(arrays), parts[0] if single[0] else tuple(parts))
        gradients = _gradients(result, len(given), len(checked), name)
        if len(gradients) == len(given):
            gradients = [gradients[i] for i in checked]
        if len(gradients) != len(checked):
            return gradients
        return [_as_real(np.asarray(gradient), force=i in complexes)
                if gradient is not None else None       # type: ignore[misc]
                for i, gradient in zip(checked, gradients)]

    point = [np.array(_as_real(given[i]), np.float64) for i in checked]
    return Differentiable(name, point, list(labels or _labels(forward, checked)), call, pulled,
                          notes=notes, where=where)


def _floats(value: Any) -> np.ndarray | None:
    """The value as a float64 or complex128 array; None if it holds no such numbers."""
    if isinstance(value, (bool, int, str)) or value is None:
        return None
    try:
        array = np.asarray(value)
    except ValueError:      # a list of unequal lists
        return None
    if isinstance(value, list) and array.dtype.kind == "i":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fc":
        return None
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _output(output: Any, name: str) -> np.ndarray:
    if output is None or isinstance(output, (str, dict, set)):
        raise ArgumentError(f"the check needs a function that returns an array, but {name} "
                            f"returned {type(output).__name__}")
    try:
        array = np.asarray(output)
    except ValueError:
        raise ArgumentError(f"the check needs a function that returns an array, but {name} "
                            f"returned a {type(output).__name__} of unequal parts") from None
    if array.dtype.kind not in "fc":
        raise ArgumentError(f"the check needs a function that returns floats, but {name} returned "
                            f"{array.dtype if array.dtype.kind != 'O' else type(output).__name__}")
    return array


def _numbers(result: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(result)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "fiubc":
        raise ArgumentError(f"the gradient of {name} must be an array of numbers, but the rule "
                            f"returned {type(result).__name__}")
    return array


def _gradients(result: Any, arguments: int, checked: int, name: str) -> list[Any]:
    """The returned gradients as a list."""
    if isinstance(result, (tuple, list)) and not (
            arguments == 1 and isinstance(result, list) and np.ndim(result[0]) == 0
            and len(result) > 1):
        return list(result)
    if checked != 1:
        raise ArgumentError(f"the vjp of {name} returned {type(result).__name__}, but there are "
                            f"{checked} arguments that need a gradient; return a tuple of them")
    return [result]


def _as_complex(array: np.ndarray) -> np.ndarray:
    """Pairs of numbers, in the last dimension, as complex numbers."""
    return np.ascontiguousarray(array).view(np.complex128)[..., 0]


def _as_real(array: np.ndarray, force: bool = False) -> np.ndarray:
    """Complex numbers as pairs in a last dimension of 2; real ones as they are."""
    if array.dtype.kind == "c" or force:
        return np.stack([array.real, array.imag], axis=-1)
    return array


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _labels(forward: Callable[..., Any], checked: Sequence[int]) -> list[str]:
    try:
        names = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        names = []
    plain = [p.name for p in names if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [f"input {i} ({plain[i]})" if i < len(plain) else f"input {i}" for i in checked]


def _source(what: str, function: Callable[..., Any]) -> list[str]:
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    return [f"{what} is in {Path(*Path(code.co_filename).parts[-3:])}, line {code.co_firstlineno}"]
