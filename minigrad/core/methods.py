"""Operators and methods of a Tensor that compute or convert something, most of them one line.

Each that returns a Tensor calls the operation of :mod:`minigrad.ops` that has its name.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any, Self, TypeVar

import numpy as np

from minigrad import backend
from minigrad.core import operations as ops
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.element_types import as_number
from minigrad.spellings import Spellings

Tensor = TypeVar("Tensor")      # stands for minigrad.Tensor, which is derived from this class


class Methods(Spellings[Tensor]):
    """Base class of :class:`minigrad.Tensor`."""

    __slots__ = ()
    _array: Any

    # -- operators

    def __add__(self, other: Any) -> Tensor: return ops.add(self, other)
    def __radd__(self, other: Any) -> Tensor: return ops.add(other, self)
    def __sub__(self, other: Any) -> Tensor: return ops.subtract(self, other)
    def __rsub__(self, other: Any) -> Tensor: return ops.subtract(other, self)
    def __mul__(self, other: Any) -> Tensor: return ops.multiply(self, other)
    def __rmul__(self, other: Any) -> Tensor: return ops.multiply(other, self)
    def __truediv__(self, other: Any) -> Tensor: return ops.divide(self, other)
    def __rtruediv__(self, other: Any) -> Tensor: return ops.divide(other, self)
    def __pow__(self, other: Any) -> Tensor: return ops.pow(self, other)
    def __rpow__(self, other: Any) -> Tensor: return ops.pow(other, self)
    def __matmul__(self, other: Any) -> Tensor: return ops.matmul(self, other)
    def __rmatmul__(self, other: Any) -> Tensor: return ops.matmul(other, self)
    def __neg__(self) -> Tensor: return ops.negative(self)
    def __pos__(self) -> Self: return self
    def __abs__(self) -> Tensor: return ops.abs(self)
    def __invert__(self) -> Tensor: return ops.bitwise_not(self)
    def __and__(self, other: Any) -> Tensor: return ops.bitwise_and(self, other)
    def __or__(self, other: Any) -> Tensor: return ops.bitwise_or(self, other)
    def __eq__(self, other: Any) -> Any: return ops.equal(self, other)
    def __ne__(self, other: Any) -> Any: return ops.not_equal(self, other)
    def __lt__(self, other: Any) -> Tensor: return ops.less(self, other)
    def __le__(self, other: Any) -> Tensor: return ops.less_equal(self, other)
    def __gt__(self, other: Any) -> Tensor: return ops.greater(self, other)
    def __ge__(self, other: Any) -> Tensor: return ops.greater_equal(self, other)
    def __getitem__(self, index: Any) -> Tensor: return ops.getitem(self, index)

    # -- elementwise

    def exp(self) -> Tensor: return ops.exp(self)
    def log(self) -> Tensor: return ops.log(self)
    def sqrt(self) -> Tensor: return ops.sqrt(self)
    def square(self) -> Tensor: return ops.square(self)
    def sin(self) -> Tensor: return ops.sin(self)
    def cos(self) -> Tensor: return ops.cos(self)
    def tanh(self) -> Tensor: return ops.tanh(self)
    def sigmoid(self) -> Tensor: return ops.sigmoid(self)
    def relu(self) -> Tensor: return ops.relu(self)
    def abs(self) -> Tensor: return ops.abs(self)
    def sign(self) -> Tensor: return ops.sign(self)
    def pow(self, exponent: Any) -> Tensor: return ops.pow(self, exponent)

    # -- reductions: over all dimensions, one, or a tuple of them

    def sum(self, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        return ops.sum(self, dim, keepdim, dtype)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.mean(self, dim, keepdim)

    def var(self, dim: Any = None, correction: Any = 1, keepdim: bool = False,
            **named: Any) -> Tensor:
        return ops.var(self, dim, correction, keepdim, **named)

    def std(self, dim: Any = None, correction: Any = 1, keepdim: bool = False,
            **named: Any) -> Tensor:
        return ops.std(self, dim, correction, keepdim, **named)

    def prod(self, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        return ops.prod(self, dim, keepdim, dtype)

    def logsumexp(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.logsumexp(self, dim, keepdim)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.amax(self, dim, keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.amin(self, dim, keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element, or `(values, indices)` along `dim`."""
        return ops.max(self, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element, or `(values, indices)` along `dim`."""
        return ops.min(self, dim, keepdim)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return ops.argmax(self, dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return ops.argmin(self, dim, keepdim)

    # -- shape

    def reshape(self, *shape: Any) -> Tensor: return ops.reshape(self, _several(shape))
    view = reshape
    def permute(self, *dims: Any) -> Tensor: return ops.permute(self, _several(dims))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        return ops.transpose(self, dim0, dim1)

    def expand(self, *shape: Any) -> Tensor: return ops.expand(self, _several(shape))
    def squeeze(self, dim: Any = None) -> Tensor: return ops.squeeze(self, dim)
    def unsqueeze(self, dim: int) -> Tensor: return ops.unsqueeze(self, dim)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        return ops.flatten(self, start_dim, end_dim)

    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        return ops.split(self, split_size, dim)

    def gather(self, dim: int, index: Any) -> Tensor:
        return ops.gather(self, dim, index)

    def take(self, index: Any) -> Tensor: return ops.take(self, index)
    def matmul(self, other: Any) -> Tensor: return ops.matmul(self, other)

    @property
    def mT(self) -> Tensor:
        """The last two dimensions exchanged."""
        return ops.matrix_transpose(self)

    # -- copies and conversions

    def clone(self) -> Tensor:
        """A copy that is recorded in the graph."""
        return ops.clone(self)

    def cpu(self) -> Tensor:
        return self.to("cpu")

    def cuda(self) -> Tensor:
        return self.to("cuda")

    def float(self) -> Tensor:
        """This tensor as float32; itself, if it is that already."""
        return self.to(dtype=np.float32)

    def double(self) -> Tensor:
        """This tensor as float64; itself, if it is that already."""
        return self.to(dtype=np.float64)

    # -- as values of Python and NumPy

    def numel(self) -> int:
        """Number of elements."""
        return self._array.size

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension."""
        return self._array.shape if dim is None else self._array.shape[dim]

    def numpy(self) -> np.ndarray:
        """A copy on the host, which may be changed."""
        return np.array(backend.to_device(self._array, "cpu"))

    def item(self) -> builtins.float | int | bool:
        """The only element, as a Python number."""
        if self._array.size != 1:
            raise ShapeError(f"item() needs one element; this tensor has shape {self._array.shape}")
        return self._array.item()

    def tolist(self) -> Any: return self._array.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __len__(self) -> int:
        if not self._array.shape:
            raise ShapeError("a zero-dimensional tensor has no length")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ArgumentError(f"the truth value of a tensor with shape {self._array.shape} is "
                                f"ambiguous; use .all() or .any()")
        return bool(self._array)

    def __float__(self) -> builtins.float: return as_number(float, self.item())
    def __int__(self) -> int: return as_number(int, self.item())

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu":
            raise DTypeError(f"an index must be an integer; this tensor is {self._array.dtype}")
        return int(self.item())


def _several(values: tuple) -> tuple:
    """Accept `f(2, 3)` as well as `f((2, 3))`."""
    return tuple(values[0]) if len(values) == 1 and isinstance(values[0], (tuple, list)) \
        else values
