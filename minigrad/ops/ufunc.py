"""Declare elementwise operations as rows of a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import Primitive, elementwise


def ufunc(name: str, formula: str, forward: Callable | None = None, /,
          **rules: Callable | None) -> Primitive:
    """Declare an elementwise operation whose forward function is one expression.

    Parameters
    ----------
    name : str
        The operation's name.
    formula : str
        Its docstring.
    forward : Callable, optional
        By default NumPy's function of the same name (on a GPU, CuPy's).
    rules :
        One derivative rule per input, as in `Primitive.derivative`.
    """
    forward = forward or _array_function(name)
    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = formula
    return elementwise(forward).derivative(**rules)


def _array_function(name: str) -> Callable:
    """The function of that name in the library of its operands."""
    if getattr(np, name).nin == 1:
        return lambda x: getattr(array_module(x), name)(x)
    return lambda x, y: getattr(array_module(x, y), name)(x, y)
