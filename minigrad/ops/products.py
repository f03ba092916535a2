"""Products of vectors, matrices and tensors, as matrix products of their reshaped operands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.arguments import is_whole
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import multiply, where
from minigrad.ops.linalg import matmul
from minigrad.ops.norms import vector_norm
from minigrad.ops.parts import index_at
from minigrad.ops.questions import broadcast_shapes
from minigrad.ops.reduce import sum
from minigrad.ops.scan import counted
from minigrad.ops.shape import broadcast_to, cast, normal_dim, permute, reshape
from minigrad.ops.shape_functions import stack, unsqueeze
from minigrad.ops.smooth import conjugated

LONGEST_CHAIN = 500        # matrices among which multi_dot chooses the cheapest order


def _check_ranks(name: str, operands: tuple, ranks: tuple[int, ...]) -> None:
    if tuple(x.ndim for x in operands) != ranks:
        raise ShapeError(f"{name} needs tensors with {' and '.join(map(str, ranks))} dimension(s), "
                         f"not shapes {' and '.join(str(x.shape) for x in operands)}")


def dot(input: Tensor, other: Tensor) -> Tensor:
    """Σᵢ xᵢyᵢ of two vectors of one length."""
    _check_ranks("dot", (input, other), (1, 1))
    if input.shape != other.shape:
        raise ShapeError(f"dot needs vectors of one length, not {input.shape[0]} and "
                         f"{other.shape[0]}")
    return matmul(input, other)


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Σᵢ xᵢ*yᵢ with the conjugate of x: for real numbers the same as :func:`dot`."""
    return dot(conjugated(input), other)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Products summed over the last dimension of both; a number multiplies everything."""
    if not input.ndim or not other.ndim:
        return input * other
    return tensordot(input, other, ([-1], [-1]))


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Matrix times vector: n×m by m."""
    _check_ranks("mv", (input, vec), (2, 1))
    return matmul(input, vec)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrix times matrix: n×k by k×m."""
    _check_ranks("mm", (input, mat2), (2, 2))
    return matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Matrices times matrices: B×n×k by B×k×m."""
    _check_ranks("bmm", (input, mat2), (3, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm needs the same number of matrices on both sides, not "
                         f"{input.shape[0]} and {mat2.shape[0]}")
    return matmul(input, mat2)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """zᵢⱼ = xᵢyⱼ of two vectors."""
    _check_ranks("outer", (input, vec2), (1, 1))
    return unsqueeze(input, 1) * vec2


def _added(input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """β·input + α·product; with β = 0 the input is left out, even if it holds NaN."""
    if product.dtype.kind in "biu":
        beta, alpha = int(beta), int(alpha)
    scaled = product if alpha == 1 else cast(alpha * product, product.dtype)
    if beta == 0:
        broadcast_shapes(input.shape, product.shape)
        return scaled
    own = input if beta == 1 else cast(beta * input, input.dtype)
    return broadcast_to(own, product.shape) + scaled


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
          ) -> Tensor:
    """β·input + α·mat1·mat2; the input broadcasts to the product."""
    return _added(input, mm(mat1, mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β·input + α·mat·vec; the input broadcasts to the product."""
    return _added(input, mv(mat, vec), beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β·input + α·vec1·vec2ᵀ; the input broadcasts to the product."""
    return _added(input, outer(vec1, vec2), beta, alpha)


def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
           ) -> Tensor:
    """β·input + α·Σ_b batch1[b]·batch2[b]; the input broadcasts to the sum."""
    _check_ranks("addbmm", (batch1, batch2), (3, 3))
    return _added(input, tensordot(batch1, batch2, ([0, 2], [0, 1])), beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
            ) -> Tensor:
    """β·input + α·batch1[b]·batch2[b] for each b; the input broadcasts to the products."""
    return _added(input, bmm(batch1, batch2), beta, alpha)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Products summed over pairs of dimensions; the remaining dimensions of a come first.

    Parameters
    ----------
    dims : int, or two sequences of int
        The number of last dimensions of a that are paired with the first ones of b, or the pairs.

    Raises
    ------
    ShapeError
        Two dimensions of a pair differ in length.
    """
    if is_whole(dims):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot cannot pair {dims} dimensions of shapes {a.shape} and "
                             f"{b.shape}")
        ours, theirs = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        first, second = (v.tolist() if isinstance(v, Tensor) else v for v in dims)
        ours = [normal_dim(d, a.ndim) for d in first]
        theirs = [normal_dim(d, b.ndim) for d in second]
    lone = [(i, j) for i, j in zip(ours, theirs) if 1 in (a.shape[i], b.shape[j])]
    if lone:        # a length of 1 broadcasts: the other side is summed
        a, b = (cast(sum(x, tuple(ds), True), x.dtype) for x, ds in ((a, [i for i, _ in lone]),
                                                                     (b, [j for _, j in lone])))
    if [a.shape[d] for d in ours] != [b.shape[d] for d in theirs]:
        raise ShapeError(f"tensordot pairs dimensions {ours} of shape {a.shape} with {theirs} of "
                         f"shape {b.shape}; their lengths must be equal")
    left = [d for d in range(a.ndim) if d not in ours]
    right = [d for d in range(b.ndim) if d not in theirs]
    inside = math.prod(a.shape[d] for d in ours)
    rows, columns = [a.shape[d] for d in left], [b.shape[d] for d in right]
    x = reshape(permute(a, (*left, *ours)), (math.prod(rows), inside))
    y = reshape(permute(b, (*theirs, *right)), (inside, math.prod(columns)))
    return reshape(matmul(x, y), (*rows, *columns))


def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of x times the whole of y, in blocks."""
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - x.ndim) + x.shape for x in (input, other))
    x = reshape(input, tuple(n for length in a for n in (length, 1)))
    y = reshape(other, tuple(n for length in b for n in (1, length)))
    return reshape(x * y, tuple(n * m for n, m in zip(a, b)))


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """x × y of vectors with three elements along `dim` (by default the first of length 3).

    Raises
    ------
    ShapeError
        There is no dimension of length 3.
    """
    shape = broadcast_shapes(input.shape, other.shape)
    if dim is None:
        dim = next((d for d, length in enumerate(shape) if length == 3), 0)
    dim = normal_dim(dim, len(shape))
    if not shape or shape[dim] != 3:
        raise ShapeError(f"cross needs vectors with three elements, not shapes {input.shape} and "
                         f"{other.shape} along dimension {dim}")
    x, y = broadcast_to(input, shape), broadcast_to(other, shape)
    a, b = ([index_at(v, dim, i) for i in range(3)] for v in (x, y))
    return stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                  a[0] * b[1] - a[1] * b[0]], dim)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ xᵢ*yᵢ along `dim` with the conjugate of x; both broadcast."""
    product = multiply(conjugated(x), y)
    return cast(sum(product, dim), product.dtype)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """‖xᵢ − yⱼ‖ₚ of all rows of …×N×D and …×M×D: …×N×M.

    `compute_mode` is accepted as in PyTorch; distances are always computed from the differences.
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"cdist needs rows of one length, …×N×D and …×M×D, not shapes {x1.shape} "
                         f"and {x2.shape}")
    return _row_norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """‖xᵢ − xⱼ‖ₚ of all pairs i < j of the rows of N×D, in order."""
    _check_ranks("pdist", (input,), (2,))
    first, second = np.triu_indices(input.shape[0], 1)
    return _row_norm(input[first] - input[second], p)


