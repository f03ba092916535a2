"""Smooth elementwise functions: a table of operations with their derivatives.

The rows read as in :mod:`minigrad.ops.arithmetic`. Integers count as float32 here, as in PyTorch.
The derivatives are those of Abramowitz and Stegun, "Handbook of mathematical functions" (1964),
chapters 4 (elementary), 5 and 7 (error function) and 6 (gamma function).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minigrad.backend import array_module, is_array
from minigrad.core.primitive import Primitive, elementwise, primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import DEFAULT_FLOAT
from minigrad.errors import ArgumentError
from minigrad.kernels import special
from minigrad.ops.activation import sigmoid
from minigrad.ops.arithmetic import cos, equal, exp, less, less_equal, log, logical_or, sqrt, where
from minigrad.ops.half import wide_array
from minigrad.ops.shape import cast
from minigrad.ops.ufunc import ufunc

LN2, LN10 = math.log(2), math.log(10)
PEAK = 2 / math.sqrt(math.pi)               # the slope of erf at 0
ROOT_2PI = math.sqrt(2 * math.pi)
# d/dx sinc x = Σ cₖx²ᵏ⁺¹ with cₖ = (−1)ᵏ⁺¹ π²ᵏ⁺² (2k + 2) / (2k + 3)!
SINC_SLOPE = tuple((-1) ** (k + 1) * math.pi ** (2 * k + 2) * (2 * k + 2)
                   / math.factorial(2 * k + 3) for k in range(9))


def real(x: Any) -> Any:
    """An array of integers or bool as float32; anything else as it is."""
    return x.astype(DEFAULT_FLOAT) if is_array(x) and x.dtype.kind in "biu" else x


def smooth(name: str, formula: str, forward: Callable | str, **rules: Callable | None) -> Primitive:
    """A row of the table: like :func:`ufunc`, for functions whose results are never integers.

    `forward` is an expression, or the name of NumPy's function.
    """
    function = forward if callable(forward) else _named(forward)
    if len(rules) == 1:
        return ufunc(name, formula, lambda x: function(real(x)), False, **rules)
    return ufunc(name, formula, lambda x, y: function(real(x), real(y)), False, **rules)


def _named(name: str) -> Callable:
    return lambda *xs: getattr(array_module(*xs), name)(*xs)


# ----------------------------------------------------- trigonometric and hyperbolic functions

tan = smooth("tan", "z = tan x.", "tan", x=lambda g, out: g * (out * out + 1))
asin = smooth("asin", "z = arcsin x, in −π/2 … π/2.", "arcsin",
              x=lambda g, x: g / sqrt(1 - x * x))
acos = smooth("acos", "z = arccos x, in 0 … π.", "arccos", x=lambda g, x: -g / sqrt(1 - x * x))
atan = smooth("atan", "z = arctan x, in −π/2 … π/2.", "arctan", x=lambda g, x: g / (x * x + 1))
sinh: Primitive = smooth("sinh", "z = (eˣ − e⁻ˣ) / 2.", "sinh", x=lambda g, x: g * cosh(x))
cosh: Primitive = smooth("cosh", "z = (eˣ + e⁻ˣ) / 2.", "cosh", x=lambda g, x: g * sinh(x))
asinh = smooth("asinh", "z = arsinh x, the inverse of sinh.", "arcsinh",
               x=lambda g, x: g / sqrt(x * x + 1))
acosh = smooth("acosh", "z = arcosh x ≥ 0, the inverse of cosh, for x ≥ 1.", "arccosh",
               x=lambda g, x: g / sqrt(x * x - 1))
atanh = smooth("atanh", "z = artanh x, the inverse of tanh, for x within ±1.", "arctanh",
               x=lambda g, x: g / (1 - x * x))
atan2 = smooth("atan2", "The angle of the point (y, x), in −π … π: z = arctan(x / y) for y > 0.",
               "arctan2",
               x=lambda g, x, y: g * y / (x * x + y * y),
               y=lambda g, x, y: -g * x / (x * x + y * y))
hypot = smooth("hypot", "z = √(x² + y²), without overflow.", "hypot",
               x=lambda g, x, out: g * x / out,
               y=lambda g, y, out: g * y / out)

# ----------------------------------------------------------------- exponents and logarithms

exp2 = smooth("exp2", "z = 2ˣ.", "exp2", x=lambda g, out: g * out * LN2)
expm1 = smooth("expm1", "z = eˣ − 1, accurate around 0.", "expm1", x=lambda g, out: g * (out + 1))
log2 = smooth("log2", "z = log₂ x.", "log2", x=lambda g, x: g / x / LN2)
log10 = smooth("log10", "z = log₁₀ x.", "log10", x=lambda g, x: g / x / LN10)
log1p = smooth("log1p", "z = ln(1 + x), accurate around 0.", "log1p", x=lambda g, x: g / (x + 1))
logaddexp = smooth("logaddexp", "z = ln(eˣ + eʸ), without overflow.", "logaddexp",
                   x=lambda g, x, y: g * sigmoid(x - y),
                   y=lambda g, x, y: g * sigmoid(y - x))
logaddexp2 = smooth("logaddexp2", "z = log₂(2ˣ + 2ʸ), without overflow.", "logaddexp2",
                    x=lambda g, x, y: g * sigmoid(LN2 * (x - y)),
                    y=lambda g, x, y: g * sigmoid(LN2 * (y - x)))
reciprocal = smooth("reciprocal", "z = 1 / x.", lambda x: 1 / x, x=lambda g, out: -g * out * out)
rsqrt = smooth("rsqrt", "z = 1 / √x.", lambda x: 1 / array_module(x).sqrt(x),
               x=lambda g, out: -0.5 * g * out * out * out)


def _like(x: Any, y: Any) -> Any:
    """y, in x's type if it is a number of Python, whose logarithm would be float64."""
    return x.dtype.type(y) if is_array(x) and not is_array(y) else y


