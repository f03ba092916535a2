"""Samples for matrix products and products over channels."""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed


@samples_of("matrix_product")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), normal(rng, 3, 4)), "two matrices")
    yield Sample((normal(rng, 3, 3), normal(rng, 3, 3)), "square")
    yield Sample((normal(rng, 2, 2, 3), normal(rng, 2, 3, 1)), "a batch")
    yield Sample((normal(rng, 2, 3), normal(rng, 2, 3, 2)), "x broadcasts over the batch")
    yield Sample((normal(rng, 2, 1, 1, 2), normal(rng, 2, 2, 2)), "both broadcast")
    yield Sample((normal(rng, 1, 1), normal(rng, 1, 1)), "one element")
    yield Sample((transposed(normal(rng, 2, 3)), transposed(normal(rng, 3, 2))),
                 "transposed in memory")


@samples_of("affine")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), normal(rng, 4, 3), normal(rng, 4)), "a matrix")
    yield Sample((normal(rng, 3, 3), normal(rng, 3, 3), normal(rng, 3)), "square")
    yield Sample((normal(rng, 2, 2, 3), normal(rng, 1, 3), None), "a batch, no bias")
    yield Sample((transposed(normal(rng, 2, 3)), transposed(normal(rng, 2, 3)), normal(rng, 2)),
                 "transposed in memory")


@samples_of("channel_products")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), normal(rng, 1, 3, 2, 3)), "2 and 3 channels")
    yield Sample((normal(rng, 2, 2, 1, 2), normal(rng, 2, 2, 1, 2)), "a batch")
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), normal(rng, 1, 1, 2, 2)),
                 "transposed in memory")


@samples_of("channel_sums")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 3, 2, 3),), "one image")
    yield Sample((normal(rng, 2, 2, 1, 2),), "a batch")
    yield Sample((transposed(normal(rng, 1, 2, 2, 3)),), "transposed in memory")


@samples_of("mix_channels")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), normal(rng, 1, 3, 2)), "2 to 3 channels")
    yield Sample((normal(rng, 2, 2, 1, 2), normal(rng, 2, 2, 2)), "a batch")
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), transposed(normal(rng, 1, 1, 2))),
                 "transposed in memory")


@samples_of("gram_matrix")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 3, 2, 2),), "one image")
    yield Sample((normal(rng, 2, 2, 1, 3),), "a batch")
    yield Sample((normal(rng, 1, 1, 2, 2),), "one channel")
    yield Sample((transposed(normal(rng, 1, 2, 2, 3)),), "transposed in memory")
