"""Invariants of a function and its vjp on plain arrays, besides right values.

Values mean nothing if one of these is violated, so they come first. Every failure is one sentence.
"""

from __future__ import annotations

import numpy as np

from minigrad.check.plain.arguments import said
from minigrad.check.plain.differentiable import (
    Arrays,
    Differentiable,
    flat,
    random_signed,
    split,
)
from minigrad.check.report import Failure
from minigrad.errors import ArgumentError, MinigradError

_SAME = 1e-11       # relative; only the order of sums may differ


def check_calls(function: Differentiable, rng: np.random.Generator) -> Failure | None:
    """Return the first violated invariant, or None."""
    for label, array in zip(function.labels, function.point):
        if not np.isfinite(array).all():
            return Failure("undefined", [f"{label} holds NaN or infinity, around which nothing can "
                                         f"be measured; choose finite numbers"])
    arrays = [array.copy() for array in function.point]
    try:
        outputs = function.forward(arrays)
    except MinigradError:
        raise
    except Exception as error:      # of the user's code
        raise ArgumentError(f"{function.name} cannot be checked, because it raises "
                            f"{said(error)}") from error
    values = flat(outputs)
    if not np.isfinite(values).all():
        return Failure("undefined", ["the function itself gives NaN or infinity at these inputs; "
                                     "choose others"])
    for label, array, original in zip(function.labels, arrays, function.point):
        if not np.array_equal(array, original):
            return Failure("modified", [f"{label} was changed by the function, which may not write "
                                        f"to what it was given"])
    again = function.values([array.copy() for array in function.point])
    if not close(again, values):
        return Failure("random", ["two calls with the same inputs gave different results, by up "
                                  f"to {gap(again, values)}; fix the seed inside the function"])
    return _check_vjp(function, outputs, random_signed(rng, values.size))


def _check_vjp(function: Differentiable, outputs: Arrays, v: np.ndarray) -> Failure | None:
    arrays, upstream = [array.copy() for array in function.point], split(v, outputs)
    try:
        gradients = function.vjp(arrays, upstream)
    except MinigradError:
        raise
    except Exception as error:      # of the user's code, or of the framework that rejects it
        return Failure("raised", [f"the rule raises {said(error)}"])
    failure = check_gradients(function, gradients)
    if failure is not None:
        return failure
    copies = [np.array(gradient, np.float64) for gradient in gradients]
    for label, array, original in zip(function.labels, arrays, function.point):
        if not np.array_equal(array, original):
            return Failure("modified", [f"{label} was changed by the rule, which may not write to "
                                        f"what it was given"])
    if not np.array_equal(flat(upstream), flat(split(v, outputs))):
        return Failure("modified", ["the rule wrote to the upstream gradient; it may be shared "
                                    "with other rules"])
    return _check_repeats(function, outputs, v, copies)


def _check_repeats(function: Differentiable, outputs: Arrays, v: np.ndarray, first: Arrays
                   ) -> Failure | None:
    """Check that the rule repeats its result, also after the function was called elsewhere."""
    def call() -> Arrays:
        gradients = function.vjp([array.copy() for array in function.point], split(v, outputs))
        return [np.array(gradient, np.float64) for gradient in gradients]

    again = call()
    for place, (label, one, two) in enumerate(zip(function.labels, again, first)):
        if not close(one, two):
            third = call()[place]
            if close(third - one, one - two) and not close(one - two, 0 * two):
                return Failure("accumulates", [
                    f"every call of the rule adds to the gradient of {label}: a buffer is kept "
                    f"between calls and not cleared"])
            return Failure("random rule", [
                f"two calls of the rule gave different gradients for {label}, by up to "
                f"{gap(one, two)}; it is random, or keeps something between calls"])
    try:
        function.forward([np.array(array * 1.25) for array in function.point])
    except Exception:       # outside the domain of the function
        return None
    for label, one, two in zip(function.labels, call(), first):
        if not close(one, two):
            return Failure("stale", [
                f"the gradient of {label} changes when the function is called with other inputs in "
                f"between, by up to {gap(one, two)}: the rule uses what another call saved; a vjp "
                f"of a layer that saves its input has to call forward first"])
    return None


def check_gradients(function: Differentiable, gradients: Arrays) -> Failure | None:
    """Check that there is a gradient for each input: an array of its shape, and finite."""
    if len(gradients) != len(function.point):
        return Failure("shape", [f"the rule returned {len(gradients)} gradients for "
                                 f"{len(function.point)} input(s)"])
    for label, gradient, array in zip(function.labels, gradients, function.point):
        if gradient is None:
            return Failure("none", [f"the gradient of {label} is None; return an array of zeros "
                                    f"if the result does not depend on it"])
        given = np.asarray(gradient)
        if given.dtype.kind not in "fiub":
            return Failure("shape", [f"the gradient of {label} is not an array of real numbers but "
                                     f"{type(gradient).__name__} ({given.dtype})"])
        if given.shape != array.shape:
            return Failure("shape", [f"the gradient of {label} has the shape {given.shape}, but "
                                     f"{label} has {array.shape}"])
        if not np.isfinite(given).all():
            return Failure("not finite", [f"the gradient of {label} is NaN or infinite in "
                                          f"{int((~np.isfinite(given)).sum())} of {given.size} "
                                          f"elements, but the function is finite"])
    return None


def close(one: np.ndarray, two: np.ndarray, size: float = 0.0) -> bool:
    """Whether the order of summation can explain the difference of two arrays.

    Parameters
    ----------
    size : of the numbers that were summed, if known to exceed that of the sums.
    """
    if one.shape != two.shape:
        return False
    size = np.abs(two[np.isfinite(two)]).max(initial=size if np.isfinite(size) else 0.0)
    return bool(np.allclose(one, two, rtol=0, atol=_SAME * size, equal_nan=True))


def gap(one: np.ndarray, two: np.ndarray) -> str:
    """The largest difference of two arrays, for a sentence."""
    return f"{np.abs(one - two).max():.3g}" if one.shape == two.shape \
        else f"shapes {one.shape} and {two.shape}"