def _xlogy(x: Any, y: Any) -> Any:
    xp, y = array_module(x, y), _like(x, y)
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, 0, x * xp.log(xp.where(zero, 1, y)))


def _xlog1py(x: Any, y: Any) -> Any:
    xp, y = array_module(x, y), _like(x, y)
    zero = (x == 0) & ~xp.isnan(y)
    return xp.where(zero, 0, x * xp.log1p(xp.where(zero, 0, y)))


xlogy = smooth("xlogy", "z = x·ln y, and 0 where x = 0.", _xlogy,
               x=lambda g, x, y: g * log(where(equal(x, 0) * less_equal(y, 0), cos(x), y)),
               y=lambda g, x, y: g * x / y)
xlog1py = smooth("xlog1py", "z = x·ln(1 + y), and 0 where x = 0.", _xlog1py,
                 x=lambda g, y: g * log1p(y),
                 y=lambda g, x, y: g * x / (y + 1))

# --------------------------------------------- the error function and the normal distribution

erf = smooth("erf", "z = 2/√π ∫₀ˣ e^(−t²) dt.", special.erf,
             x=lambda g, x: g * PEAK * exp(-x * x))
erfc = smooth("erfc", "z = 1 − erf x, accurate where it is small.", special.erfc,
              x=lambda g, x: -g * PEAK * exp(-x * x))
erfcx = smooth("erfcx", "z = e^(x²)·erfc x, which does not underflow.", special.erfcx,
               x=lambda g, x, out: g * (2 * x * out - PEAK))
erfinv = smooth("erfinv", "The inverse of erf, for x within ±1.", special.erfinv,
                x=lambda g, out: g / PEAK * exp(out * out))
ndtr = smooth("ndtr", "Φ(x), the distribution function of the standard normal distribution.",
              lambda x: (0.5 * special.erfc(x * -math.sqrt(0.5))).astype(x.dtype),
              x=lambda g, x: g * exp(-0.5 * x * x) / ROOT_2PI)
ndtri = smooth("ndtri", "The inverse of Φ, for x in 0 … 1.",
               lambda x: (-math.sqrt(2) * special.erfcinv(2 * x)).astype(x.dtype),
               x=lambda g, out: g * ROOT_2PI * exp(0.5 * out * out))


def _log_ndtr(x: Any) -> Any:
    xp = array_module(x)
    wide = special.wide_of(x)
    below = xp.minimum(wide, 0)
    low = xp.log(0.5 * special.erfcx(-below * math.sqrt(0.5))) - 0.5 * below * below
    high = xp.log1p(-0.5 * special.erfc(wide * math.sqrt(0.5)))
    return xp.where(wide < -1, low, high).astype(x.dtype)


log_ndtr = smooth("log_ndtr", "ln Φ(x), finite where Φ(x) underflows.", _log_ndtr,
                  x=lambda g, x: g * PEAK * math.sqrt(0.5) / erfcx(-math.sqrt(0.5) * x))

