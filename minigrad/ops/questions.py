"""Questions about numbers, answered by bool tensors."""

from __future__ import annotations

from operator import index
from typing import Any

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import equal, less_equal, logical_and, logical_or, not_equal
from minigrad.ops.ufunc import ufunc


def _of_floats(name: str) -> Any:
    """NumPy's function; integers are finite, and CuPy's has no answer for them."""
    def forward(x: Any) -> Any:
        if x.dtype.kind in "biu":
            return array_module(x).full(x.shape, name == "isfinite")
        return getattr(array_module(x), name)(x)
    return forward


isnan = ufunc("isnan", "Whether x is NaN.", _of_floats("isnan"), x=None)
isinf = ufunc("isinf", "Whether x is ∞ or −∞.", _of_floats("isinf"), x=None)
isfinite = ufunc("isfinite", "Whether x is neither infinite nor NaN.", _of_floats("isfinite"),
                 x=None)
signbit = ufunc("signbit", "Whether x is negative, −0 included.",
                lambda x: array_module(x).signbit(x) if x.dtype.kind == "f" else x < 0, x=None)


def isposinf(input: Tensor) -> Tensor:
    """Whether x is ∞."""
    return equal(input, float("inf"))


def isneginf(input: Tensor) -> Tensor:
    """Whether x is −∞."""
    return equal(input, -float("inf"))


def isreal(input: Tensor) -> Tensor:
    """Whether x has no imaginary part."""
    x = input._array
    return Tensor(x.imag == 0 if x.dtype.kind == "c" else array_module(x).ones(x.shape, bool))


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8,
            equal_nan: bool = False) -> Tensor:
    """Whether |x − y| ≤ atol + rtol·|y|; infinities are close to themselves only."""
    if rtol < 0 or atol < 0:
        raise ArgumentError(f"isclose needs an rtol and an atol of at least 0, not {rtol} and "
                            f"{atol}")
    x, y = input.detach(), other.detach()
    near = equal(x, y)
    if x.dtype.kind == "f" or rtol or atol:
        within = less_equal(absolute(_signed(x) - _signed(y)), atol + absolute(rtol * _signed(y)))
        near = logical_or(near, logical_and(within, logical_and(isfinite(x), isfinite(y))))
    if equal_nan:
        near = logical_or(near, logical_and(isnan(x), isnan(y)))
    return near


def _signed(x: Tensor) -> Tensor:
    """Bool and unsigned numbers as int64, whose differences have a sign."""
    return x.to("int64") if x.dtype.kind in "bu" else x


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8,
             equal_nan: bool = False) -> bool:
    """Whether all elements are close, see :func:`isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def identical(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape and equal elements; :func:`eq` compares each element."""
    if input.shape != other.shape:
        return False
    return bool(equal(input.detach(), other.detach())._array.all())


def logical_xor(input: Tensor, other: Any) -> Tensor:
    """Whether exactly one of x and y is not 0."""
    return not_equal(not_equal(input, 0), not_equal(other, 0))


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False,
         invert: bool = False) -> Tensor:
    """Whether each element of `elements` is one of `test_elements`."""
    x = elements if isinstance(elements, Tensor) else Tensor(elements)
    y = test_elements if isinstance(test_elements, Tensor) else Tensor(test_elements)
    x, y = x.detach(), y.detach()
    found = equal(x.reshape(*x.shape, 1), y.reshape(-1))._array.any(axis=-1)
    answer = Tensor(found)
    return equal(answer, False) if invert else answer


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to.

    Raises
    ------
    ShapeError
        Two lengths differ, and none of them is 1.
    """
    lists = [(index(shape),) if not isinstance(shape, (tuple, list)) else tuple(map(index, shape))
             for shape in shapes]
    result: list[int] = []
    for place in range(-max(map(len, lists), default=0), 0):
        lengths = {shape[place] for shape in lists if len(shape) >= -place}
        if len(lengths - {1}) > 1:
            raise ShapeError(f"broadcast_shapes: {', '.join(map(str, lists))} differ in dimension "
                             f"{place}; each length must be equal or 1")
        result.append(next(iter(lengths - {1}), 1))
    return tuple(result)
