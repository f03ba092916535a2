"""Mistakes in how a rule uses the upstream gradient, in which it must be linear."""

from __future__ import annotations

import numpy as np

from minigrad.check.mistakes.evidence import Evidence, same
from minigrad.check.mistakes.kinds import Mistake

_ROUNDING = 1e-3        # of float16; a rule that is not linear for other reasons exceeds it


def zero(e: Evidence, p: int) -> Mistake | None:
    if not any(e.claimed(p, v).any() for v in e.v):
        return Mistake("zero_gradient")
    return None


def not_linear(e: Evidence, p: int) -> Mistake | None:
    """The rule is homogeneous of degree 0 or 2, or for positive factors only."""
    one, two = e.claimed(p), e.claimed(p, 2 * e.v[0])
    if same(one, two) and same(one, e.claimed(p, -e.v[0])):
        return Mistake("upstream_ignored")
    if same(4 * one, two):
        return Mistake("upstream_twice")
    mixed = e.claimed(p, e.v[0] - 3 * e.v[1])
    apart = np.abs(mixed - one + 3 * e.claimed(p, e.v[1])).max(initial=0.0)
    if apart > _ROUNDING * np.abs(mixed).max(initial=0.0) and apart > 0:
        return Mistake("mask_of_upstream", sure=same(2 * one, two))
    return None


def digits(e: Evidence, p: int) -> Mistake | None:
    """Errors of both signs that are as small as the rounding of float16 or float32."""
    claimed, right = e.claimed(p), e.right(p)
    used = np.abs(right) > 1e-3 * np.abs(right).max(initial=0.0)
    error = claimed[used] / right[used] - 1
    size = np.abs(error).max(initial=0.0)
    rounds = 1e-10 < size < 2e-3
    if rounds and (size < 1e-6 or (error.min() < 0 < error.max())):
        return Mistake("low_precision", sure=size < 1e-6)
    return None


def epsilon(e: Evidence, p: int) -> Mistake | None:
    """All elements slightly too small or too large, by different amounts."""
    claimed, right = e.claimed(p), e.right(p)
    used = np.abs(right) > 1e-6 * np.abs(right).max(initial=0.0)
    factor = claimed[used] / right[used]
    if not factor.size or np.ptp(factor) < 1e-7:
        return None
    near = (np.abs(factor - 1) < 0.2).all()
    if near and (factor.min() > 1 - 1e-9 or factor.max() < 1 + 1e-9):
        return Mistake("epsilon_mismatch", sure=bool(np.abs(factor - 1).max() < 0.05))
    return None