# ------------------------------------------------------------------- the gamma function

@primitive
def derivative_of_gamma(x, n):
    """ψ⁽ⁿ⁾(x), the derivative number n of the digamma function."""
    return special.polygamma(real(x), n)


derivative_of_gamma.derivative(x=lambda g, x, n: g * derivative_of_gamma(x, n + 1))

lgamma = smooth("lgamma", "z = ln |Γ(x)|.", special.lgamma, x=lambda g, x: g * digamma(x))
digamma: Primitive = smooth("digamma", "ψ(x), the derivative of ln Γ(x).",
                            lambda x: special.polygamma(x, 0),
                            x=lambda g, x: g * derivative_of_gamma(x, 1))


MAX_ORDER = 150             # of a derivative
MAX_DIMENSION = 10 ** 4     # of the matrices of a Wishart distribution


def polygamma(n: int, input: Tensor) -> Tensor:
    """ψ⁽ⁿ⁾(x): the derivative number n of the digamma function; n = 0 is that function.

    Raises
    ------
    ArgumentError
        n is negative, or above 150, where n! leaves the range of floats.
    """
    if not 0 <= n <= MAX_ORDER:
        raise ArgumentError(f"polygamma needs an n of 0 … {MAX_ORDER}, not {n}")
    return derivative_of_gamma(input, n) if n else digamma(input)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """ln Γₚ(x) = p(p − 1)/4·ln π + Σⱼ ln Γ(x − j/2), j = 0 … p − 1, for x > (p − 1)/2.

    The multivariate gamma function of the Wishart distribution.

    Raises
    ------
    ArgumentError
        p is below 1, or above ten thousand.
    """
    if not 1 <= p <= MAX_DIMENSION:
        raise ArgumentError(f"mvlgamma needs a p of 1 … {MAX_DIMENSION}, not {p}")
    total = lgamma(input) + p * (p - 1) / 4 * math.log(math.pi)
    for j in range(1, p):
        total = total + lgamma(input - 0.5 * j)
    return total


# ----------------------------------------------------------------------- compositions


@elementwise
def sinc(x):
    """sin πx / πx, and 1 at 0."""
    x = real(x)
    return array_module(x).sinc(wide_array(x)).astype(x.dtype, copy=False)


sinc.derivative(x=lambda g, x: g * sinc_slope(x))


def sinc_slope(x: Any) -> Any:
    """(cos πx − sinc x) / x; around 0 its power series, whose derivatives are right as well."""
    near = less(x * x, 0.04)
    far, small = where(near, 1.0, x), where(near, x, 0.0)
    series: Any = 0.0
    for c in reversed(SINC_SLOPE):
        series = series * small * small + c
    return where(near, series * small, (cos(math.pi * far) - sinc(far)) / far)


def entr(input: Tensor) -> Tensor:
    """−x·ln x for x > 0, 0 at 0, −∞ below: the terms of an entropy."""
    inside = where(less_equal(input, 0), 1.0, input)
    edge = where(equal(input, 0), 0.0, where(less_equal(input, 0), -math.inf, input))
    return where(less_equal(input, 0), edge, -inside * log(inside))


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln(x / (1 − x)), the inverse of the sigmoid; `eps` first limits x to eps … 1 − eps."""
    input = as_real(input)
    if eps is not None:
        input = where(less_equal(input, eps), eps, input)
        input = where(less_equal(1 - eps, input), 1 - eps, input)
    return log_odds(input)


@elementwise
def log_odds(x):
    """ln(x / (1 − x)), for x in 0 … 1; at the ends its derivative is infinite."""
    return array_module(x).log(x / (1 - x))


def odds_slope(x: Any) -> Any:
    """x·(1 − x) in 0 … 1, and NaN outside, where there is no logarithm."""
    return where(logical_or(less(x, 0), less(1, x)), math.nan, x * (1 - x))


log_odds.derivative(x=lambda g, x: g / odds_slope(x))


def as_real(x: Tensor) -> Tensor:
    """A tensor of integers or bool as float32; floats as they are."""
    return cast(x, DEFAULT_FLOAT) if x.dtype.kind in "biu" else x


def conjugated(x: Tensor) -> Tensor:
    """The complex conjugate; real numbers as they are."""
    return wrap(x._array.conj()) if x.dtype.kind == "c" else x