def _row_norm(difference: Tensor, p: float) -> Tensor:
    if difference.shape[-1]:
        return vector_norm(difference, p, -1)
    return sum(absolute(difference), -1)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """⟨x, y⟩ / (max(‖x‖, ε)·max(‖y‖, ε)) along `dim`; both broadcast."""
    if x1.dtype.kind != "f" or x2.dtype.kind != "f":
        raise DTypeError(f"cosine_similarity needs float tensors, not {x1.dtype} and {x2.dtype}")
    shape = broadcast_shapes(x1.shape, x2.shape)
    x, y = broadcast_to(x1, shape), broadcast_to(x2, shape)
    return sum(_unit(x, dim, eps) * _unit(y, dim, eps), dim)


def _unit(x: Tensor, dim: Any, eps: float) -> Tensor:
    norm = vector_norm(x, 2.0, dim, True)
    return x / where(norm < eps, eps, norm)


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, ε), the norm taken along `dim`."""
    norm = vector_norm(input, p, dim, True)
    return input / where(norm < eps, eps, norm)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Tensor:
    """‖x − y + ε‖ₚ along the last dimension."""
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices, multiplied in the cheapest order, five hundred at a time.

    The first and the last may be vectors. Cormen, Leiserson, Rivest, Stein, "Introduction to
    algorithms", section 15.2.
    """
    xs = list(tensors)
    if len(xs) < 2:
        raise ArgumentError(f"multi_dot needs at least two matrices, not {len(xs)}")
    row, column = xs[0].ndim == 1, xs[-1].ndim == 1
    if row:
        xs[0] = unsqueeze(xs[0], 0)
    if column:
        xs[-1] = unsqueeze(xs[-1], 1)
    for x in xs:
        if x.ndim != 2:
            raise ShapeError(f"multi_dot multiplies matrices, not shape {x.shape}")
    while len(xs) > LONGEST_CHAIN:      # the time to choose an order grows with the cube
        xs = [_chain(xs[k:k + LONGEST_CHAIN]) for k in range(0, len(xs), LONGEST_CHAIN)]
    z = _chain(xs)
    if row or column:
        z = reshape(z, z.shape[int(row):1 + (not column)])
    return z


