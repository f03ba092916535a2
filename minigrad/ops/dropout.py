"""Dropout."""

from __future__ import annotations

import numpy as np

from minigrad import backend
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError
from minigrad.ops.arithmetic import where
from minigrad.random import generator


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """See :func:`minigrad.functional.dropout`."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout needs a probability p between 0 and 1, not {p!r}")
    if not training or p == 0:
        return x
    # Drawn on the host: a seed drops the same elements on every device.
    keep = generator().random(x.shape, dtype=np.float32) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    return where(wrap(backend.to_device(np.asarray(keep), x.device)), x * scale, 0.0)
