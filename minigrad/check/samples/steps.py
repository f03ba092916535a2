"""Samples for remainders and other step functions, away from the steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed


def divided(rng: Generator) -> Iterator[Sample]:
    """Pairs whose quotient is not near a whole number."""
    def make(shape: tuple, other: tuple) -> tuple[np.ndarray, np.ndarray]:
        y = np.asarray(rng.uniform(0.8, 1.6, other) * rng.choice([-1.0, 1.0], other))
        quotient = rng.integers(-3, 4, shape) + rng.uniform(0.3, 0.7, shape)
        return np.asarray(quotient * np.broadcast_to(y, shape)), y

    yield Sample(make((3, 2), (3, 2)), "equal shapes")
    yield Sample(make((), ()), "no dimension")
    x, y = make((3, 2), (3, 2))
    yield Sample((transposed(x), y), "x transposed in memory")
    yield Sample((np.array([[2.3, -1.4, 5.6]]), np.array([[1.0], [0.9]])), "both broadcast")
    yield Sample((np.zeros((0, 2)), np.ones(2)), "no element")
    yield Sample((np.array([2.3, -1.4]), 1.5), "y is a number")


@samples_of("remainder", "fmod")
def _(rng: Generator) -> Iterator[Sample]:
    yield from divided(rng)


@samples_of("following")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), np.ones(3)), "upwards")
    yield Sample((normal(rng, 3), np.full((2, 1), -9.0)), "downwards, broadcast")
