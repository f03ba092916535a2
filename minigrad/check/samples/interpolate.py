"""Samples for repeating, dropping and collecting pixels along a dimension."""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed

# shape of the image, source pixel of each new one, dimension
_CASES = (
    ((1, 2, 3, 2), (0, 0, 1, 1, 2, 2), 2, "rows doubled"),
    ((2, 1, 2, 4), (0, 2), 3, "columns halved"),
    ((1, 1, 2, 3), (0, 0, 0, 1, 2), 3, "uneven"),
    ((2, 3), (1, 1, 1), 0, "one row only"),
)


@samples_of("pick")
def _(rng: Generator) -> Iterator[Sample]:
    for shape, index, dim, note in _CASES:
        yield Sample((normal(rng, *shape), index, dim), note)
    yield Sample((transposed(normal(rng, 3, 2)), (0, 1, 1), 1), "transposed in memory")


@samples_of("unpick")
def _(rng: Generator) -> Iterator[Sample]:
    for shape, index, dim, note in _CASES:
        y = normal(rng, *shape[:dim], len(index), *shape[dim + 1:])
        yield Sample((y, index, dim, shape[dim]), note)
    yield Sample((transposed(normal(rng, 3, 2)), (0, 1), 1, 4), "transposed in memory")
