"""Invariants of a function and its rules, besides correct values.

Each guard checks one invariant and returns a `Failure` or None:

    a gradient has the shape of its input
    results repeat: two calls agree, and so do two backward passes over one graph
    inputs and upstream gradients are not written to
    no returned gradient shares memory with another gradient or an input
    results do not depend on the memory layout of the inputs
    gradients do not depend on the memory layout of the upstream gradient
    a gradient is the same whether it is requested alone or with all others
    a gradient is the same whether or not it is recorded for second derivatives
"""

from __future__ import annotations

import itertools

import numpy as np

from minigrad import backend
from minigrad.check.plain.invariants import close, gap
from minigrad.check.plain.layouts import LAYOUTS, broadcast, rearranged, row_major
from minigrad.check.problem import Layout, Problem, flat
from minigrad.check.report import Failure
from minigrad.core.tensor import Tensor


def check_invariants(problem: Problem, upstream: np.ndarray, order: int) -> Failure | None:
    """Return the first violated invariant, or None.

    Parameters
    ----------
    upstream : array of m numbers, a random upstream gradient for all outputs.
    order : 1, or 2 when the problem is itself a gradient.
    """
    leaves, outputs = problem.call(problem.point)
    first = flat([output._array for output in outputs])
    parts = problem.split(upstream, outputs)
    gradients = problem.gradients_of_parts(leaves, outputs, parts)
    return (_shapes(problem, gradients)
            or _modified(problem, leaves, parts, upstream)
            or _random(problem, first, leaves, outputs, upstream, gradients)
            or _shared(problem, leaves, outputs, upstream)
            or _layout(problem, first, upstream, gradients)
            or _upstream_layout(problem, leaves, outputs, upstream, gradients)
            or (_alone(problem, upstream, gradients) if order == 1 else None))


def _shapes(problem: Problem, gradients: list[np.ndarray]) -> Failure | None:
    for label, gradient, array in zip(problem.labels, gradients, problem.point):
        if gradient.shape != array.shape:
            return Failure("shape", [f"the gradient of {label} has the shape {gradient.shape}, but "
                                     f"{label} has {array.shape}"])
    return None


def _modified(problem: Problem, leaves: list[Tensor], parts: list, upstream: np.ndarray
              ) -> Failure | None:
    for label, leaf, array in zip(problem.labels, leaves, problem.point):
        if not np.array_equal(flat([leaf._array]), array.ravel(), equal_nan=True):
            return Failure("modified", [f"{label} was changed by the function or its derivative; "
                                        f"neither may write to what it was given"])
    if not np.allclose(flat(parts), upstream, rtol=1e-6, atol=0):     # (parts may be float32)
        return Failure("modified", ["a derivative rule wrote to the upstream gradient g; it may "
                                    "be shared with other rules"])
    return None


def _random(problem: Problem, first: np.ndarray, leaves: list[Tensor], outputs: list[Tensor],
            upstream: np.ndarray, gradients: list[np.ndarray]) -> Failure | None:
    again = flat([output._array for output in problem.call(problem.point)[1]])
    if not close(again, first):
        return Failure("random", ["two calls with the same inputs gave different results, by up "
                                  f"to {gap(again, first)}; fix the seed inside the function"])
    for label, one, two in zip(problem.labels, gradients,
                               problem.gradients(leaves, outputs, upstream)):
        if not close(one, two):
            return Failure("random", [
                f"two backward passes over the same graph gave different gradients for {label}, "
                f"by up to {gap(one, two)}; a rule is random, or writes to an array it was given"])
    if not np.array_equal(flat([output._array for output in outputs]), first, equal_nan=True):
        return Failure("modified", ["the backward pass changed the result of the function; a rule "
                                    "writes to the array that it gets as out"])
    return None


def _shared(problem: Problem, leaves: list[Tensor], outputs: list[Tensor], upstream: np.ndarray
            ) -> Failure | None:
    """Check `.grad` after `backward()`: users may change it in place."""
    flowing = [(output, g) for output, g in zip(outputs, problem.split(upstream, outputs))
               if output.requires_grad]
    for output, g in flowing:
        output.backward(g, retain_graph=True)
    gradients = [(label, leaf.grad._array) for label, leaf in zip(problem.labels, leaves)
             if leaf.grad is not None]
    others = [(label, leaf._array) for label, leaf in zip(problem.labels, leaves)]
    others += [("the upstream gradient", g) for _, g in flowing]
    pairs = itertools.chain(itertools.combinations(gradients, 2),
                            itertools.product(gradients, others))
    for (label, one), (other, two) in pairs:
        if type(one) is type(two) is np.ndarray and np.may_share_memory(one, two):
            return Failure("shared", [f"the gradient of {label} shares memory with that of {other} "
                                      f"or with its value: changing one would change the other"])
    return None


