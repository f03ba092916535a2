"""Samples for triangles, running sums, and functions of matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed


def well(rng: Generator, *shape: int) -> np.ndarray:
    """Square matrices with singular values well apart from one another and from 0."""
    n = shape[-1]
    q, r = (np.linalg.qr(normal(rng, *shape))[0] for _ in range(2))
    return (q * np.linspace(0.7, 2.0, n)) @ r


def symmetric(rng: Generator, *shape: int) -> np.ndarray:
    """Symmetric matrices with eigenvalues well apart."""
    q = np.linalg.qr(normal(rng, *shape))[0]
    return (q * np.linspace(-1.0, 2.0, shape[-1])) @ q.swapaxes(-1, -2)


def definite(rng: Generator, *shape: int) -> np.ndarray:
    """Symmetric positive definite matrices."""
    q = np.linalg.qr(normal(rng, *shape))[0]
    return (q * np.linspace(0.6, 2.0, shape[-1])) @ q.swapaxes(-1, -2)


def tall(rng: Generator, *shape: int) -> np.ndarray:
    """Matrices of full rank with singular values well apart."""
    n, m = shape[-2:]
    k = min(n, m)
    left = np.linalg.qr(normal(rng, *shape[:-2], n, k))[0]
    right = np.linalg.qr(normal(rng, *shape[:-2], m, k))[0]
    return (left * np.linspace(0.7, 2.0, k)) @ right.swapaxes(-1, -2)


@samples_of("running_sum")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 2, 3), 0), "dim 0")
    yield Sample((normal(rng, 2, 3), 1), "dim 1")
    yield Sample((transposed(normal(rng, 3, 2)), 0), "transposed in memory")
    yield Sample((normal(rng, 0, 3), 0), "no element")


@samples_of("tril", "triu")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 3, 3), 0), "square")
    yield Sample((normal(rng, 2, 4), 1), "diagonal 1")
    yield Sample((normal(rng, 2, 3, 2), -1), "a batch, diagonal -1")
    yield Sample((transposed(normal(rng, 3, 2)), 0), "transposed in memory")


@samples_of("zeroed")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((normal(rng, 3, 2), (slice(1, 3),)), "slice")
    yield Sample((normal(rng, 4), np.array([0, 2, 2])), "integers")
    yield Sample((normal(rng, 2, 2), np.array([[True, False], [True, True]])), "mask")


@samples_of("inverse", "log_determinant", "determinant", "cofactors")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((well(rng, 3, 3),), "a matrix")
    yield Sample((well(rng, 2, 2, 2),), "a batch")
    yield Sample((transposed(well(rng, 3, 3)),), "transposed in memory")


@samples_of("solution")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((well(rng, 3, 3), normal(rng, 3, 2)), "a matrix")
    yield Sample((well(rng, 2, 3, 3), normal(rng, 3, 1)), "the right side broadcasts")
    yield Sample((well(rng, 2, 2), normal(rng, 2, 2, 3)), "the matrix broadcasts")
    yield Sample((transposed(well(rng, 3, 3)), normal(rng, 3, 3)), "transposed in memory")


@samples_of("cholesky_factor")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((definite(rng, 3, 3),), "a matrix")
    yield Sample((definite(rng, 2, 2, 2),), "a batch")


@samples_of("orthonormal")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((well(rng, 3, 3),), "square")
    yield Sample((tall(rng, 4, 2),), "more rows than columns")
    yield Sample((tall(rng, 2, 3, 2),), "a batch")


@samples_of("eigenvalues", "eigenvectors")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((symmetric(rng, 3, 3),), "a matrix")
    yield Sample((symmetric(rng, 2, 2, 2),), "a batch")


@samples_of("singular_values", "singular_vectors")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((well(rng, 2, 2),), "square")
    yield Sample((tall(rng, 3, 2),), "more rows than columns")
    yield Sample((tall(rng, 2, 3),), "more columns than rows")
    yield Sample((well(rng, 2, 2, 2),), "a batch")


@samples_of("pseudo_inverse")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample((well(rng, 2, 2), 1e-10), "square")
    yield Sample((tall(rng, 3, 2), 1e-10), "more rows than columns")
    yield Sample((tall(rng, 2, 3), 1e-10), "more columns than rows")
