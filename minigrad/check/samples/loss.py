"""Samples for losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.arithmetic import ones
from minigrad.check.samples.base import Generator, Sample, normal, positive, samples_of, transposed


@samples_of("squared_distance")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), normal(rng, 2, 3)), "two dimensions")
    yield Sample((normal(rng, 1), normal(rng, 1)), "one element")
    yield Sample((normal(rng), normal(rng)), "no dimension")
    yield Sample((transposed(normal(rng, 3, 2)), normal(rng, 3, 2)), "transposed in memory")
    yield Sample((normal(rng, 0), normal(rng, 0)), "no element")


@samples_of("mean_squared_distance")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), normal(rng, 2, 3), 6), "two dimensions")
    yield Sample((normal(rng, 1), normal(rng, 1), 1), "one element")
    yield Sample((transposed(normal(rng, 3, 2)), normal(rng, 3, 2), 6), "transposed in memory")


@samples_of("bounded_log")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, positive)


@samples_of("huber")
def _(rng: Generator) -> Iterator[Sample]:
    for delta in (0.2, 1.0, 3.0):       # all linear, some, none; away from |x| = delta
        x = rng.choice([-1.0, 1.0], (2, 3)) * (delta + rng.choice([-0.1, 0.7], (2, 3)))
        yield Sample((x, delta), f"delta {delta}")
    yield Sample((np.array([-2.0, 0.1, 0.7]), np.array([[0.4], [1.0]])), "x broadcasts")
    yield Sample((transposed(0.5 * normal(rng, 3, 2)), 4.0), "transposed in memory")
