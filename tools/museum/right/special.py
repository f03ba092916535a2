"""Functions of scipy.special with derivatives from the handbooks, at several places and scales."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from tools.museum.right.function import RightFunction

Curve = Callable[[np.ndarray], np.ndarray]
SQRT_PI = np.sqrt(np.pi)

# name: (function, derivative, from, to)
CURVES: dict[str, tuple[Curve, Curve, float, float]] = {
    "erf": (special.erf, lambda x: 2 / SQRT_PI * np.exp(-x**2), -2, 2),
    "erfc": (special.erfc, lambda x: -2 / SQRT_PI * np.exp(-x**2), -2, 2),
    "erfcx": (special.erfcx, lambda x: 2 * x * special.erfcx(x) - 2 / SQRT_PI, -1, 5),
    "erfi": (special.erfi, lambda x: 2 / SQRT_PI * np.exp(x**2), -1, 1),
    "dawsn": (special.dawsn, lambda x: 1 - 2 * x * special.dawsn(x), -3, 3),
    "ndtr": (special.ndtr, lambda x: np.exp(-x**2 / 2) / np.sqrt(2 * np.pi), -3, 3),
    "log_ndtr": (special.log_ndtr, lambda x: np.exp(
        -x**2 / 2 - special.log_ndtr(x)) / np.sqrt(2 * np.pi), -4, 4),
    "erfinv": (special.erfinv, lambda x: SQRT_PI / 2 * np.exp(special.erfinv(x)**2), -0.9, 0.9),
    "ndtri": (special.ndtri, lambda x: np.sqrt(2 * np.pi) * np.exp(special.ndtri(x)**2 / 2),
              0.1, 0.9),
    "gamma": (special.gamma, lambda x: special.gamma(x) * special.digamma(x), 0.5, 5),
    "gammaln": (special.gammaln, special.digamma, 0.5, 30),
    "rgamma": (special.rgamma, lambda x: -special.rgamma(x) * special.digamma(x), 0.5, 5),
    "digamma": (special.digamma, lambda x: special.polygamma(1, x), 0.5, 10),
    "trigamma": (lambda x: special.polygamma(1, x), lambda x: special.polygamma(2, x), 0.5, 10),
    "polygamma 3": (lambda x: special.polygamma(3, x), lambda x: special.polygamma(4, x), 1, 6),
    "expit": (special.expit, lambda x: special.expit(x) * special.expit(-x), -5, 5),
    "logit": (special.logit, lambda x: 1 / x / (1 - x), 0.1, 0.9),
    "log_expit": (special.log_expit, lambda x: special.expit(-x), -5, 5),
    "j0": (special.j0, lambda x: -special.j1(x), -8, 8),
    "j1": (special.j1, lambda x: special.j0(x) - special.j1(x) / x, 0.5, 8),
    "jv 2.5": (lambda x: special.jv(2.5, x), lambda x: special.jvp(2.5, x), 0.5, 9),
    "y0": (special.y0, lambda x: -special.y1(x), 0.5, 8),
    "y1": (special.y1, lambda x: special.y0(x) - special.y1(x) / x, 0.5, 8),
    "i0": (special.i0, special.i1, -3, 3),
    "i1": (special.i1, lambda x: special.i0(x) - special.i1(x) / x, 0.5, 3),
    "i0e": (special.i0e, lambda x: special.i1e(x) - np.sign(x) * special.i0e(x), 0.2, 6),
    "k0": (special.k0, lambda x: -special.k1(x), 0.3, 4),
    "k1": (special.k1, lambda x: -special.k0(x) - special.k1(x) / x, 0.3, 4),
    "iv 1.5": (lambda x: special.iv(1.5, x), lambda x: special.ivp(1.5, x), 0.3, 3),
    "kv 0.7": (lambda x: special.kv(0.7, x), lambda x: special.kvp(0.7, x), 0.4, 3),
    "spherical_jn": (lambda x: special.spherical_jn(2, x),
                     lambda x: special.spherical_jn(2, x, derivative=True), 0.5, 8),
    "spherical_yn": (lambda x: special.spherical_yn(1, x),
                     lambda x: special.spherical_yn(1, x, derivative=True), 0.7, 8),
    "airy": (lambda x: special.airy(x)[0], lambda x: special.airy(x)[1], -5, 3),
    "airy Bi": (lambda x: special.airy(x)[2], lambda x: special.airy(x)[3], -5, 2),
    "expi": (special.expi, lambda x: np.exp(x) / x, 0.3, 3),
    "exp1": (special.exp1, lambda x: -np.exp(-x) / x, 0.3, 3),
    "expn 3": (lambda x: special.expn(3, x), lambda x: -special.expn(2, x), 0.3, 3),
    "sine integral": (lambda x: special.sici(x)[0], lambda x: np.sin(x) / x, 0.3, 9),
    "cosine integral": (lambda x: special.sici(x)[1], lambda x: np.cos(x) / x, 0.3, 9),
    "Shi": (lambda x: special.shichi(x)[0], lambda x: np.sinh(x) / x, 0.3, 3),
    "Fresnel S": (lambda x: special.fresnel(x)[0], lambda x: np.sin(np.pi * x**2 / 2), -2, 2),
    "Fresnel C": (lambda x: special.fresnel(x)[1], lambda x: np.cos(np.pi * x**2 / 2), -2, 2),
    "ellipk": (special.ellipk, lambda m: (special.ellipe(m) - (1 - m) * special.ellipk(m))
               / (2 * m * (1 - m)), 0.1, 0.8),
    "ellipe": (special.ellipe, lambda m: (special.ellipe(m) - special.ellipk(m)) / (2 * m),
               0.1, 0.8),
    "lambertw": (lambda x: special.lambertw(x).real,
                 lambda x: special.lambertw(x).real / x / (1 + special.lambertw(x).real), 0.2, 9),
    "spence": (special.spence, lambda x: np.log(x) / (1 - x), 0.2, 0.9),
    "exprel": (special.exprel, lambda x: (np.exp(x) * (x - 1) + 1) / x**2, 0.5, 3),
    "entr": (special.entr, lambda x: -np.log(x) - 1, 0.1, 3),
    "xlogy": (lambda x: special.xlogy(x, 2 * x), lambda x: np.log(2 * x) + 1, 0.2, 4),
    "cosm1": (special.cosm1, lambda x: -np.sin(x), -3, 3),
    "log1p": (special.log1p, lambda x: 1 / (1 + x), -0.5, 5),
    "expm1": (special.expm1, np.exp, -2, 2),
    "exp2": (special.exp2, lambda x: np.log(2) * special.exp2(x), -3, 3),
    "exp10": (special.exp10, lambda x: np.log(10) * special.exp10(x), -1, 1),
    "cbrt": (special.cbrt, lambda x: special.cbrt(x) / (3 * x), 0.3, 5),
    "sindg": (special.sindg, lambda x: np.pi / 180 * special.cosdg(x), -180, 180),
    "gammainc 2.5": (lambda x: special.gammainc(2.5, x),
                     lambda x: x**1.5 * np.exp(-x) * special.rgamma(2.5), 0.3, 6),
    "betainc": (lambda x: special.betainc(2.0, 3.5, x),
                lambda x: x * (1 - x)**2.5 / special.beta(2.0, 3.5), 0.1, 0.9),
    "hyp0f1": (lambda x: special.hyp0f1(1.5, x), lambda x: special.hyp0f1(2.5, x) / 1.5, -2, 2),
    "hyp1f1": (lambda x: special.hyp1f1(0.5, 1.5, x),
               lambda x: special.hyp1f1(1.5, 2.5, x) / 3, -2, 2),
    "hyp2f1": (lambda x: special.hyp2f1(0.5, 1.0, 2.0, x),
               lambda x: 0.25 * special.hyp2f1(1.5, 2.0, 3.0, x), -0.8, 0.6),
    "Legendre P4": (lambda x: special.eval_legendre(4, x), lambda x: 4 * (
        x * special.eval_legendre(4, x) - special.eval_legendre(3, x)) / (x**2 - 1), -0.9, 0.9),
    "Chebyshev T5": (lambda x: special.eval_chebyt(5, x), lambda x: 5 * special.eval_chebyu(4, x),
                     -0.9, 0.9),
    "Hermite H4": (lambda x: special.eval_hermite(4, x), lambda x: 8 * special.eval_hermite(3, x),
                   -2, 2),
    "Laguerre L4": (lambda x: special.eval_laguerre(4, x),
                    lambda x: -special.eval_genlaguerre(3, 1, x), 0, 6),
    "Struve H0": (lambda x: special.struve(0, x), lambda x: 2 / np.pi - special.struve(1, x),
                  0.3, 8),
}

# Units: the argument is a·x for an x of size 1/a, the result b times as large.
UNITS = [(1.0, 1.0), (1e8, 1.0), (1e-8, 1.0), (1.0, 1e8), (1e-4, 1e-8)]


def functions() -> Iterator[RightFunction]:
    rng = np.random.default_rng(0)
    for name, (curve, slope, start, stop) in CURVES.items():
        points = rng.uniform(start, stop, 5)
        for a, b in UNITS:
            yield RightFunction(
                f"{name}, argument in units of {1 / a:g}, result times {b:g}", "scipy.special",
                lambda x, curve=curve, a=a, b=b: b * curve(a * x),
                lambda g, x, slope=slope, a=a, b=b: (g * b * a * slope(a * x),), (points / a,))
