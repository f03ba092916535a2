"""Probes of step 17."""

import numpy as np

from course.grading.probes import gradients as pulled
from course.grading.probes import leaf

__all__ = ["frozen", "pulled"]


def frozen(engine, x, w, b, upstream):
    """The gradients where only the filters ask for one."""
    x, w, b = engine.Tensor(x), leaf(engine, w), engine.Tensor(b)
    end = engine.conv2d(x, w, b)
    end.backward(np.array(upstream))
    return [tensor.grad for tensor in (x, w, b)]
