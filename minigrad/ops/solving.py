"""Inverses, solutions, determinants, Cholesky factors and QR of matrices …×n×n.

Each has a rule; what follows from them is a composition. The rules are written with matrix
products, so all can be differentiated again.

    M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation" (2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.lapack import lapack
from minigrad.ops.arithmetic import where
from minigrad.ops.diagonals import tril, triu
from minigrad.ops.linalg import matmul
from minigrad.ops.linalg import matrix_product as product
from minigrad.ops.questions import isfinite
from minigrad.ops.reduce import sum
from minigrad.ops.shape import matrix_transpose, reshape, select
from minigrad.ops.shape_functions import unsqueeze
from minigrad.ops.smooth import conjugated
from minigrad.printable import shown


class SLogDet(NamedTuple):
    """Sign of a determinant, and the logarithm of its absolute value."""

    sign: Tensor
    logabsdet: Tensor


class QR(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Tensor
    R: Tensor


def check_matrices(name: str, *matrices: Any, square: bool = True) -> None:
    for a in matrices:
        if len(a.shape) < 2 or (square and a.shape[-1] != a.shape[-2]):
            raise ShapeError(f"{name} needs {'square ' if square else ''}matrices …×n×"
                             f"{'n' if square else 'm'}, not shape {tuple(a.shape)}")
        if a.dtype not in (np.float32, np.float64):
            raise DTypeError(f"{name} needs float32 or float64, not {a.dtype}")


# --------------------------------------------------------------- inverse and solutions


@primitive
def inverse(a):
    """A⁻¹; of a matrix with NaN, NaN everywhere."""
    check_matrices("inv", a)
    return lapack(np.linalg.inv, spoiled(a)) if a.size else a.copy()


def spoiled(a: Any) -> Any:
    """Matrices, NaN everywhere if they are anywhere: an elimination may miss some of its rows."""
    return array_module(a).where(_have_nan(a), a.dtype.type(np.nan), a)


def _have_nan(a: Any) -> Any:
    """Of which matrices some element is NaN, …×1×1."""
    return array_module(a).isnan(a).any(axis=(-2, -1), keepdims=True)


inverse.derivative(a=lambda g, out: -transposed_product(out, product(g, matrix_transpose(out))))


def transposed_product(x: Any, y: Any) -> Any:
    """Xᵀ·Y."""
    return product(matrix_transpose(x), y)


@primitive(broadcasts=True)
def solution(a, b):
    """The X of A·X = B."""
    return lapack(np.linalg.solve, *_wide(a, b)) if b.size else \
        array_module(a).zeros(_shape(a, b), b.dtype)


def _shape(a: Any, b: Any) -> tuple:
    return (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])


def _wide(a: Any, b: Any) -> tuple:
    xp, batch = array_module(a), np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return tuple(xp.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))


solution.derivative(
    a=lambda g, a, out: -product(solution(matrix_transpose(a), g), matrix_transpose(out)),
    b=lambda g, a: solution(matrix_transpose(a), g),
)


def inv(A: Tensor) -> Tensor:
    """A⁻¹ of square matrices."""
    return inverse(A)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X of A·X = B (or X·A = B, if not `left`); B is one vector per matrix, or matrices.

    For a matrix with NaN, X is NaN everywhere.
    """
    check_matrices("solve", A)
    a = A._array
    missing = _have_nan(a)
    if missing.any():
        A = A * wrap(array_module(a).where(missing, a.dtype.type(np.nan), a.dtype.type(1)))
    return _solved(A, B, left)


def _solved(A: Tensor, B: Tensor, left: bool) -> Tensor:
    check_matrices("solve", A)
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if vector else B
    if b.shape[-2 if left or vector else -1] != A.shape[-1]:
        raise ShapeError(f"solve: a matrix of shape {A.shape} does not fit a right side of shape "
                         f"{B.shape}")
    if not left and not vector:
        return matrix_transpose(solution(matrix_transpose(A), matrix_transpose(b)))
    x = solution(A if left else matrix_transpose(A), b)
    return reshape(x, x.shape[:-1]) if vector else x


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Tensor:
    """The X of A·X = B, where A counts as triangular (with a diagonal of ones, if
    `unitriangular`): its other half is not read.
    """
    return _solved(_triangle(A, upper, unitriangular), B, left)


