"""Samples for activation functions, away from their kinks at 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.arithmetic import ones
from minigrad.check.samples.base import Generator, Sample, nonzero, normal, samples_of, transposed


@samples_of("relu")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, nonzero)


@samples_of("where_positive")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), nonzero(rng, 2, 3)), "two dimensions")
    yield Sample((normal(rng, 3, 3), nonzero(rng, 3, 3)), "square")
    yield Sample((transposed(normal(rng, 3, 2)), transposed(nonzero(rng, 3, 2))),
                 "transposed in memory")
    yield Sample((normal(rng, 4), np.arange(4) - 1.0), "one at zero")


@samples_of("leaky_relu")
def _(rng: Generator) -> Iterator[Sample]:
    for slope in (0.01, 0.5, -1.0):
        yield Sample((nonzero(rng, 2, 3), slope), f"slope {slope}")
    yield Sample((transposed(nonzero(rng, 3, 2)), 0.2), "transposed in memory")
    yield Sample((nonzero(rng, 3), np.array([[0.2], [0.5]])), "x broadcasts against slopes")


@samples_of("elu")
def _(rng: Generator) -> Iterator[Sample]:
    for alpha in (1.0, 0.3, 2.0):
        yield Sample((nonzero(rng, 2, 3), alpha), f"alpha {alpha}")
    yield Sample((transposed(nonzero(rng, 3, 2)), 1.5), "transposed in memory")
    yield Sample((nonzero(rng, 0, 2), 1.0), "no element")
    yield Sample((nonzero(rng, 3), np.array([[0.2], [0.5]])), "x broadcasts against alphas")
    yield Sample((nonzero(rng, 4), -0.7), "negative alpha")


@samples_of("tanh", "sigmoid", "softplus")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, normal)
    yield Sample((8 * nonzero(rng, 4),), "far from 0")


@samples_of("softmax_along", "log_softmax_along")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 4), 1), "last dim")
    yield Sample((normal(rng, 3, 2), 0), "dim 0")
    yield Sample((normal(rng, 2, 3, 2), 1), "middle dim")
    yield Sample((normal(rng, 3, 1), 1), "one class")
    yield Sample((transposed(5 * normal(rng, 3, 2)), 0), "transposed in memory")
    yield Sample((1000 + normal(rng, 1, 3), 1), "large scores")
