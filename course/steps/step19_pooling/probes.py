"""Probes of step 19."""

import numpy as np

from course.grading.probes import gradients as pulled

__all__ = ["corners", "kept", "leaves_g", "pulled"]


def corners(engine, x, size):
    """The slices of a picture, and whether they are Tensors."""
    found = engine.corners(engine.Tensor(x), size)
    return [np.asarray(getattr(part, "data", part)) for part in found], all(
        isinstance(part, engine.Tensor) for part in found)


def kept(engine, x):
    """The names of what a relu keeps for its rule."""
    return list(engine.relu(engine.Tensor(x, requires_grad=True)).kept)


def leaves_g(engine, x):
    """Whether the g of a backward pass is the same afterwards."""
    g = np.linspace(1, 2, x.size).reshape(x.shape)
    before = g.copy()
    engine.relu(engine.Tensor(x, requires_grad=True)).backward(g)
    return bool((g == before).all())
