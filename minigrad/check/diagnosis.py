"""Diagnose a wrong gradient: which mistake explains both sets of numbers?

The result is a hint, not a proof. A pattern is named only if it explains every measured element to
one part in 10⁴.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

_MATCH = 1e-4


def diagnose(claimed: np.ndarray, indices: np.ndarray, measured: np.ndarray,
             with_upstream: Callable[[tuple], np.ndarray] | None = None, ndim: int = 0,
             terms: Mapping[str, np.ndarray] | None = None) -> str:
    """Name the most likely mistake in one phrase.

    Parameters
    ----------
    claimed : array, gradient of one input by the rule, of the input's shape.
    indices : array of int, flat positions of the measured elements.
    measured : array, their finite differences.
    with_upstream : computes the claimed gradient for the same upstream gradient with its
        dimensions in another order (and its shape unchanged).
    ndim : number of dimensions of that upstream gradient.
    terms : expressions, of the input's shape, that the rule may lack.
    """
    values = claimed.reshape(-1)[indices]
    if not np.isfinite(values).all():
        return "the gradient is not finite"
    if not values.any():
        return "the gradient is zero everywhere: a term is missing, or a detach() cuts it off"
    if not measured.any():
        return "the true gradient is zero everywhere: the output does not depend on this input"
    factor = float(values @ measured / (measured @ measured))
    if _matches(values, factor * measured):
        return _describe_factor(factor)
    reordered = _describe_order(claimed, indices, measured)
    if reordered:
        return reordered
    for order in _orders(ndim):
        if with_upstream is not None and _matches(
                with_upstream(order).reshape(-1)[indices], measured):
            return f"transposed: with g's dimensions in the order {order} it would be right"
    missing = _describe_terms(measured - values, claimed.shape, indices, terms or {})
    if missing:
        return missing
    wrong = ~np.isclose(values, measured, rtol=_MATCH, atol=_MATCH * np.abs(measured).max())
    if wrong.sum() <= max(1, len(indices) // 4):
        return f"right in all but {wrong.sum()} of the {len(indices)} elements examined"
    if _matches(values - measured, np.full(len(values), np.mean(values - measured))):
        return f"off by the same amount everywhere, {np.mean(values - measured):.6g}"
    return "no simple pattern: perhaps a term is missing, or an axis is wrong"


def possible_terms(x: np.ndarray, g: np.ndarray, out: np.ndarray) -> dict[str, np.ndarray]:
    """Products that occur in many derivatives, if their shapes fit the input's."""
    if x.shape != out.shape:
        return {}
    return {"g": g, "g·x": g * x, "g·out": g * out, "g·x²": g * x * x, "g·out²": g * out * out,
            "g·x·out": g * x * out, "out": out, "x": x}


def _describe_terms(missing: np.ndarray, shape: tuple[int, ...], indices: np.ndarray,
                    terms: Mapping[str, np.ndarray]) -> str:
    """Describe a missing term as a known one times a factor, which may vary along dimensions."""
    if len(indices) < 3:
        return ""
    for name, term in terms.items():
        values = term.reshape(-1)[indices]
        factor = float(values @ missing / (values @ values))
        if _matches(missing, factor * values):
            return f"a term is missing: {factor:+.6g}·{name}"
    if len(indices) < math.prod(shape):
        return ""
    for name, term in {"1": np.ones(shape), **terms}.items():
        ratio = missing.reshape(shape) / np.where(term == 0, np.nan, term)
        for dim in range(len(shape)):
            if shape[dim] > 1 and _matches(ratio, np.broadcast_to(
                    ratio.mean(dim, keepdims=True), shape)) and ratio.size > shape[dim]:
                return (f"a term is missing: {name} times something that is the same along "
                        f"dimension {dim}, such as a sum over it")
    return ""


def _matches(one: np.ndarray, two: np.ndarray) -> bool:
    return bool(np.abs(one - two).max() <= _MATCH * max(np.abs(one).max(), np.abs(two).max()))


def _describe_factor(factor: float) -> str:
    if math.isclose(factor, -1, rel_tol=_MATCH):
        return "the sign is flipped"
    if math.isclose(factor, 1, rel_tol=_MATCH):
        return "nearly right: the error is under one part in 10⁴"
    simple = Fraction(factor).limit_denominator(64)
    named = f" = {simple}" if math.isclose(factor, simple, rel_tol=_MATCH) and (
        simple.denominator > 1) else ""
    return f"off by the constant factor {factor:.6g}{named}"


def _describe_order(claimed: np.ndarray, indices: np.ndarray, measured: np.ndarray) -> str:
    """Describe right values in wrong positions."""
    for order in _orders(claimed.ndim):
        if _matches(claimed.transpose(order).reshape(-1)[indices], measured):
            return f"transposed: with its dimensions in the order {order} it would be right"
    for dim in range(claimed.ndim):
        if claimed.shape[dim] > 1 and _matches(np.flip(claimed, dim).reshape(-1)[indices],
                                               measured):
            return f"reversed along dimension {dim}"
    return ""


def _orders(ndim: int) -> list[tuple[int, ...]]:
    """All orders of two to four dimensions except the identity."""
    return list(itertools.permutations(range(ndim)))[1:] if 2 <= ndim <= 4 else []
