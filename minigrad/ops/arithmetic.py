"""Elementwise arithmetic: a table of operations with their derivatives.

In every rule g is ∂L/∂z for the result z, and the rule returns ∂L/∂x. Inputs broadcast; the
engine sums the gradient back to each input's shape. A row names the operation, states its
formula and, unless it is NumPy's function of the same name, its forward function; the rules
follow. An operation that needs more room is declared as a function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import Primitive, elementwise, primitive
from minigrad.core.tensor import Tensor
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
square = ufunc("square", "z = x².", lambda x: x * x, x=lambda g, x: g * (2 * x))
sqrt = ufunc("sqrt", "z = √x.", x=lambda g, out: g * 0.5 / out)
exp = ufunc("exp", "z = eˣ.", x=lambda g, out: g * out)
log = ufunc("log", "Natural logarithm  z = ln x.", x=lambda g, x: g / x)
sin = ufunc("sin", "z = sin x.", x=lambda g, x: g * cos(x))
cos: Primitive = ufunc("cos", "z = cos x.", x=lambda g, x: -g * sin(x))


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


@primitive
def logical_and(x, y):
    """x and y, elementwise."""
    return array_module(x, y).logical_and(x, y)


@primitive
def logical_or(x, y):
    """x or y, elementwise."""
    return array_module(x, y).logical_or(x, y)


@primitive
def logical_not(x):
    """not x, elementwise."""
    return array_module(x).logical_not(x)


# ------------------------------------------------------------------ functions in pieces

sign = ufunc("sign", "−1, 0 or 1; its derivative is 0 wherever it exists.", x=None)
abs = ufunc("abs", "z = |x|; the derivative at 0 is 0.", x=lambda g, x: g * sign(x))
maximum = ufunc("maximum", "The larger of x and y; equal ones share the gradient half and half.",
                x=lambda g, x, y: g * (greater(x, y) + 0.5 * equal(x, y)),
                y=lambda g, x, y: g * (less(x, y) + 0.5 * equal(x, y)))
minimum = ufunc("minimum", "The smaller of x and y; equal ones share the gradient half and half.",
                x=lambda g, x, y: g * (less(x, y) + 0.5 * equal(x, y)),
                y=lambda g, x, y: g * (greater(x, y) + 0.5 * equal(x, y)))


@elementwise
def where(condition, x, y):
    """z = x where `condition` holds, else y."""
    xp = array_module(x, y, condition)
    return xp.where(condition if xp is np else xp.asarray(condition), x, y)


where.derivative(
    x=lambda g, condition: where(condition, g, 0 * g),
    y=lambda g, condition: where(condition, 0 * g, g),
)


@elementwise
def clip_between(x, low, high):
    """x limited to [low, high]; the gradient passes where low ≤ x ≤ high."""
    return array_module(x).clip(x, low, high)


clip_between.derivative(
    x=lambda g, x, low, high: g * greater_equal(x, low) * less_equal(x, high),
    low=None,
    high=None,
)

# ------------------------------------------------------------------------- powers


@elementwise
def power(x, y):
    """Power  z = xʸ, for x ≥ 0 unless y is a whole number.

    At y = 0 the derivative with respect to x is 0 (also at x = 0), at x = 0 that with respect to
    y is 0.
    """
    return x ** y


power.derivative(
    x=lambda g, x, y: g * power_slope(x, y),                    # y·xʸ⁻¹
    y=lambda g, x, out: g * out * log(where(greater(x, 0), x, 1 + 0 * x)),      # z·log x
)


def power_slope(x: Any, y: Any) -> Any:
    """∂xʸ/∂x = y·xʸ⁻¹, and 0 where y = 0 (x⁻¹ would be infinite at x = 0)."""
    if isinstance(y, (int, float)):
        return y * x ** (y - 1) if y != 0 else 0 * x
    zero = equal(y, 0)
    return y * power(x, where(zero, y, y - 1))


# ------------------------------------------------------------------- composed functions


def pow(x: Any, y: Any) -> Tensor:
    """xʸ; squares, roots and y = 1 are separate operations."""
    if isinstance(y, (int, float)):
        if y == 2:
            return square(x)
        if y == 1:
            return clone(x)
        if y == 0.5:
            return sqrt(x)
    return power(x, y)


def clip(x: Tensor, low: float | None = None, high: float | None = None) -> Tensor:
    """x limited to [low, high]; None leaves a side open.

    The gradient is 1 inside and on the limits.
    """
    return clip_between(x, -np.inf if low is None else low, np.inf if high is None else high)
