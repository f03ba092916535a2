"""Rounding, remainders and other step functions: their derivative is 0 wherever it exists.

A remainder is what rounding leaves, so its derivatives are those of x − y·⌊x / y⌋.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import elementwise
from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import result_type
from minigrad.errors import ArgumentError, DTypeError
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import add as plus
from minigrad.ops.arithmetic import (
    divide,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_or,
    multiply,
    negative,
    power,
    where,
)
from minigrad.ops.arithmetic import subtract as minus
from minigrad.ops.half import HALF, in_float32, is_half
from minigrad.ops.questions import isnan, signbit
from minigrad.ops.shape import cast
from minigrad.ops.smooth import as_real
from minigrad.ops.ufunc import ufunc
from minigrad.printable import shown


def _whole(name: str) -> Any:
    """NumPy's function for floats; integers are whole already."""
    def forward(x: Any) -> Any:
        if x.dtype.kind == "b":
            raise DTypeError(f"{name} rounds numbers, not bool")
        return x.copy() if x.dtype.kind in "iu" else getattr(array_module(x), name)(x)
    return forward


floor = ufunc("floor", "⌊x⌋, the largest whole number that is not above x.", _whole("floor"),
              x=None)
ceil = ufunc("ceil", "⌈x⌉, the smallest whole number that is not below x.", _whole("ceil"), x=None)
trunc = ufunc("trunc", "x without its digits after the point.", _whole("trunc"), x=None)
rint = ufunc("rint", "The nearest whole number; ties go to the even one.", _whole("rint"), x=None)


def _checked(x: Any, y: Any, name: str) -> None:
    """Refuse to divide a whole number by 0, for which NumPy would give 0."""
    if "f" not in (_kind(x), _kind(y)) and not (y.all() if hasattr(y, "all") else y):
        raise ArgumentError(f"{name}: a whole number cannot be divided by 0; convert one operand "
                            f"with .float() for infinity")


def _dividend(x: Any, y: Any) -> Any:
    """x; of two numbers of Python as NumPy's, which divided by 0 is infinite or NaN, no error."""
    plain = isinstance(x, (int, float)) and isinstance(y, (int, float))
    return np.float64(x) if plain and float in (type(x), type(y)) else x


def _kind(value: Any) -> str:
    return value.dtype.kind if hasattr(value, "dtype") else "f" if isinstance(value, float) else "i"


@elementwise
def floor_divide(x, y):
    """⌊x / y⌋, as `x // y`."""
    _checked(x, y, "floor_divide")
    return _dividend(x, y) // y


@elementwise
def trunc_divide(x, y):
    """x / y rounded towards 0."""
    _checked(x, y, "div with rounding_mode='trunc'")
    quotient = x / y if "f" in (_kind(x), _kind(y)) else x // y
    if quotient.dtype.kind == "f":
        return array_module(x, y).trunc(quotient)
    return quotient + ((quotient < 0) & (quotient * y != x)).astype(quotient.dtype)


@elementwise
def remainder(x, y):
    """x − y·⌊x / y⌋, as `x % y`: it has the sign of y."""
    _checked(x, y, "remainder")
    return _dividend(x, y) % y


@elementwise
def fmod(x, y):
    """x − y·trunc(x / y): it has the sign of x."""
    _checked(x, y, "fmod")
    return array_module(x, y).fmod(x, y)


