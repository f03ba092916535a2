"""Square roots of symmetric positive semidefinite matrices, …×N×N.

All are functions of the eigenvalues of (A + Aᵀ)/2; negative ones are rounding errors and count as
0. :class:`minigrad.kernels.eigen.Spectrum` passes the decomposition from one primitive to the next,
so that a value and its gradient need only one. No rule divides by differences of eigenvalues, so
equal ones are no problem. Rules divide by eigenvalues, though: near 0 these are raised to a
floor, which counts as constant in further derivatives.

Higham, "Functions of Matrices" (2008), chapters 3 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels import eigen
from minigrad.kernels.channel_matmul import matmul
from minigrad.kernels.element_types import number_type
from minigrad.ops.linalg import matrix_product
from minigrad.ops.shape import matrix_transpose, reshape
from minigrad.printable import shown


@primitive
def trace_of_root(a, spectrum, dtype=None):
    """t = tr √A = Σ √λ, …×N×N to …, added up in float64."""
    return eigen.trace_of_root(a, spectrum).astype(number_type(dtype or a.dtype))


@primitive
def root(a, spectrum):
    """S = √A, symmetric with S·S = A."""
    values, vectors = spectrum.of(a)
    roots = eigen.roots(values)
    s = eigen.assembled(roots, vectors)
    spectrum.remember(s, roots, vectors)
    return s


@primitive
def inverse_root(a, spectrum):
    """R = A^(−½), symmetric with R·A·R = 1; of the matrix 0 it is 0."""
    return eigen.inverse_root(a, spectrum)


@primitive
def lyapunov(s, m, spectrum):
    """X with S·X + X·S = M for symmetric positive semidefinite S: Uᵀ·X·U = Uᵀ·M·U / (σᵢ + σⱼ).

    Bartels, Stewart, "Solution of the matrix equation AX + XB = C" (1972).
    """
    values, vectors = spectrum.of(s)
    values = spectrum.floored(values, s.dtype, 0.5)     # the roots of what has the floor
    sums = eigen.reciprocal(values[..., :, None] + values[..., None, :]).astype(m.dtype)
    turned = vectors.swapaxes(-1, -2)
    return matmul(matmul(vectors, matmul(matmul(turned, m), vectors) * sums), turned)


trace_of_root.derivative(
    a=lambda g, a, spectrum: 0.5 * as_matrices(g) * inverse_root(a, spectrum),      # ½·g·A^(−½)
)
root.derivative(        # dS·S + S·dS = dA
    a=lambda g, out, spectrum: symmetric(lyapunov(out, g, spectrum)),
)
inverse_root.derivative(        # R = S⁻¹, so dR = −R·dS·R
    a=lambda g, a, out, spectrum: -symmetric(
        lyapunov(root(a, spectrum), conjugated(out, g), spectrum)),
)
lyapunov.derivative(    # S·dX + dX·S = dM − (dS·X + X·dS); the equation is its own adjoint
    s=lambda g, s, out, spectrum: -symmetric(
        anticommutator(lyapunov(s, g, spectrum), matrix_transpose(out))),
    m=lambda g, s, spectrum: lyapunov(s, g, spectrum),
)


def as_matrices(g: Any) -> Any:
    """Numbers … as matrices …×1×1."""
    return reshape(g, (*g.shape, 1, 1))


def symmetric(x: Any) -> Any:
    """(X + Xᵀ)/2."""
    return 0.5 * (x + matrix_transpose(x))


def conjugated(r: Any, x: Any) -> Any:
    """R·X·R."""
    return matrix_product(matrix_product(r, x), r)


def anticommutator(x: Any, y: Any) -> Any:
    """X·Y + Y·X."""
    return matrix_product(x, y) + matrix_product(y, x)


def trace_sqrt(a: Tensor, floor: float | None = None, dtype: Any = None) -> Tensor:
    """Trace of the square root, tr √A, of symmetric positive semidefinite matrices.

    One eigendecomposition serves the value and all derivatives. The gradient is ½·A^(−½), which
    is infinite where A is singular; the floor bounds it. The gradient of the matrix 0 is 0.

    Parameters
    ----------
    a : Tensor, …×N×N
        Floating-point. Only (A + Aᵀ)/2 counts. A matrix with an element that is not finite gives
        NaN.
    floor : float, optional
        Fraction of A's largest eigenvalue, 0 or more. Derivatives raise smaller eigenvalues to this
        floor; the value does not. The default is 1e-7 for float32 and 1e-14 for float64,
        about the size to which rounding changes an eigenvalue of 0. With 0, an eigenvalue that is
        exactly 0 adds nothing to the gradient.
    dtype : optional
        Element type of the result, as for :func:`sum`; by default that of a.

    Returns
    -------
    Tensor, …

    Raises
    ------
    ShapeError
        The matrices are not square.

    Notes
    -----
    On a GPU the value and the gradient come from products of matrices, in float64, which a CUDA
    graph can record; near the floor the gradient changes smoothly, and the value of an eigenvalue
    below the floor is between 0 and its root. Further derivatives, and a floor of 0, use cuSOLVER.
    """
    return trace_of_root(a, _spectrum(a, floor, "trace_sqrt"), dtype)


def trace_sqrts(matrices: Iterable[Tensor], floor: float | None = None, dtype: Any = None
                ) -> list[Tensor]:
    """:func:`trace_sqrt` of several tensors of any shapes, decomposed on all threads at once."""
    matrices = list(matrices)
    spectra = [_spectrum(a, floor, "trace_sqrts") for a in matrices]
    eigen.decompose_each(spectra, [a._array for a in matrices])
    return [trace_of_root(a, spectrum, dtype) for a, spectrum in zip(matrices, spectra)]


def matrix_sqrt(a: Tensor, floor: float | None = None) -> Tensor:
    """Symmetric square root √A of symmetric positive semidefinite matrices, …×N×N.

    Parameters and errors are those of :func:`trace_sqrt`.
    """
    return root(a, _spectrum(a, floor, "matrix_sqrt"))


def _spectrum(a: Tensor, floor: float | None, name: str) -> eigen.Spectrum:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name} needs square matrices …×N×N, not shape {tuple(a.shape)}")
    if a.dtype.kind != "f":
        raise DTypeError(f"{name} needs floating-point matrices, not {a.dtype}")
    if floor is not None and not 0 <= floor < np.inf:
        raise ArgumentError(f"{name} needs a floor of 0 or more, not {shown(floor)}")
    return eigen.Spectrum(floor)
