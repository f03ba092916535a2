"""Sums over the wrong elements: broadcasting, means, softmax, normalisation, matrices."""

from __future__ import annotations

import itertools

import numpy as np

from minigrad.check.mistakes.evidence import Evidence, same
from minigrad.check.mistakes.kinds import Mistake


def first_only(e: Evidence, p: int) -> Mistake | None:
    """Only the first index of a dimension counts, instead of the sum over it."""
    if e.function.point[p].size >= e.m:
        return None
    for dim, length in enumerate(e.shape):
        if length < 2:
            continue
        for kept in (0, length - 1):
            v = np.zeros(e.shape)
            index = (slice(None),) * dim + (kept,)
            v[index] = e.upstream()[index]
            if same(e.claimed(p), e.right(p, v.ravel())):
                return Mistake("broadcast_sum_missing")
    return None


def softmax(e: Evidence, p: int) -> Mistake | None:
    """The diagonal alone, or the weighted mean along another dimension."""
    if e.function.point[p].shape != e.shape or not e.shape:
        return None
    out, v, claimed, right = e.out, e.upstream(), e.claimed(p), e.right(p)
    if not e.elementwise(p):
        diagonal = np.diag(e.jacobian(p)).reshape(e.shape)
        if same(claimed, diagonal * v):
            return Mistake("softmax_diagonal_only", sure=_sums_to_one(out) or _sums_to_one(
                np.exp(np.minimum(out, 700))))
        if _sums_to_one(out) and same(claimed, out * v):
            return Mistake("softmax_diagonal_only")
    for dim in range(len(e.shape)):
        weighted = out * (v - (v * out).sum(dim, keepdims=True))
        if same(claimed, weighted) and _sums_to_one(out):
            return Mistake("wrong_axis")
        scans = [np.cumsum(v, dim), np.flip(np.cumsum(np.flip(v, dim), dim), dim)]
        if same(claimed, scans[0]) and same(right, scans[1]):
            return Mistake("order_not_reversed")
        others = [np.flip(np.cumsum(np.flip(v, d), d), d) for d in range(len(e.shape)) if d != dim]
        if same(claimed, scans[1]) and any(same(right, other) for other in others):
            return Mistake("wrong_axis")
    return None


def _sums_to_one(out: np.ndarray) -> bool:
    return any(np.allclose(out.sum(dim), 1, rtol=1e-9) for dim in range(out.ndim))


def missing_identity(e: Evidence, p: int) -> Mistake | None:
    """A residual connection: the gradient of x itself is missing, or is the only part."""
    if e.function.point[p].shape != e.shape or not e.shape:
        return None
    claimed, right, v = e.claimed(p), e.right(p), e.upstream()
    if same(right - claimed, v) and same(e.right(p, e.v[1]) - e.claimed(p, e.v[1]), e.upstream(1)):
        return Mistake("missing_path")
    moved = e.out - e.function.point[p]
    if same(claimed, v) and not _constant_along(moved, range(moved.ndim)) and not any(
            _constant_along(right - claimed, dims) for dims in _dims(right.ndim)):
        return Mistake("missing_path", sure=False)
    return None


def detached(e: Evidence, p: int) -> Mistake | None:
    """claimed − right is the same along some dimensions (a mean), or in proportion to the output
    along them (a scale)."""
    if e.function.point[p].shape != e.shape or not e.shape or e.elementwise(p):
        return None
    for kind, divisor in (("mean_detached", np.ones(e.shape)), ("variance_detached", e.out)):
        for dims in _dims(len(e.shape)):
            if not divisor.all() or np.prod([e.shape[d] for d in dims]) < 3:
                continue
            if all(_constant_along((e.claimed(p, v) - e.right(p, v)) / divisor, dims)
                   for v in e.v[:2]):
                return Mistake(kind)
    return None


def _dims(ndim: int) -> list[tuple[int, ...]]:
    return [dims for n in range(1, ndim + 1) for dims in itertools.combinations(range(ndim), n)]


def _constant_along(array: np.ndarray, dims: tuple[int, ...] | range) -> bool:
    mean = np.broadcast_to(array.mean(axis=tuple(dims), keepdims=True), array.shape)
    return bool(array.any()) and same(array, mean)


def target(e: Evidence, p: int) -> Mistake | None:
    """The part missing from the gradient of a loss does not depend on the input."""
    if e.m != 1:
        return None
    first = e.claimed(p) - e.right(p)
    elsewhere = e.with_input(p, 1.3 * e.function.point[p] + 0.1)
    second = e.claimed(p, arrays=elsewhere) - e.right(p, arrays=elsewhere)
    return Mistake("target_not_subtracted") if same(first, second) and not same(
        e.right(p), e.right(p, arrays=elsewhere)) else None


def transposition(e: Evidence, p: int) -> Mistake | None:
    """Right if a square input, or the upstream gradient, were transposed, or both were added."""
    claimed, right = e.claimed(p), e.right(p)
    for q, other in enumerate(e.function.point):
        if other.ndim != 2 or other.shape[0] != other.shape[1] or q == p:
            continue
        arrays = e.with_input(q, other.T)
        both = claimed + e.claimed(p, arrays=arrays)
        if same(both, right) or same(both, 2 * right):
            return Mistake("symmetric_part_missing")
        if same(claimed, e.right(p, arrays=arrays)):
            return Mistake("transpose_missing")
    if len(e.shape) == 2 and e.shape[0] == e.shape[1]:
        both = claimed + e.claimed(p, e.upstream().T.ravel())
        if (same(both, right) or same(both, 2 * right)) and not same(claimed, right):
            return Mistake("symmetric_part_missing")
    return None


def conjugate(e: Evidence, p: int) -> Mistake | None:
    """Right if the arguments, pairs of real and imaginary parts, were conjugated."""
    if any(array.shape[-1:] != (2,) for array in (*e.function.point, *e.outputs)):
        return None
    arrays = [array * np.array([1.0, -1.0]) for array in e.function.point]
    return Mistake("conjugate_missing") if all(
        same(e.claimed(p, v, arrays), e.right(p, v)) for v in e.v[:2]) else None
