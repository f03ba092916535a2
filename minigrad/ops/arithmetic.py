"""Elementwise arithmetic: each operation and, beside it, its table of derivatives.

In every rule g is ∂L/∂z for the result z, and the rule gives ∂L/∂x. Inputs broadcast;
the engine sums the gradient back to each input's shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import elementwise, primitive

# ------------------------------------------------------------------ two inputs


@elementwise
def add(x, y):
    """Sum  z = x + y."""
    return x + y


add.derivative(
    x=lambda g: g,
    y=lambda g: g,
)


@elementwise
def subtract(x, y):
    """Difference  z = x − y."""
    return x - y


subtract.derivative(
    x=lambda g: g,
    y=lambda g: -g,
)


@elementwise
def multiply(x, y):
    """Product  z = x·y."""
    return x * y


multiply.derivative(
    x=lambda g, y: g * y,
    y=lambda g, x: g * x,
)


@elementwise
def divide(x, y):
    """Quotient  z = x / y."""
    return x / y


divide.derivative(
    x=lambda g, y: g / y,
    y=lambda g, y, out: -g * out / y,       # ∂(x/y)/∂y = −x/y² = −z/y
)


@elementwise
def power(x, y):
    """Power  z = xʸ, for x ≥ 0 unless y is a whole number.

    At y = 0 the derivative by x is 0 (also at x = 0), at x = 0 the derivative by y is 0.
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


@elementwise
def maximum(x, y):
    """The larger of the two; where they are equal the gradient is shared half and half."""
    return array_module(x, y).maximum(x, y)


maximum.derivative(
    x=lambda g, x, y: g * (greater(x, y) + 0.5 * equal(x, y)),
    y=lambda g, x, y: g * (less(x, y) + 0.5 * equal(x, y)),
)


@elementwise
def minimum(x, y):
    """The smaller of the two; where they are equal the gradient is shared half and half."""
    return array_module(x, y).minimum(x, y)


minimum.derivative(
    x=lambda g, x, y: g * (less(x, y) + 0.5 * equal(x, y)),
    y=lambda g, x, y: g * (greater(x, y) + 0.5 * equal(x, y)),
)


@elementwise
def where(condition, x, y):
    """z = x where ``condition`` holds, else y."""
    xp = array_module(x, y, condition)
    return xp.where(condition if xp is np else xp.asarray(condition), x, y)


where.derivative(
    x=lambda g, condition: where(condition, g, 0 * g),
    y=lambda g, condition: where(condition, 0 * g, g),
)

# ------------------------------------------------------------------- one input


@elementwise
def negative(x):
    """z = −x."""
    return -x


negative.derivative(x=lambda g: -g)


@elementwise
def square(x):
    """z = x²."""
    return x * x


square.derivative(x=lambda g, x: g * (2 * x))


@elementwise
def sqrt(x):
    """z = √x."""
    return array_module(x).sqrt(x)


sqrt.derivative(x=lambda g, out: g * 0.5 / out)


@elementwise
def exp(x):
    """z = eˣ."""
    return array_module(x).exp(x)


exp.derivative(x=lambda g, out: g * out)


@elementwise
def log(x):
    """Natural logarithm  z = ln x."""
    return array_module(x).log(x)


log.derivative(x=lambda g, x: g / x)


@elementwise
def sin(x):
    """z = sin x."""
    return array_module(x).sin(x)


sin.derivative(x=lambda g, x: g * cos(x))


@elementwise
def cos(x):
    """z = cos x."""
    return array_module(x).cos(x)


cos.derivative(x=lambda g, x: -g * sin(x))


@elementwise
def abs(x):
    """z = |x|; the derivative at 0 is 0."""
    return array_module(x).abs(x)


abs.derivative(x=lambda g, x: g * sign(x))


@elementwise
def sign(x):
    """−1, 0 or 1; its derivative is 0 wherever it exists."""
    return array_module(x).sign(x)


sign.derivative(x=None)


@elementwise
def limit(x, low, high):
    """x limited to [low, high]; the gradient passes where low ≤ x ≤ high."""
    return array_module(x).clip(x, low, high)


limit.derivative(
    x=lambda g, x, low, high: g * greater_equal(x, low) * less_equal(x, high),
    low=None,
    high=None,
)


@primitive
def clone(x):
    """A copy of x."""
    return x.copy()


clone.derivative(x=lambda g: g)

# ------------------------------------- comparisons: derivative 0 wherever it exists


@elementwise
def equal(x, y):
    """x = y, as bool."""
    return array_module(x, y).equal(x, y)


@elementwise
def not_equal(x, y):
    """x ≠ y, as bool."""
    return array_module(x, y).not_equal(x, y)


@elementwise
def less(x, y):
    """x < y, as bool."""
    return array_module(x, y).less(x, y)


@elementwise
def less_equal(x, y):
    """x ≤ y, as bool."""
    return array_module(x, y).less_equal(x, y)


@elementwise
def greater(x, y):
    """x > y, as bool."""
    return array_module(x, y).greater(x, y)


@elementwise
def greater_equal(x, y):
    """x ≥ y, as bool."""
    return array_module(x, y).greater_equal(x, y)


for comparison in (equal, not_equal, less, less_equal, greater, greater_equal):
    comparison.derivative(x=None, y=None)


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


# --------------------------------------------------------- public names around them


def pow(x: Any, y: Any) -> Any:
    """xʸ, with the whole and half powers that occur all the time as operations of their own."""
    if isinstance(y, (int, float)):
        if y == 2:
            return square(x)
        if y == 1:
            return clone(x)
        if y == 0.5:
            return sqrt(x)
    return power(x, y)


def clip(x: Any, low: float | None = None, high: float | None = None) -> Any:
    """x limited to [low, high]; None leaves a side open. Gradient 1 inside and on the limits."""
    return limit(x, -np.inf if low is None else low, np.inf if high is None else high)
