"""Samples for operations that only move elements."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed


@samples_of("broadcast_to")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 3), (2, 3)), "new dimension")
    yield Sample((normal(rng, 2, 1), (2, 3)), "dimension of length 1")
    yield Sample((normal(rng, 1, 2, 1), (2, 3, 2, 2)), "both")
    yield Sample((normal(rng), (2, 2)), "from no dimension")
    yield Sample((normal(rng, 2, 3), (2, 3)), "nothing to do")


@samples_of("sum_to")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), (3,)), "a dimension goes")
    yield Sample((normal(rng, 2, 3), (2, 1)), "a dimension shrinks")
    yield Sample((normal(rng, 2, 2, 3), (1, 3)), "both")
    yield Sample((normal(rng, 2, 3), ()), "to no dimension")
    yield Sample((transposed(normal(rng, 3, 2)), (3, 1)), "transposed in memory")
    yield Sample((normal(rng, 2, 3), (2, 3)), "nothing to do")


@samples_of("reshape")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), (3, 2)), "another shape")
    yield Sample((normal(rng, 2, 3), (-1,)), "-1")
    yield Sample((normal(rng, 1), ()), "to no dimension")
    yield Sample((transposed(normal(rng, 3, 2)), (2, 3)), "transposed in memory")
    yield Sample((normal(rng, 0, 3), (3, 0)), "no element")


@samples_of("permute")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), (1, 0)), "two dimensions")
    yield Sample((normal(rng, 2, 3, 2), (2, 0, 1)), "a cycle of three")
    yield Sample((normal(rng, 2, 1, 3), (-1, 0, -2)), "negative dims")
    yield Sample((transposed(normal(rng, 3, 2)), (1, 0)), "transposed in memory")
    yield Sample((normal(rng), ()), "no dimension")


@samples_of("matrix_transpose")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3),), "a matrix")
    yield Sample((normal(rng, 2, 1, 3),), "a batch")
    yield Sample((transposed(normal(rng, 3, 2)),), "transposed in memory")


@samples_of("cast")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), np.dtype(np.float64)), "to the same type")
    # Sixteenths and a step of 1/8 are exact in float32, so differences are exact, too.
    yield Sample((rng.integers(-16, 16, (2, 3)) / 16, np.dtype(np.float32)), "to float32", 2 ** -3)


@samples_of("flip")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), (0,)), "one dim")
    yield Sample((normal(rng, 2, 3), (0, 1)), "both dims")
    yield Sample((transposed(normal(rng, 2, 3)), (-1,)), "negative dim, transposed in memory")


@samples_of("select")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 4, 3), (slice(1, 3),)), "slice")
    yield Sample((normal(rng, 4, 3), 2), "integer")
    yield Sample((normal(rng, 4, 3), (slice(None, None, -2), -1)), "backwards and from the end")
    yield Sample((normal(rng, 3, 2), (None, Ellipsis, slice(0, 1))), "None and ...")
    yield Sample((normal(rng, 4), np.array([0, 2, 2, -2])), "integers, some twice")
    yield Sample((normal(rng, 3, 3), (np.array([0, 2]), np.array([1, 1]))), "pairs of integers")
    yield Sample((normal(rng, 2, 3), np.array([[True, False, True], [False, True, True]])), "mask")
    yield Sample((transposed(normal(rng, 4, 3)), (slice(0, 3), np.array([2, 0, 2]))),
                 "slice and integers, transposed in memory")
    yield Sample((normal(rng, 1, 2, 2, 2), (slice(None), slice(None), np.array([1, 0, 1]),
                                            np.array([0, 1, 0]))), "pixels, one twice")
    yield Sample((normal(rng, 3), slice(2, 2)), "nothing selected")


@samples_of("scatter")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), (slice(1, 3),), (4, 3)), "slice")
    yield Sample((normal(rng, 3), 2, (4, 3)), "integer")
    yield Sample((normal(rng, 4), np.array([0, 2, 2, 1]), (5,)), "integers, some twice")
    yield Sample((normal(rng, 3), np.array([[True, False], [True, True]]), (2, 2)), "mask")
    yield Sample((transposed(normal(rng, 3, 2)), (np.array([1, 1, 0]), slice(0, 4, 2)), (3, 4)),
                 "integers and slice, transposed in memory")


@samples_of("gather_along")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 3, 4), np.array([[0, 3], [1, 1], [2, 0]]), 1), "dim 1, some twice")
    yield Sample((normal(rng, 3, 2), np.array([[2, 0]]), 0), "dim 0")
    yield Sample((transposed(normal(rng, 2, 3)), np.array([[1, 1, 0]]), 0),
                 "transposed in memory")
    yield Sample((normal(rng, 3, 3), np.array([[2, 0], [0, 1], [1, 2]]), 1, True), "distinct")


@samples_of("scatter_along")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 3, 2), np.array([[0, 3], [1, 1], [2, 0]]), 1, 4),
                 "dim 1, some twice")
    yield Sample((normal(rng, 1, 2), np.array([[2, 0]]), 0, 3), "dim 0")
    yield Sample((normal(rng, 2, 2), np.array([[3, 0], [0, 1]]), 1, 4, True), "distinct")


@samples_of("concatenate")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((0, normal(rng, 2, 3), normal(rng, 1, 3)), "two, dim 0")
    yield Sample((1, normal(rng, 2, 1), transposed(normal(rng, 2, 3)), normal(rng, 2, 2)),
                 "three, dim 1")
    yield Sample((0, normal(rng, 3)), "one")
    yield Sample((0, normal(rng, 2), normal(rng, 0), normal(rng, 1)), "one is empty")


@samples_of("transfer")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), "cpu", "cpu"), "to the host")
    yield Sample((transposed(normal(rng, 2, 3)), "cpu", "cpu"), "transposed in memory")
