"""Probes of step 6."""

import numpy as np

from course.grading.probes import gradients as pulled

__all__ = ["aliased", "passes", "pulled", "started", "unequal"]


def aliased(engine, x, y):
    """Gradients where one array is sent to two inputs, of which one gets more; the start after."""
    a, b = engine.Tensor(x), engine.Tensor(y)
    both = engine.add(a, b)
    end = engine.add(both, a)
    start = np.ones(np.shape(x))
    end.backward(start)
    return a.grad, b.grad, start


def passes(engine, x):
    """The gradient of a leaf after two passes, and what was its gradient after the first."""
    leaf = engine.Tensor(x)
    engine.multiply(leaf, 2.0).backward(np.ones(np.shape(x)))
    first = leaf.grad
    engine.multiply(leaf, 3.0).backward(np.ones(np.shape(x)))
    return leaf.grad, first


def started(engine, x):
    """The gradient where the end is a single number in an array."""
    leaf = engine.Tensor(x)
    engine.multiply(leaf, leaf).backward()
    return leaf.grad


def unequal(engine):
    """Whether two shapes that differ, and a missing start, are refused."""
    refused = []
    for job in (lambda: engine.add(engine.Tensor(np.ones(3)), engine.Tensor(np.ones(2))),
                lambda: engine.Tensor(np.ones(3)).backward()):
        try:
            job()
            refused.append(False)
        except ValueError:
            refused.append(True)
    return refused
