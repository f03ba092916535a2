"""Dropout."""

from __future__ import annotations

import numpy as np

from minigrad import backend
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError
from minigrad.ops.arithmetic import where
from minigrad.printable import shown
from minigrad.random import generator


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """In training, set each element to 0 with probability `p` and divide the others by 1 − p.

    This keeps the expected value. Outside training the input is returned as it is. The random
    numbers are drawn on the host: after :func:`minigrad.manual_seed` the same elements are
    dropped on every device.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout" (2014), section 10.
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout needs a probability p between 0 and 1, not {shown(p)}")
    if not training or p == 0:
        return input
    # Drawn on the host: a seed drops the same elements on every device.
    keep = generator().random(input.shape, dtype=np.float32) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    return where(wrap(backend.to_device(np.asarray(keep), input.device)), input * scale, 0.0)
