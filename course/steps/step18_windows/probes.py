"""Probes of step 18."""

import numpy as np

from course.grading.probes import gradients as pulled
from course.grading.probes import leaf, line_of_rule, value_of

__all__ = ["kept_by", "line_of_rule", "passed", "pulled", "scattered", "value_of"]


def scattered(engine, g, x_shape, high, wide, padding):
    """What `put_windows` makes of g, and whether it left g as it was."""
    before = g.copy()
    result = engine.put_windows(g, tuple(x_shape), high, wide, padding)
    return result, bool((g == before).all())


def passed(engine, x, w, b):
    """A convolution forward and back: the gradients of pictures and filters."""
    x, w, b = leaf(engine, x), leaf(engine, w), leaf(engine, b)
    end = engine.conv2d(x, w, b, padding=1)
    end.backward(np.ones(np.shape(end.data)))
    return x.grad, w.grad


def kept_by(engine, x, w, b):
    """The result of a convolution of plain arrays."""
    return engine.conv2d(x, w, b).data
