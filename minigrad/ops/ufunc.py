"""Declare elementwise operations as rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import Primitive, elementwise
from minigrad.dtypes import DEFAULT_FLOAT


def in_floats(x: Any) -> Any:
    """Integers and truth values as float32, as PyTorch computes functions such as exp.

    NumPy would choose the smallest float that holds the integers: float16 for 8 bits.
    """
    dtype = getattr(x, "dtype", DEFAULT_FLOAT)
    return x.astype(DEFAULT_FLOAT) if dtype.kind in "biu" else x


def ufunc(name: str, formula: str, forward: Callable | None = None, /, floats: bool = False,
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
    floats : bool
        Whether integers are converted to floats first (functions of one argument).
    rules :
        One derivative rule per input, as in `Primitive.derivative`.
    """
    forward = forward or _array_function(name, floats)
    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = formula
    return elementwise(forward).derivative(**rules)


def _array_function(name: str, floats: bool) -> Callable:
    """The function of that name in the library of its operands."""
    if floats:
        on_host = getattr(np, name)

        def function(x: Any) -> Any:
            if type(x) is np.ndarray and x.dtype.kind == "f":       # the usual case, at once
                return on_host(x)
            return getattr(array_module(x), name)(in_floats(x))

        return function
    if getattr(np, name).nin == 1:
        return lambda x: getattr(array_module(x), name)(x)
    return lambda x, y: getattr(array_module(x, y), name)(x, y)
