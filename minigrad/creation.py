"""Functions that make tensors: from data, constant, and random."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import DEFAULT_FLOAT
from minigrad.random import generator


def tensor(data: Any, dtype: Any = None, device: str | None = None,
           requires_grad: bool = False) -> Tensor:
    """A Tensor with a copy of `data`; Python floats become float32."""
    return Tensor(data, requires_grad, dtype, device)


def from_numpy(array: np.ndarray) -> Tensor:
    """A Tensor that shares memory with `array`.

    Later changes of the array are not noticed, even if an operation has saved it; :func:`tensor`
    makes a copy that is guarded.
    """
    return wrap(np.asarray(array))


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape


def _make(array: np.ndarray, dtype: Any, device: str | None, requires_grad: bool) -> Tensor:
    return Tensor(array, requires_grad, dtype or DEFAULT_FLOAT, device)


def zeros(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """Zeros of `shape`."""
    return _make(np.zeros(_shape(shape)), dtype, device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """Ones of `shape`."""
    return _make(np.ones(_shape(shape)), dtype, device, requires_grad)


def full(shape: Any, value: float, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """`value` everywhere, in its own type: float32, int64 or bool, as in PyTorch."""
    kind = None if isinstance(value, (bool, int)) and not requires_grad else DEFAULT_FLOAT
    return Tensor(np.full(shape, value), requires_grad, dtype or kind, device)


def zeros_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, type and device of `x`."""
    return zeros(x.shape, dtype=x.dtype, device=x.device, requires_grad=requires_grad)


def ones_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, type and device of `x`."""
    return ones(x.shape, dtype=x.dtype, device=x.device, requires_grad=requires_grad)


def eye(n: int, m: int | None = None, dtype: Any = None, device: str | None = None,
        requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n×m matrix."""
    return _make(np.eye(n, m), dtype, device, requires_grad)


def arange(*bounds: float, dtype: Any = None, device: str | None = None) -> Tensor:
    """The numbers start, start + step, … below stop; integers stay integers."""
    return Tensor(np.arange(*bounds), False,
                  dtype or (None if all(isinstance(b, int) for b in bounds) else DEFAULT_FLOAT),
                  device)


def rand(*shape: Any, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1); a seed (:func:`manual_seed`) gives the same numbers on every device."""
    return _make(generator().random(_shape(shape)), dtype, device, requires_grad)


def randn(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """Normal with mean 0 and standard deviation 1; see :func:`rand`."""
    return _make(generator().standard_normal(_shape(shape)), dtype, device, requires_grad)


def randint(low: int, high: int, shape: Any, device: str | None = None) -> Tensor:
    """Integers low … high − 1, all equally likely."""
    return Tensor(generator().integers(low, high, shape), device=device)
