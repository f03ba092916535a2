"""Making tensors: from data, of constants, and of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.tensor import Tensor
from minigrad.dtypes import DEFAULT_FLOAT


def tensor(data: Any, dtype: Any = None, device: str | None = None,
           requires_grad: bool = False) -> Tensor:
    """A Tensor with a copy of ``data``; Python floats become float32."""
    return Tensor(data, requires_grad, dtype, device)


def from_numpy(array: np.ndarray) -> Tensor:
    """A Tensor that shares memory with ``array``.

    Changes that you make to the array afterwards go unnoticed, also where an operation
    has kept it; use :func:`tensor` for a copy that is guarded.
    """
    from minigrad.core.tensor import wrap
    return wrap(np.asarray(array))


def _shape(shape: tuple) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape


def _make(array: np.ndarray, dtype: Any, device: str | None, requires_grad: bool) -> Tensor:
    return Tensor(array, requires_grad, dtype or DEFAULT_FLOAT, device)


def zeros(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """Zeros of ``shape``."""
    return _make(np.zeros(_shape(shape)), dtype, device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """Ones of ``shape``."""
    return _make(np.ones(_shape(shape)), dtype, device, requires_grad)


def full(shape: Any, value: float, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """``value`` everywhere."""
    return _make(np.full(shape, value), dtype, device, requires_grad)


def zeros_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, type and device of ``x``."""
    return zeros(x.shape, dtype=x.dtype, device=x.device, requires_grad=requires_grad)


def ones_like(x: Tensor, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, type and device of ``x``."""
    return ones(x.shape, dtype=x.dtype, device=x.device, requires_grad=requires_grad)


def eye(n: int, m: int | None = None, dtype: Any = None, device: str | None = None,
        requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n×m matrix."""
    return _make(np.eye(n, m), dtype, device, requires_grad)


def arange(*bounds: float, dtype: Any = None, device: str | None = None) -> Tensor:
    """start, start + step, … below stop; integers stay integers."""
    return Tensor(np.arange(*bounds), False,
                  dtype or (None if all(isinstance(b, int) for b in bounds) else DEFAULT_FLOAT),
                  device)


def rand(*shape: Any, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1); the numbers depend on :func:`manual_seed`, not on the device."""
    return _make(backend.generator().random(_shape(shape)), dtype, device, requires_grad)


def randn(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """Normal with mean 0 and deviation 1; see :func:`rand`."""
    return _make(backend.generator().standard_normal(_shape(shape)), dtype, device, requires_grad)


def randint(low: int, high: int, shape: Any, device: str | None = None) -> Tensor:
    """Integers low … high − 1, all equally likely."""
    return Tensor(backend.generator().integers(low, high, shape), device=device)