def _triangle(a: Tensor, upper: bool, unit: bool) -> Tensor:
    half = triu(a, int(unit)) if upper else tril(a, -int(unit))
    return half + wrap(array_module(a._array).eye(a.shape[-1], dtype=a.dtype)) if unit else half


def triangular_solve(b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
                     unitriangular: bool = False) -> tuple[Tensor, Tensor]:
    """`(X, A)` with A·X = b for a triangle A (or Aᵀ·X = b)."""
    half = _triangle(A, upper, unitriangular)
    return _solved(matrix_transpose(half) if transpose else half, b, True), A.clone()


# ------------------------------------------------------------------------ determinants


def slogdet(A: Tensor) -> SLogDet:
    """The sign of det A, and ln |det A|, which neither overflows nor underflows."""
    check_matrices("slogdet", A)
    return SLogDet(sign_of_determinant(A.detach()), log_determinant(A))


@primitive
def sign_of_determinant(a):
    """1, −1, or 0 for a singular matrix."""
    return lapack(np.linalg.slogdet, a)[0].astype(a.dtype, copy=False)


@primitive
def log_determinant(a):
    """ln |det A|;  derivative A⁻ᵀ."""
    return lapack(np.linalg.slogdet, a)[1].astype(a.dtype, copy=False)


sign_of_determinant.derivative(a=None)
log_determinant.derivative(a=lambda g, a: spread_over(g) * matrix_transpose(inverse(a)))


def spread_over(values: Any) -> Any:
    """One value for each matrix, to be broadcast over its elements."""
    return reshape(values, (*values.shape, 1, 1))


def logdet(input: Tensor) -> Tensor:
    """ln det A; NaN if the determinant is negative."""
    result = slogdet(input)
    return where(result.sign < 0, float("nan"), result.logabsdet)


@primitive
def determinant(a):
    """det A;  its derivatives are the cofactors."""
    return lapack(np.linalg.det, a).astype(a.dtype, copy=False)


@primitive
def cofactors(a):
    """∂det A/∂aᵢⱼ, also where A is singular: det U · det V · U·diag(Π_{k≠i} sₖ)·Vᵀ of the SVD.

    NaN where A is not finite.
    """
    xp = array_module(a)
    finite = xp.isfinite(a).all(axis=(-2, -1), keepdims=True)
    u, s, v = lapack(np.linalg.svd, xp.where(finite, a, 0))
    unit = xp.eye(a.shape[-1], dtype=a.dtype)
    others = (s[..., None, :] * (1 - unit) + unit).prod(axis=-1)
    turned = lapack(np.linalg.det, u) * lapack(np.linalg.det, v)
    result = turned[..., None, None] * ((u * others[..., None, :]) @ v)
    return xp.where(finite, result, a.dtype.type(np.nan))


determinant.derivative(a=lambda g, a: spread_over(g) * cofactors(a))
cofactors.derivative(a=lambda g, a: spread_over(determinant(a)) * second_cofactors(
    g, matrix_transpose(inverse(a))))


def second_cofactors(g: Any, c: Any) -> Any:
    """⟨G, C⟩·C − C·Gᵀ·C for C = A⁻ᵀ; A must not be singular."""
    return spread_over(sum(g * c, (-2, -1), False, None)) * c - product(
        c, transposed_product(g, c))


def det(A: Tensor) -> Tensor:
    """The determinant of square matrices; singular ones have no second derivative."""
    check_matrices("det", A)
    return determinant(A)


# ----------------------------------------------------------------------------- Cholesky


@primitive
def cholesky_factor(a):
    """The lower triangle L with L·Lᵀ = (A + Aᵀ)/2, for positive definite A."""
    whole = 0.5 * (a + a.swapaxes(-1, -2))
    return lapack(np.linalg.cholesky, whole) if a.size else whole


