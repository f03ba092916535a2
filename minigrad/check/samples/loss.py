"""Samples for losses."""

from __future__ import annotations

from collections.abc import Iterator

from .arithmetic import ones
from .base import Generator, Sample, normal, positive, samples_of, transposed


@samples_of("squared_distance")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), normal(rng, 2, 3)), "two dimensions")
    yield Sample((normal(rng, 1), normal(rng, 1)), "one element")
    yield Sample((normal(rng), normal(rng)), "no dimension")
    yield Sample((transposed(normal(rng, 3, 2)), normal(rng, 3, 2)), "transposed in memory")
    yield Sample((normal(rng, 0), normal(rng, 0)), "no element")


@samples_of("bounded_log")
def _(rng: Generator) -> Iterator[Sample]:
    yield from ones(rng, positive)
