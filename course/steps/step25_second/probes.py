"""Probes of step 25."""

import numpy as np

from course.grading.probes import gradients as pulled
from course.grading.probes import leaf

__all__ = ["hessian", "pulled", "recorded", "recorded_later", "undone"]


def recorded(engine, text, x, switch):
    """The gradient of a formula, whether it requires one itself, and how much went into it."""
    x = leaf(engine, x)
    end = eval(text, dict(vars(engine)), {"x": x})
    found, = engine.gradients(end, [x], recorded=switch)
    return found.data, bool(found.requires_grad), len(found.inputs), bool(x.requires_grad)


def recorded_later(engine, text, x):
    """Whether a recorded pass is recorded if an ordinary one over the same record went before."""
    x = leaf(engine, x)
    end = eval(text, dict(vars(engine)), {"x": x})
    engine.gradients(end, [x])
    found, = engine.gradients(end, [x], recorded=True)
    return bool(found.requires_grad)


def undone(engine, g, shape, weights):
    """What `unbroadcast` makes of a Tensor, and the gradient of that, weighed."""
    g = leaf(engine, g)
    end = engine.unbroadcast(g, tuple(shape))
    if isinstance(end, engine.Tensor) and np.shape(end.data) == np.shape(weights):
        end.backward(weights)
    return end.data if isinstance(end, engine.Tensor) else end, g.grad


def hessian(engine, text, x, v):
    f = eval(f"lambda x: {text}", {**vars(engine), "np": np})
    return engine.hessian_times(f, x, v)
