"""Roots of symmetric matrices by products of matrices, which a CUDA graph can record.

CuPy refuses cuSOLVER, and with it eigenvalues, while a graph is being recorded. Here, with Y = A/s
and Z = 1 at first,

    T = Z·Y,   Q = a·1 − b·T²,   Y ← Y·Q,   Z ← Q·Z

converge to Y = sign(A)·√|A|, Z = |A|^(−½) and T = sign(A). All are functions of A, so each
eigenvalue evolves separately; its |t| goes to 1. Newton–Schulz iterations have T in place of T².
They diverge where rounding makes an eigenvalue negative; here its t goes to −1. In each step a and
b let small |t| grow as fast as possible while none exceeds 1 (scaled iterations). The number of
steps depends on the floor only: below it t remains near 0, and Z near its limit for λ = 0.

Higham, "Functions of Matrices" (2008), chapter 6; Chen and Chow, "A Stable Scaling of Newton-Schulz
for Improving the Sign Function Computation of a Hermitian Matrix" (2014).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import eigen
from minigrad.kernels.cuda import blas

CONVERGED = 1e-9            # a step squares the distance of |t| from 1
# Steps are chosen for |t| from the square of this times the floor up. Below, Z is constant: it is
# floor^(−½) to 10 %.
MARGIN = 2.8
# Matrices of several arrays are computed together as far as this many numbers: 8 MB. They are
# padded with zeros to a multiple of BLOCK rows, which changes none of their values.
TOGETHER = 1 << 20
BLOCK = 64


def trace_of_root(a: Any, spectrum: eigen.Spectrum) -> Any:
    """tr √A in float64, as `minigrad.kernels.eigen.trace_of_root`."""
    if not a.size or not spectrum.floor_of(a.dtype):
        return eigen.trace_of_root.__wrapped__(a, spectrum)         # type: ignore[attr-defined]
    return _roots(a, spectrum)[0]


def inverse_root(a: Any, spectrum: eigen.Spectrum) -> Any:
    """A^(−½), as `minigrad.kernels.eigen.inverse_root`."""
    if not a.size or not spectrum.floor_of(a.dtype):
        return eigen.inverse_root.__wrapped__(a, spectrum)          # type: ignore[attr-defined]
    return _roots(a, spectrum)[1]


def compute_each(first: Any, spectra: Sequence[eigen.Spectrum], arrays: Sequence[Any]) -> None:
    """Compute the roots of all arrays, those of similar size together, for their spectra.

    Products of single matrices are too small to occupy a GPU, and there would be hundreds.
    """
    groups: dict[tuple[int, float], list[tuple[eigen.Spectrum, Any]]] = defaultdict(list)
    for spectrum, a in zip(spectra, arrays):
        floor = spectrum.floor_of(a.dtype)
        if a.size and floor:
            groups[-(-a.shape[-1] // BLOCK) * BLOCK, floor].append((spectrum, a))
    for (size, floor), pairs in groups.items():
        most = max(1, TOGETHER // size**2)
        for start in range(0, len(pairs), most):
            _compute_group(pairs[start:start + most], floor)


def _compute_group(pairs: Sequence[tuple[eigen.Spectrum, Any]], floor: float) -> None:
    """Set the roots of spectra, whose arrays have the same floor and similar sizes."""
    matrices = [a.reshape(-1, *a.shape[-2:]) for _, a in pairs]
    size = max(part.shape[1] for part in matrices)
    xp = array_module(*matrices)
    stack = xp.zeros((sum(map(len, matrices)), size, size), np.float64)
    ends = np.cumsum([len(part) for part in matrices]).tolist()
    for part, end in zip(matrices, ends):
        stack[end - len(part):end, :part.shape[1], :part.shape[1]] = part
    trace, inverse = _iterate(stack, floor)
    for (spectrum, a), part, end in zip(pairs, matrices, ends):
        rows, n = slice(end - len(part), end), a.shape[-1]
        spectrum.roots = (a, trace[rows].reshape(a.shape[:-2]),
                          inverse[rows, :n, :n].astype(a.dtype).reshape(a.shape))


def _roots(a: Any, spectrum: eigen.Spectrum) -> tuple[Any, Any]:
    """Trace of the root and inverse root, computed once for each array."""
    if spectrum.roots is None or spectrum.roots[0] is not a:
        _compute_group([(spectrum, a)], spectrum.floor_of(a.dtype))
    assert spectrum.roots is not None
    return spectrum.roots[1:]


def _iterate(a: Any, floor: float) -> tuple[Any, Any]:
    """tr √A and A^(−½) of B×N×N, in float64; eigenvalues below the floor as in `Spectrum`."""
    xp = array_module(a)
    y, size_of_a = _scaled(xp, (a + a.swapaxes(1, 2)) / 2)
    z, t, square, other = (xp.empty(y.shape, np.float64) for _ in range(4))
    z.fill(0)
    _add_to_diagonal(z, 1)
    for constant, slope in _steps(floor):
        blas.multiply(xp, z, y, t)
        q = blas.multiply(xp, t, t, square, factor=-slope)
        _add_to_diagonal(q, constant)
        y, other = blas.multiply(xp, y, q, other), y
        z, other = blas.multiply(xp, q, z, other), z
    t = blas.multiply(xp, z, y, t)
    trace = (_diagonal(y).sum(axis=1) + (y * t.swapaxes(1, 2)).sum(axis=(1, 2))) / 2
    # (1 − T)²/4 is 0 where λ > 0 and 1 where λ < 0; Z and the limit are equal where λ is near 0.
    t *= -0.5
    _add_to_diagonal(t, 0.5)
    negative = blas.multiply(xp, t, t, square)
    correction = z * -1
    _add_to_diagonal(correction, floor ** -0.5)
    inverse = blas.multiply(xp, negative, correction, other)
    inverse += z
    inverse = (inverse + inverse.swapaxes(1, 2)) / 2
    root_of_size = xp.sqrt(size_of_a)
    return (xp.maximum(trace, 0) * root_of_size,
            inverse * eigen.reciprocal(root_of_size)[:, None, None])


def _scaled(xp: Any, a: Any) -> tuple[Any, Any]:
    """A/s for B×N×N, and s: at least the largest |λ|, and at most N^¼ times it; 0 if A is 0."""
    largest = xp.abs(a).max(axis=(1, 2))
    a = a * eigen.reciprocal(largest)[:, None, None]
    square = blas.multiply(xp, a, a, xp.empty(a.shape, np.float64))
    norm = xp.sqrt(xp.sqrt((square * square).sum(axis=(1, 2))))
    return a * eigen.reciprocal(norm)[:, None, None], norm * largest


def _add_to_diagonal(matrices: Any, number: float) -> None:
    """Add a number to the diagonals of contiguous B×N×N, in place."""
    diagonal = _diagonal(matrices)      # with [...] +=, CuPy would copy the result to itself
    diagonal += number


def _diagonal(matrices: Any) -> Any:
    """A view of the diagonals of contiguous B×N×N, as B×N."""
    count, size, _ = matrices.shape
    return matrices.reshape(count, size * size)[:, ::size + 1]


@functools.cache
def _steps(floor: float) -> list[tuple[float, float]]:
    """(a, b) of all steps for a floor.

    A step takes v = √|t| to v·(a − b·v⁴). If all v are in [low, 1], those of the next step are
    at most 1 and smallest at both ends, if a and b are such that the ends meet.
    """
    low, steps = min(MARGIN * floor ** 0.5, 0.5), []
    while 1 - low > CONVERGED:
        ratio = (1 - low) / (1 - low ** 5)              # b/a
        constant = 1.25 * (5 * ratio) ** 0.25           # the largest, at v⁴ = a/(5b), becomes 1
        steps.append((constant, ratio * constant))
        low = constant * (1 - ratio)
    return [*steps, (1.25, 0.25)]
