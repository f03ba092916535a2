"""Right values at wrong places: transposed, reversed, shifted, permuted, overwritten."""

from __future__ import annotations

import itertools

import numpy as np

from minigrad.check.mistakes.evidence import Evidence, ratio, same
from minigrad.check.mistakes.kinds import Mistake


def swapped(e: Evidence, p: int) -> Mistake | None:
    """The gradient of another input."""
    claimed = e.claimed(p)
    for q, other in enumerate(e.function.point):
        if q == p or other.shape != claimed.shape:
            continue
        apart = not ((e.jacobian(p) != 0).any(axis=1) & (e.jacobian(q) != 0).any(axis=1)).any()
        if apart and e.elementwise(p):      # a choice between two inputs: see factors.masks
            continue
        if apart and _moved(e, p, q):
            return Mistake("pieces_swapped")
        if same(claimed, e.right(q)) and same(e.claimed(q), e.right(p)):
            return Mistake("gradients_swapped")
    return None


def _moved(e: Evidence, p: int, q: int) -> bool:
    """Whether p gets, up to a factor, the part of the upstream gradient that belongs to q."""
    k = ratio(e.claimed(p), e.right(q))
    return k is not None and same(e.claimed(p, e.v[1]), k * e.right(q, e.v[1]))


def transposed(e: Evidence, p: int) -> Mistake | None:
    """The result, or the upstream gradient, with its dimensions in another order."""
    claimed, right = e.claimed(p), e.right(p)
    for order in _orders(right.ndim):
        if same(claimed, right.transpose(order)):
            if len(e.shape) < right.ndim:
                return Mistake("wrong_axis")
            return Mistake("permutation_not_inverted") if _applies_again(e, p) and right.ndim > 2 \
                else Mistake("transposed")
        moved = right.transpose(order)
        if len(e.shape) == right.ndim and moved.shape != claimed.shape and same(
                claimed, moved.reshape(claimed.shape)):
            return Mistake("reshape_for_transpose", sure=_is_order(e, p))
    for order in _orders(len(e.shape)):
        v = e.upstream().transpose(order)
        if v.shape == e.shape and same(claimed, e.right(p, v.ravel())):
            return Mistake("wrong_axis" if right.ndim < len(e.shape) else "transposed",
                           sure=right.ndim < len(e.shape))
    return None


def _is_order(e: Evidence, p: int) -> bool:
    """Whether the function only reorders dimensions."""
    return sorted(e.shape) == sorted(e.function.point[p].shape)


def flattened(e: Evidence, p: int) -> Mistake | None:
    """Rows and columns confused: the same numbers, filled in by columns, or by rows."""
    claimed, right, v = e.claimed(p), e.right(p), e.upstream()
    same_rank = len(e.shape) == right.ndim
    if e.shape == right.shape:
        return None
    if right.ndim > 1 and same(claimed, right.ravel().reshape(right.shape, order="F")):
        return Mistake("memory_order")
    if v.size != right.size:
        return None
    k = ratio(claimed, v.reshape(right.shape))
    if k is not None and _is_permutation(e, p):
        columns = ratio(right, v.reshape(right.shape, order="F")) is not None
        if columns and not same_rank:
            return Mistake("memory_order")
        return Mistake("reshape_for_transpose", sure=same_rank)
    if ratio(claimed, v.reshape(right.shape, order="F")) is not None and right.ndim > 1:
        return Mistake("memory_order")
    return None


def permuted(e: Evidence, p: int) -> Mistake | None:
    """J·v instead of Jᵀ·v: the function itself is applied to the upstream gradient."""
    if e.m != e.function.point[p].size or not _applies_again(e, p):
        return None
    jacobian = e.jacobian(p)
    if _is_permutation(e, p):
        return Mistake("permutation_not_inverted")
    used = np.abs(jacobian) > 1e-9 * np.abs(jacobian).max()
    lower = not (used & ~np.kron(*_blocks(e, p))).any() if e.function.point[p].ndim else False
    return Mistake("order_not_reversed") if lower else Mistake("transpose_missing")


