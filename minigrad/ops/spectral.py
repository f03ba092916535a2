"""Eigenvalues and singular values of matrices, with their vectors, and what follows from them.

    M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation" (2008), section 3
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError
from minigrad.kernels.lapack import lapack
from minigrad.ops.arithmetic import equal, where
from minigrad.ops.linalg import matmul
from minigrad.ops.linalg import matrix_product as product
from minigrad.ops.reduce import sum
from minigrad.ops.shape import broadcast_to, matrix_transpose, reshape, select
from minigrad.ops.shape_functions import unsqueeze
from minigrad.ops.solving import (
    check_matrices,
    halves,
    inverse,
    mirrored,
    solve,
    transposed_product,
)
from minigrad.printable import shown


class Eigen(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """A = U·diag(S)·Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def eigh(A: Tensor, UPLO: str = "L") -> Eigen:
    """Eigenvalues (ascending) and eigenvectors (columns) of symmetric matrices.

    Parameters
    ----------
    A : Tensor, …×n×n
    UPLO : str
        Which half of A is read: `"L"` or `"U"`.

    Notes
    -----
    The derivative of an eigenvector divides by differences of eigenvalues: it does not exist where
    two are equal, and its sign is arbitrary. Giles (2008), section 3.1.
    """
    check_matrices("eigh", A)
    if UPLO not in ("L", "U"):
        raise ArgumentError(f"eigh reads the half 'L' or 'U', not {shown(UPLO)}")
    whole = mirrored(A, UPLO == "U")
    return Eigen(eigenvalues(whole), eigenvectors(whole))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices in ascending order; see :func:`eigh`."""
    return eigh(A, UPLO).eigenvalues


@primitive
def eigenvalues(a):
    """The eigenvalues of symmetric matrices, in ascending order."""
    return _decomposed(a)[0] if a.size else array_module(a).zeros(a.shape[:-1], a.dtype)


@primitive
def eigenvectors(a):
    """The eigenvectors of symmetric matrices as columns, by ascending eigenvalues."""
    return _decomposed(a)[1] if a.size else a.copy()


def _decomposed(a: Any) -> Any:
    """Eigenvalues and eigenvectors of (A + Aᵀ)/2."""
    return lapack(np.linalg.eigh, 0.5 * (a + a.swapaxes(-1, -2)))


eigenvalues.derivative(a=lambda g, a: weighted(eigenvectors(a), g))
eigenvectors.derivative(a=lambda g, a, out: halves(product(out, product(
    transposed_product(out, g) / gaps(eigenvalues(a)), matrix_transpose(out)))))


def weighted(vectors: Any, weights: Any) -> Any:
    """V·diag(w)·Vᵀ."""
    return product(vectors * unsqueeze(weights, -2), matrix_transpose(vectors))


def gaps(values: Any) -> Any:
    """λⱼ − λᵢ in row i and column j, and ∞ where they are equal, as on the diagonal."""
    difference = unsqueeze(values, -2) - unsqueeze(values, -1)
    return where(equal(difference, 0), float("inf"), difference)


@primitive
def singular_values(a):
    """The singular values of matrices …×n×m in descending order."""
    return lapack(np.linalg.svd, a, full_matrices=False)[1] if a.size else \
        array_module(a).zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)


@primitive
def singular_vectors(a):
    """U above V, (n + m)×k with k = min(n, m), of the reduced SVD A = U·diag(s)·Vᵀ."""
    xp = array_module(a)
    if not a.size:
        n, m = a.shape[-2:]
        return xp.zeros((*a.shape[:-2], n + m, min(n, m)), a.dtype)
    u, _, vh = lapack(np.linalg.svd, a, full_matrices=False)
    return xp.concatenate([u, vh.swapaxes(-1, -2)], -2)


singular_values.derivative(a=lambda g, a: between(singular_vectors(a), g, a.shape[-2]))
singular_vectors.derivative(a=lambda g, a, out: singular_slope(g, out, singular_values(a),
                                                              a.shape[-2]))


def halved(stacked: Any, n: int) -> tuple[Any, Any]:
    """The first n rows, and the others."""
    return select(stacked, (..., slice(n), slice(None))), select(
        stacked, (..., slice(n, None), slice(None)))


def between(stacked: Any, weights: Any, n: int) -> Any:
    """U·diag(w)·Vᵀ of U above V."""
    u, v = halved(stacked, n)
    return product(u * unsqueeze(weights, -2), matrix_transpose(v))


def singular_slope(g: Any, stacked: Any, s: Any, n: int) -> Any:
    """U·(K·S + S·L)·Vᵀ + (1 − UUᵀ)·Gᵤ·S⁻¹·Vᵀ + U·S⁻¹·Gᵥᵀ·(1 − VVᵀ).

    K and L are the antisymmetric parts of UᵀGᵤ and VᵀGᵥ over sⱼ² − sᵢ². Townsend, "Differentiating
    the singular value decomposition" (2016).
    """
    (u, v), (gu, gv) = halved(stacked, n), halved(g, n)
    gap, row = gaps(s * s), unsqueeze(s, -2)
    k, q = antisymmetric(transposed_product(u, gu)) / gap, antisymmetric(
        transposed_product(v, gv)) / gap
    inside = k * row + unsqueeze(s, -1) * q
    left = product(u, inside) + rest(u, gu) / row
    return product(left, matrix_transpose(v)) + product(u / row, matrix_transpose(rest(v, gv)))


def antisymmetric(x: Any) -> Any:
    """X − Xᵀ."""
    return x - matrix_transpose(x)


def rest(u: Any, x: Any) -> Any:
    """The part of X outside the column space of U."""
    return x - product(u, transposed_product(u, x))


def svd(A: Tensor, full_matrices: bool = True) -> SVD:
    """A = U·diag(S)·Vh: orthonormal columns and rows, and singular values in descending order.

    Parameters
    ----------
    A : Tensor, …×n×m
    full_matrices : bool
        Whether U and Vh are square; what lies beyond the first min(n, m) columns and rows is
        arbitrary and has no derivative.

    Raises
    ------
    ArgumentError
        A requires a gradient and is not square, and `full_matrices` is True.

    Notes
    -----
    The derivative divides by differences of singular values: it does not exist where two are equal.
    """
    check_matrices("svd", A, square=False)
    n, m = A.shape[-2:]
    if full_matrices and n != m:
        if A.requires_grad and A.numel():
            raise ArgumentError(f"svd of shape {A.shape} has a derivative with full_matrices=False "
                                f"only; pass it, or detach() the matrix")
        return SVD(*(wrap(part) for part in lapack(np.linalg.svd, A._array)))
    u, v = halved(singular_vectors(A), n)
    return SVD(u, singular_values(A), matrix_transpose(v))


def svdvals(A: Tensor) -> Tensor:
    """The singular values of matrices …×n×m in descending order."""
    check_matrices("svdvals", A, square=False)
    return singular_values(A)


# ----------------------------------------------------------- pseudoinverse, rank, powers


@primitive
def pseudo_inverse(a, rcond):
    """A⁺ of matrices …×n×m: singular values below rcond times the largest count as 0."""
    xp = array_module(a)
    if not a.size:
        return xp.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    u, s, vh = lapack(np.linalg.svd, a, full_matrices=False)
    kept = s > xp.asarray(rcond, dtype=a.dtype) * s[..., :1]
    inverted = xp.where(kept, 1 / xp.where(kept, s, 1), 0)
    return vh.swapaxes(-1, -2) @ (inverted[..., None] * u.swapaxes(-1, -2))


pseudo_inverse.derivative(a=lambda g, a, out: pseudo_slope(matrix_transpose(g), a, out))


def pseudo_slope(h: Any, a: Any, p: Any) -> Any:
    """(1 − AP)·H·PPᵀ + PᵀP·H·(1 − PA) − Pᵀ·Hᵀ·Pᵀ for H = Gᵀ and P = A⁺.

    Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems
    whose variables separate" (1973), eq. 4.12.
    """
    first = product(product(h, p), matrix_transpose(p))
    second = transposed_product(p, product(p, h))
    direct = transposed_product(p, transposed_product(h, matrix_transpose(p)))
    return first - product(a, product(p, first)) + second - product(
        product(second, p), a) - direct


def pinv(A: Tensor, rcond: float | None = None, hermitian: bool = False, *,
         atol: float | None = None, rtol: float | None = None) -> Tensor:
    """The pseudoinverse A⁺ …×m×n of matrices …×n×m.

    Parameters
    ----------
    rcond, rtol : float, optional
        Singular values below this share of the largest count as 0; by default max(n, m)·ε.
    hermitian : bool
        Whether A is symmetric; only its lower half is read then.
    atol : float, optional
        Singular values below this count as 0, too.
    """
    check_matrices("pinv", A, square=hermitian)
    if hermitian:
        A = mirrored(A, False)
    share = rcond if rtol is None else rtol
    return pseudo_inverse(A, _tolerance(A, atol, share))


def _tolerance(a: Tensor, atol: float | None, rtol: float | None) -> float:
    """The share of the largest singular value below which one counts as 0."""
    share = _share(a, atol, rtol)
    if atol and a.numel():
        largest = float(lapack(np.linalg.svd, a._array)[1].max())
        share = max(share, float(atol) / largest if largest else 0.0)
    return share


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None,
                rtol: Any = None) -> Tensor:
    """How many singular values are above atol and rtol times the largest; tolerances as in pinv.

    They may be tensors, with a number for each matrix.
    """
    check_matrices("matrix_rank", A, square=hermitian)
    values = singular_values(A.detach())
    if not values.shape[-1]:
        return wrap(array_module(A._array).zeros(A.shape[:-2], np.int64))
    xp = array_module(A._array)
    atol, rtol = (xp.asarray(v._array if isinstance(v, Tensor) else v)[..., None] if v is not None
                  else None for v in (tol if tol is not None else atol, rtol))
    if rtol is None:
        rtol = xp.where(0 if atol is None else atol, 0.0, _share(A, None, None))
    limit = values._array[..., :1] * rtol
    limit = limit if atol is None else xp.maximum(limit, atol)
    return wrap(xp.asarray((values._array > limit).sum(axis=-1, dtype=np.int64)))


def _share(a: Tensor, atol: Any, rtol: Any) -> float:
    if rtol is not None:
        return float(rtol)
    return 0.0 if atol else max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)


MAX_POWER = 2 ** 63         # far beyond, a matrix of floats is 0, infinite, or stays


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Aⁿ of square matrices, by squaring; for n < 0, the power −n of the inverse."""
    check_matrices("matrix_power", A)
    if abs(n) >= MAX_POWER:
        raise ArgumentError(f"matrix_power needs a whole number within ±2⁶³, not {shown(n)}")
    if n < 0:
        return matrix_power(inverse(A), -n)
    result, square = None, A
    while n:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        if n:
            square = matmul(square, square)
    if result is None:
        unit = wrap(array_module(A._array).eye(A.shape[-1], dtype=A.dtype))
        return broadcast_to(unit, A.shape).clone()
    return result.clone() if result is A else result