floor_divide.derivative(x=None, y=None)
trunc_divide.derivative(x=None, y=None)
remainder.derivative(x=lambda g: g, y=lambda g, x, y: -g * floor_divide(x, y))
fmod.derivative(x=lambda g: g, y=lambda g, x, y: -g * trunc_divide(x, y))


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """x / y; with `rounding_mode` `"floor"` ⌊x / y⌋, with `"trunc"` rounded towards 0.

    Raises
    ------
    ArgumentError
        Another rounding mode, or a whole number divided by 0.
    """
    if rounding_mode is None:
        return divide(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ArgumentError(f"div rounds by 'floor' or 'trunc', not by {shown(rounding_mode)}")
    if rounding_mode == "floor":
        return floor_divide(input, other)
    return trunc_divide(input, other)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """x rounded to `decimals` digits after the point (before it, if negative); ties to even."""
    if not decimals:
        return rint(input)
    if input.dtype.kind in "iu":
        raise DTypeError(f"round to {decimals} decimals needs a float tensor, not {input.dtype}")
    if input.dtype == HALF:
        return in_float32(lambda x: round(x, decimals=decimals), input)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    return rint(input * scale) / scale if decimals > 0 else rint(input / scale) * scale


def frac(input: Tensor) -> Tensor:
    """x − trunc x: the digits after the point, with the sign of x."""
    return input - trunc(input)


def copysign(input: Any, other: Any) -> Tensor:
    """|x| with the sign of y, also that of −0."""
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        input = cast(input, result_type(input, other))
    size = absolute(as_real(input) if isinstance(input, Tensor) else input)
    if isinstance(other, (int, float)):
        return negative(size) if math.copysign(1, other) < 0 else size
    return where(signbit(other), negative(size), size)


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 for x < 0, 1 for x > 0 and `values` at 0: the unit step."""
    return where(equal(input, 0), values, cast(greater(input, 0), input.dtype))


def nan_to_num(input: Tensor, nan: float | None = 0.0, posinf: float | None = None,
               neginf: float | None = None) -> Tensor:
    """NaN replaced by `nan`, infinities by `posinf` and `neginf` (by default the largest float).

    Replaced elements get no gradient.
    """
    if input.dtype.kind != "f":
        return input.clone()
    largest = float(np.finfo(input.dtype).max)
    x = where(isnan(input), 0.0 if nan is None else nan, input)
    x = where(equal(input, math.inf), largest if posinf is None else posinf, x)
    return where(equal(input, -math.inf), -largest if neginf is None else neginf, x)


def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of x and y, or the other one if one is NaN. Of equal ones x gets the gradient."""
    return where(logical_or(greater_equal(input, other), isnan(other)), input, other)


def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of x and y, or the other one if one is NaN. Of equal ones x gets the gradient."""
    return where(logical_or(less_equal(input, other), isnan(other)), input, other)


def float_power(input: Any, exponent: Any) -> Tensor:
    """xʸ, computed and returned in float64 (complex numbers in complex128)."""
    complex_too = "c" in (_kind(input), _kind(exponent)) or complex in map(type, (input, exponent))
    wide = np.dtype(np.complex128 if complex_too else np.float64)
    return power(*(cast(v, wide) if isinstance(v, Tensor) else wide.type(v)
                   for v in (input, exponent)))


def ldexp(input: Tensor, other: Any) -> Tensor:
    """x·2ʸ."""
    exponent = as_real(other) if isinstance(other, Tensor) else float(other)
    return multiply(input, power(2.0, exponent))


def frexp(input: Tensor) -> tuple[Tensor, Tensor]:
    """x = m·2ᵉ with ½ ≤ |m| < 1: `(m, e)`; the exponents are int32."""
    exponent = exponents(input)
    half = cast(exponent, input.dtype) * 0.5       # 2ᵉ itself may overflow
    return input * power(2.0, -half) * power(2.0, -half), exponent


@elementwise
def exponents(x):
    """The e of x = m·2ᵉ with ½ ≤ |m| < 1, and 0 where there is none."""
    return array_module(x).frexp(x)[1]


exponents.derivative(x=None)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees in radians: πx / 180."""
    return as_real(input) * (math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians in degrees: 180x / π."""
    return as_real(input) * (180 / math.pi)


def angle(input: Tensor) -> Tensor:
    """The angle of numbers in the complex plane: of real ones π below 0, else 0."""
    if input.dtype.kind == "c":
        return wrap(array_module(input._array).angle(input._array))
    x = as_real(input)
    return where(isnan(x), x, where(less(x, 0), math.pi, cast(less(x, 0), x.dtype)))


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next number after x in x's type, in the direction of y."""
    return following(input, other)


@elementwise
def following(x, y):
    """The next floating-point number after x towards y."""
    return array_module(x, y).nextafter(x, y)


following.derivative(x=lambda g: g, y=None)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """x + w·(e − x): from `input` at w = 0 to `end` at w = 1."""
    if is_half(input, end, weight):
        return in_float32(lerp, input, end, weight)
    return input + weight * (end - input)


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """x + alpha·y."""
    if alpha != 1 and is_half(input, other):
        return in_float32(lambda x, y: add(x, y, alpha=alpha), input, other)
    return plus(input, other if alpha == 1 else multiply(other, alpha))


def subtract(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """x − alpha·y."""
    if alpha != 1 and is_half(input, other):
        return in_float32(lambda x, y: subtract(x, y, alpha=alpha), input, other)
    return minus(input, other if alpha == 1 else multiply(other, alpha))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """x + value·a·b."""
    if is_half(input, tensor1, tensor2):
        return in_float32(lambda *v: addcmul(*v, value=value), input, tensor1, tensor2)
    product = tensor1 * tensor2
    return input + (product if value == 1 else value * product)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """x + value·a / b."""
    if is_half(input, tensor1, tensor2):
        return in_float32(lambda *v: addcdiv(*v, value=value), input, tensor1, tensor2)
    return input + value * (tensor1 / tensor2)
