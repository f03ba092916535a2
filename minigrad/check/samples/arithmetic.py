"""Samples for elementwise arithmetic: broadcasting, one element, none, odd layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minigrad.check.samples.base import (
    Generator,
    Sample,
    distinct,
    nonzero,
    normal,
    positive,
    samples_of,
    ties_of,
    transposed,
)


def pairs(rng: Generator, make: Callable[..., np.ndarray]) -> Iterator[Sample]:
    """Pairs of operands in the shapes that an elementwise operation must handle."""
    yield Sample((make(rng, 3, 2), make(rng, 3, 2)), "equal shapes")
    yield Sample((make(rng, 2, 3), make(rng, 3)), "y broadcasts along a new dimension")
    yield Sample((make(rng, 3, 1), make(rng, 1, 2)), "both broadcast")
    yield Sample((make(rng), make(rng, 2, 1, 2)), "x has no dimension")
    yield Sample((make(rng, 1), make(rng, 1)), "one element")
    yield Sample((transposed(make(rng, 3, 2)), make(rng, 3, 2)), "x transposed in memory")
    yield Sample((make(rng, 0, 2), make(rng, 2)), "no element")


def ones(rng: Generator, make: Callable[..., np.ndarray]) -> Iterator[Sample]:
    """Operands in these shapes for operations with one operand."""
    yield Sample((make(rng, 2, 3),), "two dimensions")
    yield Sample((make(rng),), "no dimension")
    yield Sample((make(rng, 1, 1),), "one element")
    yield Sample((transposed(make(rng, 3, 2)),), "transposed in memory")
    yield Sample((make(rng, 0, 3),), "no element")


@samples_of("add", "subtract", "multiply")
def _(rng: Generator) -> Iterator[Sample]:
    yield from pairs(rng, normal)
    yield Sample((normal(rng, 3), 2.5), "y is a number")
    yield Sample((-3, normal(rng, 3)), "x is a number")


@samples_of("divide")
def _(rng: Generator) -> Iterator[Sample]:
    yield from pairs(rng, nonzero)
    yield Sample((normal(rng, 3), 2.5), "y is a number")
    yield Sample((2.0, nonzero(rng, 3)), "x is a number")


@samples_of("power")
def _(rng: Generator) -> Iterator[Sample]:
    yield from pairs(rng, positive)
    for exponent in (3, -1, -2, 1.5, 0, 1):
        base = nonzero(rng, 3) if isinstance(exponent, int) else positive(rng, 3)
        yield Sample((base, exponent), f"exponent {exponent}")
    yield Sample((2.0, normal(rng, 3)), "base 2")
    yield Sample((positive(rng, 3), -positive(rng, 3)), "negative exponents")
    yield Sample((np.array([0.0, 1.3, -0.7, 0.0]), np.array([0, 3, 2, 1])),
                 "whole exponents, and 0⁰")
    yield Sample((0.0, np.array([3.0, 2.0])), "base 0, a number")
    yield Sample((np.array([0.0, 1.3]), 3), "base 0, a whole exponent")
    yield Sample((np.array([1.4, 0.6]), np.array([0.0, 2.0])), "exponent 0, mixed derivatives")


@ties_of("power")       # no derivative with respect to y exists for a base below 0
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((np.array([0.0, 1.3]), np.array([3.0, 3.0])), "base 0")


@samples_of("maximum", "minimum")
def _(rng: Generator) -> Iterator[Sample]:
    def apart(rng: Generator, *shape: int) -> np.ndarray:
        return distinct(rng, *shape) + rng.uniform(-0.01, 0.01)
    for sample in pairs(rng, apart):
        x, y = sample.args
        near = np.abs(x - y).min(initial=1.0) < 1e-3
        yield Sample((x + 0.0234, y) if near else (x, y), sample.note)
    yield Sample((nonzero(rng, 5), 0.0), "y is a number")


@samples_of("where")
def _(rng: Generator) -> Iterator[Sample]:
    for sample in pairs(rng, normal):
        x, y = sample.args
        shape = np.broadcast_shapes(x.shape, y.shape)
        yield Sample((np.asarray(rng.random(shape) > 0.5), x, y), sample.note)
    yield Sample((np.array([True, False]), normal(rng, 3, 2), normal(rng, 2)),
                 "the condition broadcasts")
    yield Sample((np.array([[True], [False]]), normal(rng, 2), 1.5), "y is a number")


@samples_of("negative", "square", "exp", "sin", "cos", "clone")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, normal)


@samples_of("sign")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, nonzero)


@samples_of("kept")
def _(rng: Generator) -> Iterator[Sample]:
    for sample in ones(rng, normal):
        x = sample.args[0]
        yield Sample((x, rng.random(x.shape) > 0.5), sample.note)
    yield Sample((normal(rng, 3), np.array([[True, False, True], [False, False, True]])),
                 "x broadcasts against the flags")
    yield Sample((normal(rng, 40, 40), rng.random((40, 40)) > 0.5), "large enough for bits")


@samples_of("sqrt", "log", "deviation_root")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, positive)


@samples_of("deviation_root")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((np.array([1.0, 4.0]),), "the root is 1")


@samples_of("abs")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((np.array([-1.0, 1.0, 0.5]),), "at ±1")
    yield from ones(rng, nonzero)


@samples_of("clip_between")
def _(rng: Generator) -> Iterator[Sample]:
    x = np.array([[-2.0, -0.7, 0.1], [0.4, 0.8, 3.0]]) + rng.uniform(-0.05, 0.05, (2, 3))
    yield Sample((x, -1.0, 1.0), "both limits")
    yield Sample((x, -np.inf, 0.5), "upper limit")
    yield Sample((transposed(x), 0.0, np.inf), "lower limit, transposed in memory")
    yield Sample((x[0], np.array([[-1.0], [-0.8]]), 2.0), "x broadcasts against the limits")
    yield Sample((x, None, 0.5), "no lower limit")
    yield Sample((x, 0.0, None), "no upper limit")
    yield Sample((x, np.array([-1.0, -0.3, 0.25]), np.array([[0.6], [2.0]])), "limits differ")
    yield Sample((x, np.array([1.0, -1.0, 1.5]), np.array([0.7, 0.2, 1.1])), "limits cross")
    yield Sample((x, np.array([-1.0, 1.0, 1.5]), None), "lower limits alone")
    yield Sample((x, None, np.array([[-1.0], [1.5]])), "upper limits alone")


@ties_of("maximum", "minimum")
def _(rng: Generator) -> Iterator[Sample]:
    x = distinct(rng, 4)
    yield Sample((x, np.where([True, False, True, True], x, x + 1)), "equal operands")


@ties_of("abs")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((np.array([0.0, 1.0, -2.0]),), "at 0")
