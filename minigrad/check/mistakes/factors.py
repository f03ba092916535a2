"""Constant factors, and mistakes in rules that work element by element."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minigrad.check.mistakes.evidence import Evidence, ratio, same
from minigrad.check.mistakes.kinds import Mistake


def constant(e: Evidence, p: int) -> Mistake | None:
    k = ratio(e.claimed(p), e.right(p))
    if k is None or not same(e.claimed(p, e.v[1]), k * e.right(p, e.v[1])):
        return None
    n = e.function.point[p].size
    if math.isclose(k, -1, rel_tol=1e-6):
        return Mistake("wrong_sign")
    if n < e.m and math.isclose(k, n / e.m, rel_tol=1e-6):
        return Mistake("broadcast_mean") if e.m != 2 * n else Mistake("factor_of_two", sure=False)
    batches = {length for array in e.function.point for length in (*array.shape[:1], array.size)}
    if e.m < max(array.size for array in e.function.point):
        for size in sorted(batches - {0, 1, 2}):
            if math.isclose(k, size, rel_tol=1e-6):
                return Mistake("batch_mean_forgotten", detail=f"{size}")
            if math.isclose(k, 1 / size, rel_tol=1e-6):
                return Mistake("batch_mean_twice", detail=f"{size}")
    if any(math.isclose(abs(k), two, rel_tol=1e-6) for two in (2, 0.5)):
        return Mistake("factor_of_two")
    return Mistake("constant_factor", sure=False, detail=f"{k:.6g}")


def powers(e: Evidence, p: int) -> Mistake | None:
    """claimed / right = c·xᵏ, of the input itself or of another one."""
    claimed, right = e.claimed(p), e.right(p)
    if not right.all() or not claimed.all():
        return None
    r = claimed / right
    for q, array in enumerate(e.function.point):
        try:
            x = np.broadcast_to(array, r.shape)
        except ValueError:
            continue
        if not x.all() or np.ptp(np.abs(x)) == 0:
            continue
        slope = np.polyfit(np.log(np.abs(x)).ravel(), np.log(np.abs(r)).ravel(), 1)[0]
        k = round(2 * float(slope)) / 2
        c = r * np.abs(x) ** -k if k % 1 else r * np.asarray(x) ** -int(k)
        if k == 0 or not same(c, np.full_like(c, c.flat[0])):
            continue
        return _power(e, p, q, k, float(c.flat[0]))
    return None


def _power(e: Evidence, p: int, q: int, k: float, c: float) -> Mistake | None:
    plain = math.isclose(c, 1, rel_tol=1e-6)
    if q != p:
        return Mistake("inverted_factor") if abs(k) == 2 and plain else None
    if abs(k) == 0.5:
        return Mistake("input_for_output", sure=False) if k < 0 else Mistake(
            "output_for_input", sure=False)
    if abs(k) == 2 and plain:
        return Mistake("inverted_factor", sure=False)
    if abs(k) == 1:
        return Mistake("wrong_exponent", sure=False) if plain else Mistake(
            "inner_derivative_missing", sure=False)
    return None


_FORMULAS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda z: 1 - z ** 2, lambda z: z * (1 - z), lambda z: z, lambda z: 1 / (2 * z),
    lambda z: z ** 2, lambda z: 1 + z ** 2, lambda z: -z ** 2, np.cos, np.sin, np.exp,
    lambda z: 1 / z, lambda z: 1 / (1 + z ** 2), lambda z: np.exp(-z))


def wrong_argument(e: Evidence, p: int) -> Mistake | None:
    """A formula h of the output is evaluated at the input, or the other way round."""
    if not e.elementwise(p):
        return None
    x, out, v = e.function.point[p], e.out, e.upstream()
    claimed, right = e.claimed(p), e.right(p)
    for h in _FORMULAS:
        if same(right, v * h(out)) and same(claimed, v * h(x)):
            return Mistake("input_for_output")
        if same(right, v * h(x)) and same(claimed, v * h(out)):
            return Mistake("output_for_input")
    elsewhere = e.right(p, arrays=e.with_input(p, out))
    return Mistake("output_for_input") if same(claimed, elsewhere) else None


def product_rule(e: Evidence, p: int) -> Mistake | None:
    """For x·u(x), the rule gives u alone, or the other term alone."""
    x = e.function.point[p]
    if not e.elementwise(p) or not x.all():
        return None
    first = e.upstream() * e.out / x
    claimed, right = e.claimed(p), e.right(p)
    if not same(right, first) and (same(claimed, first) or same(claimed, right - first)):
        return Mistake("product_rule_term_missing")
    return None


def inner_derivative(e: Evidence, p: int) -> Mistake | None:
    """right / claimed is the derivative of a common inner function."""
    claimed = e.claimed(p)
    if not e.elementwise(p) or not claimed.all():
        return None
    x = e.function.point[p]
    s = 1 / (1 + np.exp(-x))
    inner = e.right(p) / claimed
    known = (s * (1 - s), 1 - np.tanh(x) ** 2, np.cos(x), -np.sin(x), np.exp(x), -np.exp(-x),
             2 * x, 3 * x ** 2, -1 / x ** 2, 0.5 / np.sqrt(np.abs(x)) if x.all() else x)
    return Mistake("inner_derivative_missing") if any(
        ratio(inner, part) is not None for part in known) else None


def masks(e: Evidence, p: int) -> Mistake | None:
    """The gradient flows to the wrong elements: a mask is inverted, missing, or cuts a branch."""
    claimed, right = e.claimed(p), e.right(p)
    size = np.abs(right).max(initial=0.0)
    flows, should = np.abs(claimed) > 1e-9 * size, np.abs(right) > 1e-9 * size
    if flows.any() and should.any() and not should.all() and (flows == ~should).all():
        return Mistake("mask_wrong_side", sure=e.elementwise(p))
    if not should.all() and should.any() and flows[~should].all() and same(
            claimed[should], right[should]):
        return _everywhere(e, p)
    cut = should & ~flows
    if cut.any() and same(claimed[~cut], right[~cut]) and e.elementwise(p) and cut.sum() > 1:
        x = e.function.point[p]
        for key in (x, -x, np.abs(x), -np.abs(x)):
            if flows.any() and key[cut].max() < key[flows].min():
                return Mistake("one_branch_zero", sure=False)
    return None


def _everywhere(e: Evidence, p: int) -> Mistake:
    """A missing mask, or the gradient of a selection that goes to all elements."""
    return Mistake("spread_over_all") if selects(e, p) else Mistake("mask_missing")


def selects(e: Evidence, p: int) -> bool:
    """Whether each output is one of several elements of the input."""
    used = np.abs(e.jacobian(p)) > 1e-6
    return bool(used.shape[0] < used.shape[1] and (used.sum(axis=1) == 1).all())


def spread(e: Evidence, p: int) -> Mistake | None:
    """The selected element's gradient, or a share of it, at elements that are not selected."""
    if not selects(e, p):
        return None
    claimed, right = e.claimed(p), e.right(p)
    return Mistake("spread_over_all") if claimed.all() and not right.all() else None