def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number: the ratio of the largest singular value to the smallest (p = −2: the
    reverse).
    """
    if p not in (None, 2, -2):
        raise ArgumentError(f"cond supports p of None, 2 and -2, not {shown(p)}; for others "
                            f"multiply matrix_norm(A, p) by matrix_norm(inv(A), p)")
    values = svdvals(A)
    if not values.shape[-1]:
        return sum(values, -1)              # of nothing: 0
    largest, smallest = select(values, (..., 0)), select(values, (..., -1))
    return smallest / largest if p == -2 else largest / smallest


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse with respect to tensordot, where the first `ind` dimensions count as rows."""
    shape = A.shape[ind:] + A.shape[:ind]
    rows = int(np.prod(A.shape[:ind]))
    return reshape(inverse(reshape(A, (rows, int(np.prod(A.shape[ind:]))))), shape)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """The X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to the end first."""
    if dims is not None:
        front = [d for d in range(A.ndim) if d not in dims]
        A = A.permute(*front, *dims)
    shape = A.shape[B.ndim:]
    return reshape(solve(reshape(A, (B.numel(), int(np.prod(shape)))), reshape(B, (-1,))), shape)


class LeastSquares(NamedTuple):
    """A solution, the sums of its squared residuals, and the rank and singular values of A."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
          ) -> LeastSquares:
    """The X for which ‖A·X − B‖ is smallest, of several the shortest: X = A⁺·B.

    Parameters
    ----------
    A : Tensor, …×n×m
    B : Tensor, …×n×k, or one vector …×n per matrix
    rcond : float, optional
        See :func:`pinv`.
    driver : str, optional
        Accepted as in PyTorch: `"gels"`, `"gelsy"`, `"gelsd"` or `"gelss"`.

    Returns
    -------
    LeastSquares
        The residuals are empty unless n > m and all ranks are m.
    """
    check_matrices("lstsq", A, square=False)
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise ArgumentError(f"lstsq knows the drivers gels, gelsy, gelsd and gelss, not "
                            f"{shown(driver)}")
    vector = B.ndim == A.ndim - 1
    b = unsqueeze(B, -1) if vector else B
    x = matmul(pinv(A, rcond), b)
    rank = matrix_rank(A, rtol=rcond)
    difference = (matmul(A, x) - b).detach()
    fits = A.shape[-2] > A.shape[-1] and bool((rank._array == A.shape[-1]).all())
    residuals = sum(difference * difference, -2) if fits else difference.reshape(-1)[:0]
    return LeastSquares(reshape(x, x.shape[:-1]) if vector else x, residuals, rank, svdvals(A))
