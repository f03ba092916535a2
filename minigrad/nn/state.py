"""Values of a state dict: what they must be to become those of a module."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels.boundary import FOREIGN, translated
from minigrad.printable import printable


def fitting_array(owner: str, name: str, value: Any, own: Tensor) -> Any:
    """The array of the saved `value`, which may replace that of the tensor `own`.

    Parameters
    ----------
    owner, name : the class of the module, and the dotted name of `own`, for messages.

    Raises
    ------
    DTypeError, ShapeError, ArgumentError : it does not fit.
    """
    array = value._array if isinstance(value, Tensor) else value
    start = f"the state dict for {owner} has {printable(name)}"
    try:
        array = array if backend.is_array(array) else np.asarray(array)
    except FOREIGN as error:
        raise translated(start, [value], error) from error
    if array.dtype.kind not in ("biufc" if own.dtype.kind == "c" else "biuf"):
        raise DTypeError(f"{start} of {array.dtype}, but the module needs {own.dtype}")
    if array.shape != own.shape:
        raise ShapeError(f"{start} of shape {tuple(array.shape)}, but the module needs "
                         f"{own.shape}")
    return array


def some(names: list[str]) -> str:
    """The first names of a possibly long list."""
    first = ", ".join(map(str, names[:4]))
    return first if len(names) <= 4 else f"{first} and {len(names) - 4} more"
