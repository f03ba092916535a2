"""Probes of step 11."""

import numpy as np

from course.grading.probes import changed_by, leaf, line_of_rule, value_of
from course.grading.probes import gradients as pulled

__all__ = ["changed_by", "line_of_rule", "overflowing", "pulled", "value_of"]


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