cholesky_factor.derivative(a=lambda g, out: halves(transposed_product(
    inverse(out), product(half_lower(transposed_product(out, g)), inverse(out)))))


def half_lower(x: Any) -> Any:
    """The lower triangle with half its diagonal."""
    return 0.5 * (tril(x, 0) + tril(x, -1))


def halves(x: Any) -> Any:
    """The symmetric part."""
    return 0.5 * (x + matrix_transpose(x))


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangle L of A = L·Lᵀ for symmetric positive definite A (or Lᵀ, if `upper`).

    Raises
    ------
    ArgumentError
        A matrix is not positive definite.
    """
    check_matrices("cholesky", A)
    factor = cholesky_factor(mirrored(A, upper))
    return matrix_transpose(factor) if upper else factor


def mirrored(a: Tensor, upper: bool) -> Tensor:
    """The symmetric matrix of which one half is read, whatever the other half holds.

    Its gradient is symmetric, as in PyTorch.
    """
    fixed = a.detach()
    half = triu(fixed) if upper else tril(fixed)
    other = matrix_transpose(triu(half, 1) if upper else tril(half, -1))
    source = where(isfinite(fixed), a, 0.0)
    return half + other + (source - source.detach())        # plus 0, which takes the gradient to a


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """(L·Lᵀ)⁻¹, or (Lᵀ·L)⁻¹ for an upper triangle; the other half of L must be 0."""
    half = inverse(L)
    return matmul(half, matrix_transpose(half)) if upper else matmul(matrix_transpose(half), half)


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The X of L·L*·X = B, or of L*·L·X = B for an upper triangle; L's other half must be 0."""
    turned = conjugated(matrix_transpose(L))
    first, second = (turned, L) if upper else (L, turned)
    return solution(second, solution(first, B))


# ------------------------------------------------------------------------------------ QR


def qr(A: Tensor, mode: str = "reduced") -> QR:
    """A = Q·R: orthonormal columns and an upper triangle.

    Parameters
    ----------
    A : Tensor, …×n×m
    mode : str
        `"reduced"` (Q …×n×k with k = min(n, m)), `"complete"` (n×n) or `"r"` (an empty Q).

    Notes
    -----
    The derivative follows from dA = dQ·R + Q·dR; it needs full rank, and in the mode `"complete"`
    n ≤ m. Where n < m, R's further columns are Qᵀ times those of A.
    """
    check_matrices("qr", A, square=False)
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(f"qr has the modes reduced, complete and r, not {shown(mode)}")
    n, m = A.shape[-2:]
    if mode == "complete" and n > m:
        if A.requires_grad:
            raise ArgumentError(f"qr of shape {A.shape} has a derivative in the mode 'reduced' "
                                f"only; detach() it for 'complete'")
        return QR(*_complete(A))
    first = select(A, (..., slice(min(n, m))))
    q = orthonormal(first)
    r = matmul(matrix_transpose(q), A)
    r = triu(r)
    return QR(wrap(array_module(A._array).zeros(0, A.dtype)) if mode == "r" else q, r)


def _complete(A: Tensor) -> tuple[Tensor, Tensor]:
    q, r = lapack(np.linalg.qr, A._array, mode="complete")
    return wrap(q), wrap(r)


@primitive
def orthonormal(a):
    """The Q of A = Q·R, for A with at least as many rows as columns."""
    return lapack(np.linalg.qr, a)[0]


orthonormal.derivative(a=lambda g, a, out: right_divided(
    g - product(out, symmetric_from_lower(transposed_product(out, g))),
    triu(transposed_product(out, a), 0)))


def symmetric_from_lower(m: Any) -> Any:
    """The symmetric matrix with the upper triangle of M."""
    upper = triu(m, 0)
    return upper + matrix_transpose(triu(m, 1))


def right_divided(x: Any, r: Any) -> Any:
    """X·R⁻ᵀ."""
    return matrix_transpose(solution(r, matrix_transpose(x)))
