"""Samples for smooth elementwise functions, within their domains."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minigrad.check.samples.base import (
    Generator,
    Sample,
    nonzero,
    normal,
    positive,
    samples_of,
    transposed,
)

Maker = Callable[..., np.ndarray]


def one(rng: Generator, make: Maker) -> Iterator[Sample]:
    """One operand, as an array and without dimensions."""
    yield Sample((transposed(make(rng, 2, 3)),), "transposed in memory")
    yield Sample((make(rng),), "no dimension")


def two(rng: Generator, make: Maker) -> Iterator[Sample]:
    """Two operands that broadcast."""
    yield Sample((make(rng, 2, 1), make(rng, 3)), "both broadcast")
    yield Sample((transposed(make(rng, 3, 2)), make(rng)), "y has no dimension")


def within(low: float, high: float) -> Maker:
    """Numbers between two limits."""
    return lambda rng, *shape: np.asarray(rng.uniform(low, high, shape))


@samples_of("sinh", "cosh", "asinh", "atan", "exp2", "expm1", "erf", "erfc", "erfcx", "ndtr",
            "log_ndtr")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, normal)


@samples_of("tan")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, within(-1.2, 1.2))


@samples_of("asin", "acos", "atanh")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, within(-0.8, 0.8))


@samples_of("erfinv", "ndtri", "log_odds")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, within(0.1, 0.9))


@samples_of("acosh")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, within(1.3, 3.0))


@samples_of("log1p", "log2", "log10", "reciprocal", "rsqrt")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, positive)


@samples_of("lgamma", "digamma")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, positive)
    yield Sample((np.array([-0.4, -1.6, 3.5]),), "between the poles")


@samples_of("derivative_of_gamma")
def _(rng: Generator) -> Iterator[Sample]:
    for n in (1, 2, 3):
        yield Sample((positive(rng, 2, 3), n), f"n = {n}")
    yield Sample((np.array([-0.4, -1.6, 3.5]), 1), "between the poles")


@samples_of("sinc")
def _(rng: Generator) -> Iterator[Sample]:
    yield from one(rng, nonzero)
    yield Sample((np.array([0.0, 0.7, -1.4]),), "at 0")
    yield Sample((np.array([0.03, -0.11, 0.19, 0.98]),), "where the series is used, and beyond")


@samples_of("atan2", "hypot")
def _(rng: Generator) -> Iterator[Sample]:
    yield from two(rng, nonzero)
    yield Sample((nonzero(rng, 3), 2.5), "y is a number")


@samples_of("logaddexp", "logaddexp2")
def _(rng: Generator) -> Iterator[Sample]:
    yield from two(rng, normal)
    yield Sample((normal(rng, 3), 0.5), "y is a number")


@samples_of("xlogy", "xlog1py")
def _(rng: Generator) -> Iterator[Sample]:
    yield from two(rng, positive)
    yield Sample((normal(rng, 3), 2.5), "y is a number")
    yield Sample((np.array([0.0, 1.3]), np.array([0.7, 1.9])), "x is 0")
