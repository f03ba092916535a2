"""Eigenvalues and eigenvectors of symmetric matrices, each matrix on one thread.

Functions of a symmetric matrix A = U·diag(λ)·Uᵀ are U·diag(f(λ))·Uᵀ. LAPACK finds λ and U in
float64 as fast as in float32 on a CPU, so float32 matrices lose nothing there. It gains nothing
from several BLAS threads, but matrices of a batch run side by side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import parallel
from minigrad.kernels.channel_matmul import matmul
from minigrad.kernels.dispatch import on_cuda_too

FLOORS = {4: 1e-7, 8: 1e-14}        # by the bytes of a number: about its precision


class Spectrum:
    """The eigenvalues of matrices, computed once for each array, and the floor of the rules.

    Parameters
    ----------
    floor : float, optional
        Fraction of the largest eigenvalue; derivatives raise smaller eigenvalues to this floor.
        The default is 1e-7 for float32 and 1e-14 for float64: rounding the elements of a
        matrix moves its eigenvalues by about as much, so smaller ones are not known.
    """

    def __init__(self, floor: float | None = None) -> None:
        self.floor = floor
        self._known: deque[tuple[Any, Any, Any]] = deque(maxlen=3)  # array, eigenvalues, vectors
        self.roots: tuple[Any, Any, Any] | None = None  # array, trace of root, inverse; on a GPU

    def of(self, a: Any) -> tuple[Any, Any]:
        """Eigenvalues …×N, ascending and in float64 on the host, and eigenvectors …×N×N of a."""
        for array, values, vectors in self._known:
            if array is a:
                return values, vectors
        self.remember(a, *decompose(a))
        return self._known[-1][1:]

    def remember(self, a: Any, values: Any, vectors: Any) -> None:
        """Remember the decomposition of a, which is found by identity, so a must not change."""
        self._known.append((a, values, vectors))

    def floor_of(self, dtype: np.dtype) -> float:
        """The floor for arrays of an element type."""
        return FLOORS.get(dtype.itemsize, 1e-7) if self.floor is None else self.floor

    def floored(self, values: Any, dtype: np.dtype, power: float = 1) -> Any:
        """Ascending `values`, those below the floor to a power raised to it; all 0 stay 0."""
        xp = array_module(values)
        largest = xp.maximum(values[..., -1:], 0)
        return xp.maximum(values, self.floor_of(dtype) ** power * largest)


def decompose(a: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors of (A + Aᵀ)/2, …×N×N; NaN for a matrix that is not finite."""
    xp, kind = array_module(a), np.float64
    finite = xp.isfinite(a).all(axis=(-2, -1))[..., None]
    symmetric = xp.where(finite[..., None], a, 0).astype(kind)
    symmetric = 0.5 * symmetric + 0.5 * symmetric.swapaxes(-1, -2)
    values, vectors = xp.empty(a.shape[:-1], kind), xp.empty(a.shape, a.dtype)

    def one(place: tuple[int, ...]) -> None:
        values[place], vectors[place] = xp.linalg.eigh(symmetric[place])

    parallel.run(one, np.ndindex(a.shape[:-2]), xp)
    return xp.where(finite, values, np.nan), vectors


def decompose_each(spectra: Sequence[Spectrum], arrays: Sequence[Any]) -> None:
    """Decompose the array of each spectrum, on all threads, large matrices first.

    On a GPU their roots are computed instead, together. Arrays of other libraries are left for
    later: there is nothing to run side by side.
    """
    if arrays:
        compute_each(arrays[0], spectra, arrays)


@on_cuda_too
def compute_each(first: Any, spectra: Sequence[Spectrum], arrays: Sequence[Any]) -> None:
    """As `decompose_each`; `first` is the first array."""
    if array_module(*arrays) is not np:
        return
    pairs = sorted(zip(spectra, arrays), key=lambda pair: -pair[1].shape[-1])
    parallel.run(lambda pair: pair[0].of(pair[1]), pairs)


@on_cuda_too
def trace_of_root(a: Any, spectrum: Spectrum) -> Any:
    """tr √A = Σ √λ, …×N×N to …, added up in float64."""
    values, _ = spectrum.of(a)
    return roots(values).sum(axis=-1)


@on_cuda_too
def inverse_root(a: Any, spectrum: Spectrum) -> Any:
    """A^(−½), …×N×N; of the matrix 0 it is 0."""
    values, vectors = spectrum.of(a)
    return assembled(reciprocal(roots(spectrum.floored(values, a.dtype))), vectors)


def roots(values: Any) -> Any:
    """√λ, and 0 where λ < 0."""
    xp = array_module(values)
    return xp.sqrt(xp.maximum(values, 0))


def assembled(values: Any, vectors: Any) -> Any:
    """U·diag(λ)·Uᵀ."""
    scaled = vectors * values[..., None, :].astype(vectors.dtype)
    return matmul(scaled, vectors.swapaxes(-1, -2))


def reciprocal(values: Any) -> Any:
    """1/x, and 0 where x is 0."""
    xp = array_module(values)
    nonzero = values != 0
    return xp.where(nonzero, 1 / xp.where(nonzero, values, 1), 0)
