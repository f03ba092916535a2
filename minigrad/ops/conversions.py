"""Small methods of a Tensor: conversions, its rank, new tensors of its type and device."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.ops.shape import cast
from minigrad.ops.shape_functions import move, transpose


def _to(name: str) -> Any:
    """A method that converts to one element type."""
    dtype = np.dtype(name)

    def convert(x: Tensor) -> Tensor:
        return x if x.dtype == dtype else cast(x, dtype)
    convert.__doc__ = f"x as {name}; the same tensor, if it is that already."
    return convert


bool_, byte, char, short, int_, long, half = map(
    _to, ("bool", "uint8", "int8", "int16", "int32", "int64", "float16"))


def to(x: Tensor, target: Any = None, dtype: Any = None, *, device: Any = None,
       copy: bool = False, non_blocking: bool = False) -> Tensor:
    """x on another device, or as another element type, or both.

    Parameters
    ----------
    target : str, element type or Tensor, optional
        A device (`"cpu"`, `"cuda:0"`), an element type, or a tensor that has both.
    dtype, device : optional
        The same by name; None leaves x as it is.
    copy : bool
        Whether to make a copy even if nothing changes; otherwise the result is x itself.
    non_blocking : bool
        Accepted as in PyTorch.
    """
    if isinstance(target, Tensor):
        device, dtype = target.device, target.dtype
    elif backend.names_device(target):
        device = target
    elif target is not None:
        dtype = target
    result = x if device is None else move(x, backend.canonical_device(device))
    if dtype is not None and result.dtype != np.dtype(dtype):
        result = cast(result, np.dtype(dtype))
    return x.clone() if copy and result is x else result


def type_as(x: Tensor, other: Tensor) -> Tensor:
    """x in the type and on the device of another tensor."""
    return x.to(other.dtype).to(other.device)


def dim(x: Tensor) -> int:
    """The number of dimensions."""
    return x.ndim


def is_floating_point(x: Tensor) -> bool:
    """Whether x holds floats."""
    return x.dtype.kind == "f"


def is_contiguous(x: Tensor) -> bool:
    """Whether the elements lie in memory in row-major order."""
    return bool(x._array.flags.c_contiguous)


def contiguous(x: Tensor) -> Tensor:
    """x itself, or a copy with its elements in row-major order."""
    return x if x._array.flags.c_contiguous else x.clone()


def t(x: Tensor) -> Tensor:
    """A matrix transposed; a vector or a number as it is."""
    if x.ndim > 2:
        raise ShapeError(f"t transposes matrices, not shape {x.shape}; use mT for a batch")
    return transpose(x, 0, 1) if x.ndim == 2 else x


def _filled(x: Tensor, shape: Any, value: Any, dtype: Any, device: Any, requires_grad: bool
            ) -> Tensor:
    lengths = shape if isinstance(shape, tuple) else (shape,)
    if len(lengths) == 1 and isinstance(lengths[0], (tuple, list)):
        lengths = tuple(lengths[0])
    return Tensor(np.full(lengths, value), requires_grad, dtype or x.dtype, device or x.device)


def new_zeros(x: Tensor, *size: Any, dtype: Any = None, device: str | None = None,
              requires_grad: bool = False) -> Tensor:
    """Zeros in x's type and on its device."""
    return _filled(x, size, 0, dtype, device, requires_grad)


def new_ones(x: Tensor, *size: Any, dtype: Any = None, device: str | None = None,
             requires_grad: bool = False) -> Tensor:
    """Ones in x's type and on its device."""
    return _filled(x, size, 1, dtype, device, requires_grad)


def new_full(x: Tensor, size: Any, fill_value: float, dtype: Any = None,
             device: str | None = None, requires_grad: bool = False) -> Tensor:
    """`fill_value` everywhere, in x's type and on its device."""
    return _filled(x, tuple(size), fill_value, dtype, device, requires_grad)


def new_tensor(x: Tensor, data: Any, dtype: Any = None, device: str | None = None,
               requires_grad: bool = False) -> Tensor:
    """A tensor of `data` in x's type and on its device."""
    return Tensor(data, requires_grad, dtype or x.dtype, device or x.device)


# ------------------------------------------------------------------------------ in place


def fill_(x: Tensor, value: Any) -> Tensor:
    """Overwrite every element with one value."""
    return x.copy_(value)


def masked_fill_(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x ← x with `value` where the mask is True."""
    return x.copy_(x.detach().masked_fill(mask, value))
