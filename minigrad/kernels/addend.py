"""Terms of a gradient that are computed when they are added, right into the sum that is there.

At a layer that has a loss of its own, the loss's gradient meets the one that comes from deeper
layers. On a GPU both are as large as the layer's features, and all that counts is how often they
pass through memory: made, read again and added, a term costs two passes more than it would if
the kernel that makes it adds it up at once. So a rule may return an `Addend` where its
kernel can do that. Only plain backward passes on CUDA arrays see one, and hooks never do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from minigrad.backend import is_cuda


class Addend(NamedTuple):
    """An array that is still to be computed.

    Attributes
    ----------
    shape, dtype : what it will have.
    compute : `compute(None)` makes it; `compute(total)` adds it to an array of equal shape
        and type, in place, and returns that.
    """

    shape: tuple[int, ...]
    dtype: Any
    compute: Callable[[Any], Any]


def addend(kernel: Callable, x: Any, *args: Any) -> Addend | None:
    """`kernel(x, *args)`, which is like x in shape and type, for later; None if x is no array
    of a CUDA device: then the caller computes it as usual.

    `kernel` takes one more argument, the sum to add to, or None.
    """
    if not is_cuda(x) or x.dtype.char not in "fd":
        return None
    return Addend(x.shape, x.dtype, functools.partial(kernel, x, *args))


def computed(gradient: Any) -> Any:
    """An addend as the array that it stands for; all else as it is."""
    return gradient.compute(None) if type(gradient) is Addend else gradient
