"""Linear algebra under the names of `torch.linalg`; documented in :mod:`minigrad.ops`."""

from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.kernels.boundary import guarded_names
from minigrad.ops.diagonals import diagonal as _diagonal
from minigrad.ops.norms import matrix_norm, vector_norm
from minigrad.ops.norms import norm_of as norm
from minigrad.ops.products import cross as _cross
from minigrad.ops.products import multi_dot, vander, vecdot
from minigrad.ops.shape import normal_dim as _normal_dim
from minigrad.ops.solving import cholesky, det, inv, qr, slogdet, solve, solve_triangular
from minigrad.ops.spectral import (
    cond,
    eigh,
    eigvalsh,
    lstsq,
    matrix_power,
    matrix_rank,
    pinv,
    svd,
    svdvals,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet",
    "solve", "solve_triangular", "svd", "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot",
    "vector_norm",
]


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """x × y of vectors with three elements along `dim`, as :func:`minigrad.cross`.

    Raises
    ------
    ShapeError
        One has another number of elements along `dim`, or they differ in their dimensions.
    """
    if input.ndim != other.ndim or not input.ndim \
            or {x.shape[_normal_dim(dim, x.ndim)] for x in (input, other)} != {3}:
        raise ShapeError(f"cross needs tensors with the same number of dimensions and three "
                         f"elements along dimension {dim}, not shapes {input.shape} and "
                         f"{other.shape}")
    return _cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of matrices …×n×m, as :func:`minigrad.diagonal`."""
    return _diagonal(A, offset, dim1, dim2)

globals().update(guarded_names(globals(), __all__))
