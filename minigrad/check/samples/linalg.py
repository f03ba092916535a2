"""Samples for matrix products and products over channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.base import (
    Generator,
    Sample,
    normal,
    positive,
    samples_of,
    transposed,
)
from minigrad.kernels.eigen import Spectrum
from minigrad.kernels.geometry import Window


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


@samples_of("moments")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), Window(0, 2, 0, 3)), "the whole image")
    yield Sample((normal(rng, 2, 2, 3, 3), Window(1, 3, 0, 2)), "a batch, a window")
    yield Sample((normal(rng, 1, 1, 2, 2), Window(1, 2, 0, 1)), "one channel, one pixel")
    yield Sample((transposed(normal(rng, 1, 2, 3, 2)), Window(1, 3, 0, 2)), "transposed in memory")


@samples_of("moment_products")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), normal(rng, 1, 3, 2, 3), Window(0, 2, 0, 3)),
                 "2 and 3 channels")
    yield Sample((normal(rng, 2, 1, 3, 2), normal(rng, 2, 2, 3, 2), Window(1, 2, 0, 2)),
                 "a batch, a window")
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), normal(rng, 1, 1, 2, 2), Window(0, 2, 1, 2)),
                 "transposed in memory")


@samples_of("moment_mix")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), normal(rng, 1, 4, 3), Window(0, 2, 0, 3)),
                 "2 to 3 channels")
    yield Sample((normal(rng, 2, 1, 3, 2), normal(rng, 2, 2, 2), Window(1, 2, 0, 2)),
                 "a batch, a window")
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), transposed(normal(rng, 1, 2, 3)),
                  Window(0, 2, 1, 2)), "transposed in memory")


def _weights(rng: Generator, *shape: int) -> np.ndarray:
    """Weights of 0, ¼ and 1: their roots are exact."""
    return (rng.integers(0, 3, shape) / 2) ** 2


@samples_of("weighted_moments")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), _weights(rng, 2, 2, 3), Window(0, 2, 0, 3)),
                 "the whole image, two regions")
    yield Sample((normal(rng, 2, 1, 3, 3), _weights(rng, 1, 2, 2), Window(1, 3, 0, 2)),
                 "a batch, a window")
    yield Sample((transposed(normal(rng, 1, 2, 3, 2)), _weights(rng, 2, 2, 2), Window(1, 3, 0, 2)),
                 "transposed in memory")


@samples_of("weighted_products")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), normal(rng, 1, 3, 2, 3), _weights(rng, 2, 2, 3),
                  Window(0, 2, 0, 3)), "2 and 3 channels, two regions")
    yield Sample((normal(rng, 2, 1, 3, 2), normal(rng, 2, 2, 3, 2), _weights(rng, 1, 1, 2),
                  Window(1, 2, 0, 2)), "a batch, a window")
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), normal(rng, 1, 1, 2, 2),
                  _weights(rng, 2, 2, 1), Window(0, 2, 1, 2)), "transposed in memory")


@samples_of("weighted_mix")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 1, 2, 2, 3), normal(rng, 1, 2, 4, 3), _weights(rng, 2, 2, 3),
                  Window(0, 2, 0, 3)), "2 to 3 channels, two regions")
    yield Sample((normal(rng, 2, 1, 3, 2), normal(rng, 2, 1, 2, 2), _weights(rng, 1, 1, 2),
                  Window(1, 2, 0, 2)), "a batch, a window")
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), transposed(normal(rng, 1, 2, 2, 3)),
                  _weights(rng, 2, 2, 1), Window(0, 2, 1, 2)), "transposed in memory")


@samples_of("without_last")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 2, 3), True, False), "the last row")
    yield Sample((normal(rng, 1, 3, 2), False, True), "the last column")
    yield Sample((transposed(normal(rng, 2, 3)), True, True), "both, transposed in memory")


def positive_definite(rng: Generator, *shape: int) -> np.ndarray:
    """Symmetric matrices whose eigenvalues are between 0.5 and 2."""
    vectors, _ = np.linalg.qr(normal(rng, *shape, shape[-1]))
    return (vectors * positive(rng, *shape)[..., None, :]) @ vectors.swapaxes(-1, -2)


@samples_of("trace_of_root", "root", "inverse_root")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((positive_definite(rng, 3), Spectrum()), "one matrix")
    yield Sample((positive_definite(rng, 2, 2), Spectrum()), "a batch")
    yield Sample((1.5 * np.eye(3), Spectrum()), "equal eigenvalues")
    yield Sample((positive_definite(rng, 3) + np.triu(0.3 * normal(rng, 3, 3), 1), Spectrum()),
                 "not symmetric")
    yield Sample((positive(rng, 1, 1), Spectrum()), "one element")
    yield Sample((transposed(positive_definite(rng, 2, 3)), Spectrum()), "transposed in memory")


@samples_of("lyapunov")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((positive_definite(rng, 3), normal(rng, 3, 3), Spectrum()), "one matrix")
    yield Sample((positive_definite(rng, 2, 2), normal(rng, 2, 2, 2), Spectrum()), "a batch")
    yield Sample((1.5 * np.eye(2), normal(rng, 2, 2), Spectrum()), "equal eigenvalues")
    yield Sample((transposed(positive_definite(rng, 2)), transposed(normal(rng, 2, 2)),
                  Spectrum()), "transposed in memory")
