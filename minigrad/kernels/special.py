"""Special functions that NumPy and CuPy do not have: the error function and the gamma function.

Everything is computed in float64 and elementwise, without a branch that depends on a value: on a
GPU the host never waits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.element_types import need_real

# Chebyshev coefficients of (1 + 2x)·erfcx(x) in t = (x − 3.75) / (x + 3.75), for x ≥ 0; the
# mapping is that of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x)exp(x²)erfc x
# in 0 ≤ x < ∞" (1981), the coefficients are fitted at 64 nodes; the error is below 10⁻¹⁴.
_CENTRE = 3.75
_ERFCX = (
    1.1775789345674019, -0.0045900545806464299, -0.084249133366518042, 0.059209939998192018,
    -0.026658668435305934, 0.0090749976707054369, -0.0024131635404177256, 0.00049077583652579193,
    -6.9169733025012219e-05, 4.1390279864467194e-06, 7.7403830632018222e-07,
    -2.1886401023463176e-07, 1.0765000536816505e-08, 4.5219600286472428e-09,
    -7.7544073592838991e-10, -6.3180349840763483e-11, 2.8687385800196807e-11,
    1.9489965197294623e-13, -9.6569280350067288e-13, 3.2626679136171788e-14, 3.339689635950549e-14,
    -1.7069679003611782e-15)
# erf x = x·Σ cₙx²ⁿ, cₙ = 2/√π · (−1)ⁿ / (n!(2n + 1)): Abramowitz and Stegun, 7.1.5.
_ERF = tuple(2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1))
             for n in range(20))
# B₂ₖ / (2k)!, of the asymptotic series of the gamma function's derivatives.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)
_SHIFT = 12         # the series is used for x ≥ 12, where it has all digits of float64


def wide_of(x: Any) -> Any:
    """x in float64.

    Raises
    ------
    DTypeError : x is complex.
    """
    need_real("erf and the gamma function, and what is made of them,", x)
    return x.astype(np.float64)


def _polynomial(coefficients: Any, x: Any) -> Any:
    """Σ cₙxⁿ by Horner's rule."""
    total = coefficients[-1]        # a number: 0·∞ would not be one
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _scaled_tail(x: Any) -> Any:
    """erfcx x = e^(x²)·erfc x for x ≥ 0, by Clenshaw's sum of the Chebyshev series."""
    xp = array_module(x)
    t = xp.where(xp.isinf(x), 1, (xp.where(xp.isinf(x), 0, x) - _CENTRE) / (x + _CENTRE))
    later = latest = 0 * t
    for c in _ERFCX[:0:-1]:
        latest, later = 2 * t * latest - later + c, latest
    return (t * latest - later + _ERFCX[0]) / (1 + 2 * x)


def erfcx(x: Any) -> Any:
    """e^(x²)·erfc x, which stays finite where erfc x underflows."""
    xp = array_module(x)
    wide = wide_of(x)
    tail = _scaled_tail(xp.abs(wide))
    return xp.where(wide < 0, 2 * xp.exp(xp.minimum(wide * wide, 1e4)) - tail, tail).astype(x.dtype)


def erfc(x: Any) -> Any:
    """1 − erf x, accurate where it is small."""
    xp = array_module(x)
    wide = wide_of(x)
    size = xp.abs(wide)
    tail = xp.exp(-size * size) * _scaled_tail(size)
    far = xp.where(wide < 0, 2 - tail, tail)
    return xp.where(size < 0.5, 1 - _series(wide), far).astype(x.dtype)


def erf(x: Any) -> Any:
    """2/√π ∫₀ˣ e^(−t²) dt: a power series around 0, 1 − erfc elsewhere."""
    xp = array_module(x)
    wide = wide_of(x)
    size = xp.abs(wide)
    far = xp.where(wide < 0, -1, 1) * (1 - xp.exp(-size * size) * _scaled_tail(size))
    return xp.where(size < 1, _series(wide), far).astype(x.dtype)


def _series(x: Any) -> Any:
    xp = array_module(x)
    near = xp.where(xp.abs(x) < 1, x, 0)
    return near * _polynomial(_ERF, near * near)


def erfcinv(q: Any) -> Any:
    """The x with erfc x = q, for 0 < q < 2.

    Newton's method: near 0 for erf x = 1 − q, in the tails for log erfc x = log q, which is
    concave, so it converges from every start.
    """
    xp = array_module(q)
    wide = wide_of(q)
    tail = xp.minimum(wide, 2 - wide)
    target = xp.log(xp.where(tail > 0, tail, 0.5))
    x = xp.sqrt(-target)
    for _ in range(9):
        scaled = _scaled_tail(xp.maximum(x, 0))
        x = x + 0.5 * math.sqrt(math.pi) * scaled * (xp.log(scaled) - x * x - target)
    x = xp.where(wide > 1, -x, x)
    x = xp.where(tail > 0.5, _central_inverse(1 - wide), x)
    x = xp.where(tail == 0, xp.where(wide > 1, -np.inf, np.inf), x)
    return xp.where((wide >= 0) & (wide <= 2), x, np.nan).astype(q.dtype)


