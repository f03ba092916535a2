"""Gradient terms that are computed while they are added to the gradient accumulated so far.

A layer with its own loss receives two gradients: that of the loss and that of the deeper
layers. Both are as large as the layer's features, and on a GPU the cost is memory traffic.
Writing a term, reading it again and adding it takes two passes more than a kernel that adds the
term as it computes it. A rule may therefore return an `Addend` if its kernel can do that. Addends
occur only in plain backward passes on CUDA arrays. Hooks never receive one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from minigrad.backend import is_cuda


class Addend(NamedTuple):
    """An array that has not been computed yet.

    Attributes
    ----------
    shape : tuple of int, of that array.
    dtype : its element type.
    compute : `compute(None)` returns the array; `compute(total)` adds it in place to an array of
        the same shape and type, and returns that.
    """

    shape: tuple[int, ...]
    dtype: Any
    compute: Callable[[Any], Any]


def addend(kernel: Callable, x: Any, *args: Any) -> Addend | None:
    """Defer `kernel(x, *args)`, whose result has the shape and type of x.

    `kernel` takes one more argument: the array to add to, or None.

    Returns
    -------
    Addend or None
        None if x is not a float array on a CUDA device; the caller then computes at once.
    """
    if not is_cuda(x) or x.dtype.char not in "fd":
        return None
    return Addend(x.shape, x.dtype, functools.partial(kernel, x, *args))


def computed(gradient: Any) -> Any:
    """Compute an `Addend`; return anything else unchanged."""
    return gradient.compute(None) if type(gradient) is Addend else gradient
