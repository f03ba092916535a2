"""Samples for pooling, with pixels far enough apart that no window has a tie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.base import Generator, Sample, distinct, normal, samples_of, transposed
from minigrad.kernels import pool as kernels
from minigrad.kernels.geometry import Pooling

# image N×C×H×W, and how the window moves
_CASES = (
    ((1, 2, 4, 4), Pooling((2, 2), (2, 2)), "2×2"),
    ((2, 1, 3, 5), Pooling((2, 3), (1, 2)), "overlapping, oblong"),
    ((1, 1, 3, 4), Pooling((3, 2), (2, 2), (1, 1)), "padded"),
    ((1, 1, 5, 4), Pooling((2, 2), (2, 3), ceil_mode=True), "ceil_mode"),
    ((1, 1, 5, 5), Pooling((3, 3), (2, 2), (1, 1), ceil_mode=True, count_include_pad=False),
     "padded, ceil_mode, padding not counted"),
    ((1, 1, 5, 3), Pooling((2, 1), (3, 2)), "stride larger than the window"),
    ((1, 3, 1, 1), Pooling((1, 1), (1, 1)), "one pixel"),
)


def _result_shape(image: tuple, geometry: Pooling) -> tuple[int, ...]:
    return (*image[:2], *geometry.output_size(image[2:]))


@samples_of("max_pool")
def _(rng: Generator) -> Iterator[Sample]:
    for image, geometry, note in _CASES:
        yield Sample((distinct(rng, *image), geometry), note)
    yield Sample((transposed(distinct(rng, 1, 2, 2, 4)), Pooling((2, 2), (2, 2))),
                 "transposed in memory")


@samples_of("max_unpool")
def _(rng: Generator) -> Iterator[Sample]:
    for image, geometry, note in _CASES:
        winner = kernels.max_pool2d(distinct(rng, *image), geometry)[1]
        y = normal(rng, *_result_shape(image, geometry))
        yield Sample((y, np.array(winner), image, geometry), note)


@samples_of("max_pool_at")
def _(rng: Generator) -> Iterator[Sample]:
    for image, geometry, note in _CASES:
        winner = kernels.max_pool2d(distinct(rng, *image), geometry)[1]
        yield Sample((normal(rng, *image), np.array(winner), geometry), note)


@samples_of("avg_pool")
def _(rng: Generator) -> Iterator[Sample]:
    for image, geometry, note in _CASES:
        yield Sample((normal(rng, *image), geometry), note)
    yield Sample((transposed(normal(rng, 1, 2, 2, 4)), Pooling((2, 2), (2, 2))),
                 "transposed in memory")


@samples_of("avg_unpool")
def _(rng: Generator) -> Iterator[Sample]:
    for image, geometry, note in _CASES:
        yield Sample((normal(rng, *_result_shape(image, geometry)), image, geometry), note)
