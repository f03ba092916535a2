"""Elementwise arithmetic: a table of operations with their derivatives.

In every rule g is ∂L/∂z for the result z, and the rule returns ∂L/∂x. Inputs broadcast; the
engine sums the gradient back to each input's shape. A row names the operation, states its
formula and, unless it is NumPy's function of the same name, its forward function; the rules
follow. An operation that needs more room is declared as a function.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import Primitive, elementwise, primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError
from minigrad.kernels import selection
from minigrad.ops.ufunc import ufunc

# ------------------------------------------------------------------ smooth functions

add = ufunc("add", "Sum  z = x + y.", lambda x, y: x + y,
            x=lambda g: g,
            y=lambda g: g)
subtract = ufunc("subtract", "Difference  z = x − y.", lambda x, y: x - y,
                 x=lambda g: g,
                 y=lambda g: -g)
multiply = ufunc("multiply", "Product  z = x·y.", lambda x, y: x * y,
                 x=lambda g, y: g * y,
                 y=lambda g, x: g * x)
divide = ufunc("divide", "Quotient  z = x / y.", lambda x, y: x / y,
               x=lambda g, y: g / y,
               y=lambda g, y, out: -g * out / y)            # ∂(x/y)/∂y = −x/y² = −z/y
negative = ufunc("negative", "z = −x.", lambda x: -x, x=lambda g: -g)
square = ufunc("square", "z = x².", lambda x: x * _counted(x), x=lambda g, x: g * (2 * x))
sqrt = ufunc("sqrt", "z = √x.", floats=True, x=lambda g, out: g * 0.5 / out)
exp = ufunc("exp", "z = eˣ.", floats=True, x=lambda g, out: g * out)
log = ufunc("log", "Natural logarithm  z = ln x.", floats=True, x=lambda g, x: g / x)
sin = ufunc("sin", "z = sin x.", floats=True, x=lambda g, x: g * cos(x))
cos: Primitive = ufunc("cos", "z = cos x.", floats=True, x=lambda g, x: -g * sin(x))


def _counted(x: Any) -> Any:
    """x, with truth values as int64: True·True is 1, as in PyTorch."""
    return x.astype(np.int64) if _is_bool(x) else x


def _is_bool(x: Any) -> bool:
    return bool(getattr(x, "dtype", _FLOAT).kind == "b")


_FLOAT = np.dtype(float)


@primitive
def clone(x):
    """A copy of x."""
    return x.copy()


clone.derivative(x=lambda g: g)

# ------------------------------------- comparisons: derivative 0 wherever it exists

equal = ufunc("equal", "x = y, as bool.", x=None, y=None)
not_equal = ufunc("not_equal", "x ≠ y, as bool.", x=None, y=None)
less = ufunc("less", "x < y, as bool.", x=None, y=None)
less_equal = ufunc("less_equal", "x ≤ y, as bool.", x=None, y=None)
greater = ufunc("greater", "x > y, as bool.", x=None, y=None)
greater_equal = ufunc("greater_equal", "x ≥ y, as bool.", x=None, y=None)


logical_and = ufunc("logical_and", "x and y, as bool.", x=None, y=None)
logical_or = ufunc("logical_or", "x or y, as bool.", x=None, y=None)
logical_not = ufunc("logical_not", "not x, as bool.", x=None)

# ------------------------------------------------------------------ functions in pieces
#
# A branch that is not taken sends exactly 0, because rules select. A product with a mask would
# send 0·∞ = NaN, for instance in the gradient of √max(x, 0) at x = 0.


@elementwise
def kept(x, flags):
    """x where `flags` holds, exactly 0 elsewhere."""
    return selection.kept(x, flags)


kept.derivative(x=lambda g, flags: kept(g, flags))


def zero(g: Any) -> Any:
    """A derivative that is 0 wherever it exists."""
    return kept(g, not_equal(0, 0))


sign = ufunc("sign", "−1, 0 or 1; its derivative is 0 wherever it exists.",
             lambda x: x > 0 if _is_bool(x) else array_module(x).sign(x), x=zero)
abs = ufunc("abs", "z = |x|; the derivative at 0 is 0.",
            x=lambda g, x: kept(g * sign(x), not_equal(x, 0)))
maximum = ufunc("maximum", "The larger of x and y; equal ones share the gradient half and half.",
                x=lambda g, x, y: kept(halved(g, equal(x, y)), logical_not(less(x, y))),
                y=lambda g, x, y: kept(halved(g, equal(x, y)), logical_not(greater(x, y))))
minimum = ufunc("minimum", "The smaller of x and y; equal ones share the gradient half and half.",
                x=lambda g, x, y: kept(halved(g, equal(x, y)), logical_not(greater(x, y))),
                y=lambda g, x, y: kept(halved(g, equal(x, y)), logical_not(less(x, y))))


def halved(g: Any, ties: Any) -> Any:
    """g, and half of it where `ties` holds."""
    return where(ties, 0.5 * g, g)


@elementwise
def where(condition, x, y):
    """z = x where `condition` holds, else y."""
    xp = array_module(x, y, condition)
    return xp.where(condition if xp is np else xp.asarray(condition), x, y)


where.derivative(
    x=lambda g, condition: kept(g, not_equal(condition, 0)),
    y=lambda g, condition: kept(g, equal(condition, 0)),
)


@elementwise
def deviation_root(x):
    """z = √x, with derivative 0 at x = 0, for the standard deviation of equal elements."""
    return array_module(x).sqrt(x)


deviation_root.derivative(
    x=lambda g, out: kept(g, not_equal(out, 0)) * 0.5 / where(equal(out, 0), 1, out),
)


@elementwise
def clip_between(x, low, high):
    """x limited to [low, high], None for no limit; the gradient passes where low ≤ x ≤ high."""
    return array_module(x).clip(x, low, high)


clip_between.derivative(
    x=lambda g, x, low, high: kept(g, is_between(x, low, high)),
    low=lambda g, x, low, high: kept(g, is_below(x, low, high)),
    high=lambda g, x, low, high: kept(g, is_above(x, low, high)),
)


def is_between(x: Any, low: Any, high: Any) -> Any:
    """Whether low ≤ x ≤ high."""
    if low is None or high is None:
        return less_equal(x, high) if low is None else greater_equal(x, low)
    return logical_and(greater_equal(x, low), less_equal(x, high))


def is_below(x: Any, low: Any, high: Any) -> Any:
    """Whether x is cut off at `low`; if the limits cross, `high` is the result."""
    return less(x, low) if high is None else logical_and(less(x, low), less(low, high))


def is_above(x: Any, low: Any, high: Any) -> Any:
    """Whether x is cut off at `high`."""
    return greater(x, high) if low is None else logical_or(greater(x, high), less(high, low))

# ------------------------------------------------------------------------- powers


@elementwise
def power(x, y):
    """Power  z = xʸ, for x ≥ 0 unless y is a whole number.

    At x = y = 0 the derivative with respect to x is 0. That with respect to y is 0 at x = 0 for
    y ≥ 0, and NaN for x < 0, where xʸ exists for whole y only.
    """
    x = _counted(x)
    if getattr(y, "dtype", _FLOAT).kind == "i" and getattr(x, "dtype", y.dtype).kind in "iu":
        return _whole_power(x, y)
    return x ** y


def _whole_power(x: Any, y: Any) -> Any:
    """Integers to integer powers: 1/xⁿ is 0 where it is not an integer, as in PyTorch."""
    xp = array_module(x, y)
    size = xp.where(y < 0, xp.where(x == 1, 1, xp.where(x == -1, 1 - 2 * (y % 2), 0)),
                    x ** xp.maximum(y, 0))
    return size.astype(xp.result_type(x, y), copy=False)


power.derivative(
    x=lambda g, x, y: g * power_slope(x, y),                    # y·xʸ⁻¹
    y=lambda g, x, y, out: power_growth(g, x, y, out),          # z·log x
)


def power_slope(x: Any, y: Any) -> Any:
    """∂xʸ/∂x = y·xʸ⁻¹, and 0 where x = y = 0 (x⁻¹ would be infinite)."""
    if isinstance(y, (int, float)):
        return y * x ** (y - 1) if y != 0 else zero(x)
    corner = logical_and(equal(x, 0), equal(y, 0))
    return where(corner, 0, y * power(where(corner, 1, x), y - 1))


def power_growth(g: Any, x: Any, y: Any, out: Any) -> Any:
    """g·∂xʸ/∂y = g·z·log x, and 0 where x = 0 and y ≥ 0."""
    corner = logical_and(equal(x, 0), greater_equal(y, 0))
    if isinstance(x, (int, float)):
        # At x = 0 the other elements have y < 0 and z = ∞, so only the logarithm's sign matters.
        slope = math.log(x) if x > 0 else -1.0 if x == 0 else math.nan
        return kept(g * out, logical_not(corner)) * slope
    return kept(g * out, logical_not(corner)) * log(where(corner, 1, x))


# ------------------------------------------------------------------- composed functions


def pow(x: Any, y: Any) -> Tensor:
    """xʸ; squares, roots and y = 1 are separate operations."""
    if isinstance(y, (int, float)):
        if isinstance(x, Tensor) and x.dtype.kind in "biu":
            if type(y) is int and y < 0:
                raise DTypeError(f"a ** b: integers cannot be raised to the negative power {y}; "
                                 f"make them floats with .float()")
        elif y == 2:
            return square(x)
        elif y == 1:
            return clone(x)
        elif y == 0.5:
            return sqrt(x)
    return power(x, y)


def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """x limited to [min, max]; None leaves a side open.

    Parameters
    ----------
    x : Tensor
        Of any shape; not bool.
    min, max : number or Tensor, optional
        They broadcast against x. Where `min` exceeds `max` the result is `max`.

    Notes
    -----
    The gradient goes to x inside and on the limits, elsewhere to the limit that took effect.
    """
    if x.dtype.kind in "bc":
        raise DTypeError(f"clip needs numbers that have an order, not {x.dtype}")
    if min is None and max is None:
        raise ArgumentError("clip needs a limit, min or max or both")
    return clip_between(x, min, max)