def _chain(xs: list) -> Tensor:
    return _in_order(xs, _splits([x.shape[0] for x in xs] + [xs[-1].shape[1]]))


def _splits(sizes: list[int]) -> list[np.ndarray]:
    """Where to split chains of matrices so that multiplications are fewest.

    Item d has the number of matrices in the first part less 1, for each chain i … i + d.
    """
    n = len(sizes) - 1
    lengths = np.array(sizes, np.float64)       # their products may exceed int64
    starting, ending = np.zeros((n, n)), np.zeros((n, n))   # costs by d, and first or last matrix
    splits = [np.zeros(n, np.int64)]
    for d in range(1, n):
        between = sliding_window_view(lengths[1:-1], n - d)     # the sides at which to split
        options = starting[:d, :n - d] + ending[d - 1::-1, d:] \
            + between * lengths[:n - d] * lengths[d + 1:]
        splits.append(options.argmin(axis=0))
        starting[d, :n - d] = ending[d, d:] = options.min(axis=0)
    return splits


def _in_order(xs: list, splits: list[np.ndarray]) -> Tensor:
    """The product of a chain; not by recursion, since chains may be long."""
    chains = [(0, len(xs) - 1)]
    for i, j in chains:                         # which grows meanwhile
        if i < j:
            k = i + int(splits[j - i][i])
            chains += [(i, k), (k + 1, j)]
    products = {(i, i): x for i, x in enumerate(xs)}
    for i, j in reversed(chains):
        if i < j:
            k = i + int(splits[j - i][i])
            products[i, j] = matmul(products.pop((i, k)), products.pop((k + 1, j)))
    return products[0, len(xs) - 1]


MAX_POWERS = 10 ** 4       # in floats, others are 0, ±1 or infinite long before


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Powers …×N of each element: 1, x, x² … xᴺ⁻¹ (N by default as many as there are elements).

    Raises
    ------
    ArgumentError
        N is below 1, or above ten thousand.
    """
    x = counted(x if x.ndim else reshape(x, (1,)))
    count = x.shape[-1] if N is None else N
    if N is not None and not 1 <= N <= MAX_POWERS:
        raise ArgumentError(f"vander computes 1 … {MAX_POWERS} powers, not {N}")
    powers = [wrap(array_module(x._array).ones(x.shape, x.dtype))]
    for _ in range(1, count):
        powers.append(powers[-1] * x)
    return stack(powers, -1)
