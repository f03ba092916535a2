"""Name the mistake in a wrong rule by the gradient that it would give.

Each test predicts, from measured Jacobians, the gradient that one kind of mistake would give, and
compares it with the claimed one to six digits, for random upstream gradients. The order of the
tests matters: the more specific ones come first.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from minigrad.check.mistakes import factors, places, sums, upstream
from minigrad.check.mistakes.evidence import Evidence
from minigrad.check.mistakes.kinds import Mistake
from minigrad.check.plain.differentiable import Differentiable
from minigrad.check.report import Failure

_TESTS: tuple[Callable[[Evidence, int], Mistake | None], ...] = (
    upstream.zero, upstream.not_linear, sums.conjugate, places.swapped, factors.constant,
    places.at_an_edge, factors.spread, places.packed, places.transposed, places.permuted,
    places.shifted, factors.masks, places.reversed_order, places.flattened,
    sums.softmax, sums.transposition, places.flipped_kernel, places.overwritten, sums.first_only,
    factors.product_rule, factors.wrong_argument, sums.missing_identity, sums.detached,
    upstream.digits, upstream.epsilon, factors.powers, factors.inner_derivative, sums.target)

_BY_FAILURE = {"shape": "broadcast_sum_missing", "random rule": "mask_redrawn",
               "accumulates": "gradient_accumulates", "stale": "stale_value"}


def name_mistake(function: Differentiable, failure: Failure, seed: int = 0) -> Mistake | None:
    """The most likely mistake behind a failed check, or None."""
    if failure.kind == "modified":
        return Mistake("upstream_changed" if "upstream" in failure.text[0] else "input_changed")
    if failure.kind == "layout":
        return Mistake("upstream_layout" if "upstream" in failure.text[0] else "input_layout")
    if failure.kind in _BY_FAILURE:
        return Mistake(_BY_FAILURE[failure.kind], sure=failure.kind != "shape")
    if failure.kind != "wrong":
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _by_numbers(function, np.random.default_rng(seed))


def _by_numbers(function: Differentiable, rng: np.random.Generator) -> Mistake | None:
    evidence = Evidence(function, rng)
    if not evidence.small:
        return None
    if not evidence.wrong:      # the error is less than a millionth
        return Mistake("low_precision", sure=False)
    for test in _TESTS:
        for place in evidence.wrong:
            mistake = test(evidence, place)
            if mistake is not None:
                return mistake
    return None
