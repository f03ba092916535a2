"""Compare a device with the host on one sample of an operation, to second order."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.check.samples.base import Sample, inputs_of
from minigrad.core.primitive import Primitive
from minigrad.core.tensor import Tensor
from minigrad.creation import tensor
from minigrad.derivatives import grad

Values = list[np.ndarray | None]

# A result of 0, the sum of terms that cancel, has rounding errors of the size of these terms. So
# errors are relative to at least this fraction of the largest result.
SMALLEST = 1e-3


def to_second_order(operation: Primitive, sample: Sample, device: str, seed: int = 7) -> Values:
    """Copy the result of a sample, its gradients and their gradients to the host.

    Upstream gradients are random numbers that depend only on `seed`. The gradient of an operand
    that the result does not depend on is None.
    """
    inputs = inputs_of(operation, sample, device)
    leaves = [value for value in inputs if isinstance(value, Tensor) and value.requires_grad]
    rng = np.random.default_rng(seed)

    def random_like(like: Tensor) -> Tensor:
        return tensor(rng.standard_normal(like.shape), dtype=like.dtype, device=like.device,
                      requires_grad=True)

    out: Any = operation(*inputs)
    upstream = random_like(out)
    first = grad([out], leaves, [upstream], create_graph=True, allow_unused=True)
    flowing = [g for g in first if g is not None and g.requires_grad]
    second = grad(flowing, [*leaves, upstream], [random_like(g) for g in flowing],
                  allow_unused=True) if flowing else []
    return [None if value is None else value.numpy() for value in (out, *first, *second)]


def difference(values: Values, expected: Values) -> float:
    """The largest ‖a − b‖ / ‖b‖ over two lists of arrays; infinite if shapes or Nones differ.

    An array much smaller than the largest one counts as `SMALLEST` of it.
    """
    worst = 0.0
    largest = max((float(np.linalg.norm(known)) for known in expected if known is not None),
                  default=0.0)
    for value, known in zip(values, expected, strict=True):
        if value is None or known is None:
            if value is not known:
                return float("inf")
            continue
        if value.shape != known.shape:
            return float("inf")
        if value.size:
            size = max(float(np.linalg.norm(known)), SMALLEST * largest) or 1.0
            apart = float(np.linalg.norm(value - known) / size)
            worst = max(worst, apart if apart == apart else float("inf"))
    return worst