def _layout(problem: Problem, first: np.ndarray, upstream: np.ndarray,
            gradients: list[np.ndarray]) -> Failure | None:
    """Check inputs in every memory layout."""
    if all(array.ndim == 0 or array.size == 0 for array in problem.point):
        return None
    size = _size(upstream, *gradients)
    for name, layout in LAYOUTS.items():
        def arranged(array: np.ndarray, layout: Layout = layout) -> np.ndarray:
            return layout(array) if array.ndim and array.size else array.copy()

        what = f"inputs that are {name}"
        try:
            leaves, outputs = problem.call(problem.point, layout=arranged)
            values = flat([output._array for output in outputs])
            found = problem.gradients(leaves, outputs, upstream)
        except ValueError as error:
            return Failure("layout", [f"{what} raise {type(error).__name__}: {error}"])
        if not close(values, first, size):
            return Failure("layout", [f"{what} give a different result, by up to "
                                      f"{gap(values, first)}"])
        for label, one, two in zip(problem.labels, gradients, found):
            if not close(one, two, size):
                return Failure("layout", [f"{what} give a different gradient for {label}, by up to "
                                          f"{gap(one, two)}"])
    return None


def _size(*arrays: np.ndarray) -> float:
    """The largest value; where such terms cancel to 0, results differ by their rounding."""
    return max(float(np.abs(array).max(initial=0.0)) for array in arrays)


def _upstream_layout(problem: Problem, leaves: list[Tensor], outputs: list[Tensor],
                     upstream: np.ndarray, usual: list[np.ndarray]) -> Failure | None:
    """Compare upstream gradients in every memory layout with the same values row by row."""
    parts = [backend.to_device(part, "cpu") for part in problem.split(upstream, outputs)]
    for number, part in enumerate(parts):
        for name, given in (*rearranged(part), *broadcast(part)):
            failure = _same_as_row_major(problem, leaves, outputs, parts, number, name, given,
                                         usual)
            if failure is not None:
                return failure
    return None


def _same_as_row_major(problem: Problem, leaves: list[Tensor], outputs: list[Tensor], parts: list,
                       number: int, name: str, given: np.ndarray, usual: list[np.ndarray]
                       ) -> Failure | None:
    what = f"an upstream gradient that is {name}"
    results = []
    before = row_major(given)
    try:
        for part in (before, given):
            arranged = [part if i == number else other for i, other in enumerate(parts)]
            flowing = [backend.to_device(array, output.device)
                       for array, output in zip(arranged, outputs)]
            results.append(problem.gradients_of_parts(leaves, outputs, flowing))
    except ValueError as error:
        return Failure("layout", [f"{what} raises {type(error).__name__}: {error}"])
    if not np.array_equal(given, before):
        return Failure("modified", [f"a derivative rule wrote to {what}"])
    size = _size(*parts, *usual)
    for label, one, two in zip(problem.labels, *results):
        if not close(two, one, size):
            return Failure("layout", [f"{what} gives a different gradient for {label}, by up to "
                                      f"{gap(two, one)}: a rule reads memory, not elements"])
    return None


def _alone(problem: Problem, upstream: np.ndarray, gradients: list[np.ndarray]) -> Failure | None:
    if len(problem.checked) == 1:
        return None
    for place, label in enumerate(problem.labels):
        leaves, outputs = problem.call(problem.point, only=place)
        gradient = problem.gradients(leaves, outputs, upstream)[0]
        if not close(gradient, gradients[place]):
            return Failure("alone", [
                f"the gradient of {label} is different when no other input requires a gradient, "
                f"by up to {gap(gradient, gradients[place])}"])
    return None


def check_recorded(plain: list[np.ndarray], recorded: list[np.ndarray], labels: list[str]
                   ) -> Failure | None:
    """Compare rules applied to arrays with rules applied to Tensors (for second derivatives)."""
    for label, one, two in zip(labels, plain, recorded):
        if not close(one, two):
            return Failure("recorded", [
                f"the gradient of {label} is different when it is recorded with create_graph, "
                f"by up to {gap(one, two)}"])
    return None