def _blocks(e: Evidence, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and lower triangle along the last dimension: the blocks of a scan's Jacobian."""
    last = e.function.point[p].shape[-1]
    rows = e.m // last
    return np.eye(rows, dtype=bool), np.tril(np.ones((last, last), bool))


def _applies_again(e: Evidence, p: int) -> bool:
    if e.m != e.function.point[p].size:
        return False
    return all(same(e.claimed(p, v).ravel(), e.jacobian(p) @ v) for v in e.v[:2])


def _is_permutation(e: Evidence, p: int) -> bool:
    """Whether the function only moves elements, up to a constant factor."""
    jacobian = np.abs(e.jacobian(p))
    used = jacobian > 1e-6 * jacobian.max(initial=1e-300)
    return bool(e.m == used.shape[1] and (used.sum(0) == 1).all() and (used.sum(1) == 1).all()
                and np.ptp(jacobian[used]) <= 1e-6 * jacobian.max())


def reversed_order(e: Evidence, p: int) -> Mistake | None:
    claimed, right = e.claimed(p), e.right(p)
    if right.ndim and right.size > 1 and same(claimed, np.flip(right)) and _is_kernel(e, p):
        return Mistake("kernel_flip")
    for dim in range(right.ndim):
        if right.shape[dim] > 1 and same(claimed, np.flip(right, dim)):
            return Mistake("kernel_flip" if _is_kernel(e, p) else "order_not_reversed")
    return None


def _is_kernel(e: Evidence, p: int) -> bool:
    """Whether the input slides over another one."""
    own = e.function.point[p]
    return any(q != p and other.ndim == own.ndim and other.size > own.size
               for q, other in enumerate(e.function.point))


def flipped_kernel(e: Evidence, p: int) -> Mistake | None:
    """Right if another, smaller input were flipped."""
    claimed = e.claimed(p)
    for q, other in enumerate(e.function.point):
        if q == p or other.size < 2 or not _is_kernel(e, q):
            continue
        if same(claimed, e.right(p, arrays=e.with_input(q, np.flip(other)))):
            return Mistake("kernel_flip")
    return None


def shifted(e: Evidence, p: int) -> Mistake | None:
    claimed, right = e.claimed(p), e.right(p)
    for dim in range(right.ndim):
        length = right.shape[dim]
        if length > 2:
            for by in (1, -1):
                if same(claimed, np.roll(right, by, dim)):
                    return Mistake("shifted_by_one")
        if length > 2 and length % 2 == 0 and same(claimed, np.roll(right, length // 2, dim)):
            return Mistake("pieces_swapped")
    for dim, length in enumerate(e.shape):
        for by in (1, -1) if length > 2 else ():
            if same(claimed, e.right(p, np.roll(e.upstream(), by, dim).ravel())):
                return Mistake("shifted_by_one")
    return None


def overwritten(e: Evidence, p: int) -> Mistake | None:
    """Of all outputs that an element contributes to, only the last or the first counts."""
    jacobian = e.jacobian(p)
    used = np.abs(jacobian) > 1e-9 * np.abs(jacobian).max(initial=1e-300)
    if not (used.sum(axis=0) > 1).any():
        return None
    last = used & (np.cumsum(used[::-1], axis=0)[::-1] == 1)
    for v in e.v[:2]:
        if not same(e.claimed(p, v).ravel(), v @ np.where(last, jacobian, 0)):
            return None
    return Mistake("duplicates_overwritten")


def packed(e: Evidence, p: int) -> Mistake | None:
    """The nonzero values side by side instead of a stride apart."""
    claimed, right = e.claimed(p).ravel(), e.right(p).ravel()
    at, should = np.flatnonzero(claimed), np.flatnonzero(right)
    if 1 < len(at) <= len(should) < len(right) and len(set(np.diff(should))) == 1 \
            and np.diff(should)[0] > 1 and (np.diff(at) == 1).all() \
            and same(claimed[at], right[should][:len(at)]):
        return Mistake("stride_ignored")
    return None


def at_an_edge(e: Evidence, p: int) -> Mistake | None:
    """All differing elements lie in one slice at an edge."""
    claimed, right = e.claimed(p), e.right(p)
    bad = np.abs(claimed - right) > 1e-6 * np.abs(right).max(initial=1e-300)
    if not bad.any() or bad.all() or bad.size < 3:
        return None
    for dim in range(bad.ndim):
        if bad.shape[dim] < 3:
            continue
        where = np.flatnonzero(bad.any(axis=tuple(d for d in range(bad.ndim) if d != dim)))
        if len(where) == 1 and where[0] in (0, bad.shape[dim] - 1):
            return Mistake("one_element_dropped", sure=not claimed[bad].any())
    return None


def _orders(ndim: int) -> list[tuple[int, ...]]:
    """All orders of two to four dimensions except the identity."""
    return list(itertools.permutations(range(ndim)))[1:] if 2 <= ndim <= 4 else []
