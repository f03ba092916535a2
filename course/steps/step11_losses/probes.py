"""Probes of step 11."""

import numpy as np

from course.grading.probes import gradients as pulled
from course.grading.probes import leaf

__all__ = ["overflowing", "pulled"]


def overflowing(engine, x, backward):
    """Whether a power of e overflows in softplus, or in its rule."""
    end = engine.softplus(leaf(engine, x))
    try:
        with np.errstate(over="raise"):
            if backward:
                end.backward(np.ones(len(x)))
            else:
                engine.softplus(x)
    except FloatingPointError:
        return True
    return False
