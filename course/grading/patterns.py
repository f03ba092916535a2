"""How a wrong value differs from the right one, if that is simple: "it is transposed"."""

from __future__ import annotations

from typing import Any

import numpy as np


def pattern(found: Any, right: Any, rtol: float = 1e-9) -> str:
    """A sentence about two numeric values that differ; empty if no simple one is true."""
    try:
        one, two = np.asarray(found, np.float64), np.asarray(right, np.float64)
    except (TypeError, ValueError):
        return ""
    if one.shape != two.shape:
        return _of_shapes(one, two, rtol)
    if not two.size or not np.isfinite(one).all():
        return ""
    return _of_factor(one, two, rtol) or _of_places(one, two, rtol)


def _same(one: Any, two: Any, rtol: float) -> bool:
    return np.shape(one) == np.shape(two) and bool(np.allclose(one, two, rtol, 1e-12))


def _of_shapes(one: np.ndarray, two: np.ndarray, rtol: float) -> str:
    """The same of values that differ in shape."""
    if _same(np.squeeze(one), np.squeeze(two), rtol):
        return "the numbers are right, with " + (
            "a dimension of length 1 too many" if one.ndim > two.ndim else
            "a dimension of length 1 lost")
    if two.ndim > 1 and _same(one.T, two, rtol):
        return "it is transposed"
    if one.size == two.size and _same(np.sort(one.ravel()), np.sort(two.ravel()), rtol):
        return "the numbers are right, in another shape or order"
    if one.ndim < two.ndim:
        for dim in [None, *range(two.ndim)]:
            along = "" if dim is None else f" along dimension {dim}"
            if two.size > 1 and _same(one, two.sum(axis=dim), rtol):
                return f"this is the sum of the right numbers{along}"
            if two.size > 1 and _same(one, two.mean(axis=dim), rtol):
                return f"this is the mean of the right numbers{along}"
    return ""


def _of_factor(one: np.ndarray, two: np.ndarray, rtol: float) -> str:
    if not one.any():
        return "it is 0 everywhere" if two.size > 1 else ""
    if _same(one, -two, rtol):
        return "the sign is flipped"
    if (two == np.round(two)).all():        # of whole numbers, anything is a multiple
        return ""
    for times in range(2, 65):
        if _same(one, times * two, rtol):
            return f"it is {times} times what it should be"
        if _same(times * one, two, rtol):
            return f"it is what it should be, divided by {times}"
    if two.size > 2 and _same(one - two, np.full(two.shape, (one - two).mean()), 1e-6):
        return f"it is off by the same number everywhere, {(one - two).mean():.6g}"
    return ""


def _of_places(one: np.ndarray, two: np.ndarray, rtol: float) -> str:
    if two.size < 3:
        return ""
    if two.ndim == 2 and _same(one.T, two, rtol):
        return "it is transposed"
    for dim in range(two.ndim):
        along = f" along dimension {dim}" if two.ndim > 1 else ""
        if _same(np.flip(one, dim), two, rtol):
            return f"it is in reverse order{along}"
        for by in (1, -1):
            if _same(np.roll(two, by, dim), one, rtol):
                return f"everything is one place too {'late' if by > 0 else 'early'}{along}"
    if _same(np.sort(one.ravel()), np.sort(two.ravel()), rtol):
        return "the numbers are right, in another order"
    return ""