def erfinv(p: Any) -> Any:
    """The x with erf x = p, for −1 < p < 1."""
    xp = array_module(p)
    wide = wide_of(p)
    size = xp.abs(wide)
    far = xp.where(wide < 0, -1, 1) * erfcinv(1 - size)
    return xp.where(size < 0.5, _central_inverse(wide), far).astype(p.dtype)


def _central_inverse(p: Any) -> Any:
    """erfinv p for |p| < ½, where Newton's method keeps relative accuracy."""
    xp = array_module(p)
    p = xp.where(xp.abs(p) <= 0.5, p, 0)
    x = 0.5 * math.sqrt(math.pi) * p
    for _ in range(5):
        x = x - 0.5 * math.sqrt(math.pi) * xp.exp(x * x) * (_series(x) - p)
    return x


# --------------------------------------------------------------------- gamma function


def lgamma(x: Any) -> Any:
    """log |Γ(x)|: Stirling's series, by Γ(x + 1) = xΓ(x) and Γ(x)Γ(1 − x) = π / sin πx.

    Abramowitz and Stegun, 6.1.15, 6.1.17 and 6.1.41.
    """
    xp = array_module(x)
    wide = wide_of(x)
    reflected = wide < 0.5
    y = xp.where(reflected, 1 - wide, wide)
    product = 1 + 0 * y
    for i in range(_SHIFT):
        product = xp.where(y < _SHIFT, product * (y + i), product)
    z = xp.where(y < _SHIFT, y + _SHIFT, y)
    series = sum(b / (2 * k * (2 * k - 1)) / z ** (2 * k - 1)
                 for k, b in enumerate(_BERNOULLI, start=1))
    value = (z - 0.5) * xp.log(z) - z + 0.5 * math.log(2 * math.pi) + series - xp.log(product)
    value = xp.where(xp.isinf(z), z, value)
    mirror = math.log(math.pi) - xp.log(xp.abs(_sin_pi(wide))) - value
    value = xp.where(reflected, mirror, value)
    return xp.where(xp.isinf(wide), np.inf, value).astype(x.dtype)


def _sin_pi(x: Any) -> Any:
    """sin πx up to its sign, exactly 0 at whole numbers."""
    xp = array_module(x)
    return xp.sin(math.pi * (x - xp.rint(x)))


def polygamma(x: Any, n: int) -> Any:
    """ψ⁽ⁿ⁾(x), the derivative number n + 1 of log Γ(x).

    Abramowitz and Stegun, 6.4.6 (recurrence), 6.4.7 (reflection) and 6.4.11 (asymptotic series).
    """
    xp = array_module(x)
    wide = wide_of(x)
    reflected = wide < 0.5
    y = xp.where(reflected, 1 - wide, wide)
    terms = _SHIFT + n
    sign, factorial = (-1.0) ** (n + 1), math.factorial(n)
    z = y + terms
    total = sum(1 / (y + i) ** (n + 1) for i in range(terms)) * factorial
    total = total + factorial / (2 * z ** (n + 1))
    total = total + (-xp.log(z) if n == 0 else math.factorial(n - 1) / z ** n)
    total = total + sum(b * math.factorial(2 * k + n - 1) / math.factorial(2 * k) / z ** (2 * k + n)
                        for k, b in enumerate(_BERNOULLI, start=1))
    value = sign * total
    mirror = (-1) ** n * value - math.pi * _cotangent(wide, n)
    if n == 0:      # at 0 it is −∞ from above, at a negative pole nothing
        mirror = xp.where((wide == xp.rint(wide)) & (wide < 0), np.nan, mirror)
    return xp.where(reflected, mirror, value).astype(x.dtype)


def _cotangent(x: Any, n: int) -> Any:
    """dⁿ/dxⁿ cot πx: p₀(c) = c and pₙ₊₁(c) = −π(1 + c²)pₙ′(c) at c = cot πx."""
    xp = array_module(x)
    turned = math.pi * (x - xp.rint(x))
    p = np.polynomial.Polynomial([0, 1])
    for _ in range(n):
        p = -math.pi * np.polynomial.Polynomial([1, 0, 1]) * p.deriv()
    return _polynomial([float(c) for c in p.coef], xp.cos(turned) / xp.sin(turned))
