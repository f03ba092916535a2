"""Samples for reductions: every form of `dim`, with and without `keepdim`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from minigrad.check.samples.base import (
    Generator,
    Sample,
    distinct,
    nonzero,
    normal,
    samples_of,
    ties_of,
    transposed,
)


def reductions(rng: Generator, make: Callable[..., np.ndarray]) -> Iterator[Sample]:
    """A reduction over all, one, several, negative and length-1 dimensions."""
    yield Sample((make(rng, 2, 3), None, False), "all dimensions")
    yield Sample((make(rng, 2, 3), None, True), "all dimensions, keepdim")
    yield Sample((make(rng, 2, 3), 0, False), "dim 0")
    yield Sample((make(rng, 2, 3), 1, True), "dim 1, keepdim")
    yield Sample((make(rng, 2, 2, 3), -2, False), "negative dim")
    yield Sample((make(rng, 2, 2, 3), (0, -1), False), "two dims")
    yield Sample((make(rng, 2, 2, 3), (2, 0), True), "two dims, keepdim")
    yield Sample((make(rng, 3, 1), 1, False), "dim of length 1")
    yield Sample((make(rng), None, False), "no dimension")
    yield Sample((transposed(make(rng, 3, 2)), 0, False), "transposed in memory")


@samples_of("sum")
def _(rng: Generator) -> Iterator[Sample]:
    for sample in reductions(rng, normal):
        yield Sample((*sample.args, None), sample.note)
    yield Sample((normal(rng, 2, 3), 1, False, np.dtype(np.float64)), "dtype given")
    yield Sample((normal(rng, 0, 3), 0, False, None), "no element")


@samples_of("mean")
def _(rng: Generator) -> Iterator[Sample]:
    yield from reductions(rng, normal)


@samples_of("amax", "amin")
def _(rng: Generator) -> Iterator[Sample]:
    yield from reductions(rng, distinct)


@samples_of("logsumexp")
def _(rng: Generator) -> Iterator[Sample]:
    yield from reductions(rng, normal)
    yield Sample((np.array([[900.0, 901.0], [-901.0, -900.0]]), 1, False), "large scores")


@samples_of("p_norm")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((np.array([0.5, -0.5, 0.5, 0.5]), 2.0), "the norm is 1")
    for p in (2, 1, 3.0, 1.5):
        for sample in reductions(rng, nonzero):
            x, dim, keepdim = sample.args
            yield Sample((x, p, dim, keepdim), f"p = {p}, {sample.note}")
    x = nonzero(rng, 2, 3)
    x[0, 1] = 0.0
    for p in (2.0, 4.0):
        yield Sample((x, p, 1, False), f"p = {p}, one element is 0")


@ties_of("amax", "amin")
def _(rng: Generator) -> Iterator[Sample]:
    x = np.array([[3.0, -1.0, 3.0, -1.0], [0.5, 2.0, 2.0, 0.5]])
    yield Sample((x, 1), "two equal elements in each row")
    yield Sample((x[:1], None), "two equal elements of all")


@ties_of("p_norm")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((np.zeros((2, 3)), 2.0, 1), "zero vectors")
    yield Sample((np.array([[0.0, 1.0, -2.0]]), 1.5, 1), "an element that is 0")
