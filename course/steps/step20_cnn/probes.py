"""Probes of step 20."""

import numpy as np

from course.grading.probes import gradients as pulled

__all__ = ["beginning", "layer", "network", "pulled"]


def beginning(engine, channels, filters, size, seed, options):
    """w and b of a new layer, whether they require a gradient, and which are parameters."""
    made = engine.Conv2d(channels, filters, size, np.random.default_rng(seed), **options)
    listed = list(made.parameters)
    return (made.w.data, made.b.data, [bool(made.w.requires_grad), bool(made.b.requires_grad)],
            ["w" if one is made.w else "b" if one is made.b else "" for one in listed])


def layer(engine, x, w, b, g):
    """The result of a layer with these weights, and all gradients."""
    filters, channels, size, _ = w.shape
    made = engine.Conv2d(channels, filters, size, np.random.default_rng(0))
    made.w.data, made.b.data = w, b
    leaf = engine.Tensor(x, requires_grad=True)
    end = made(leaf)
    if end.shape == g.shape:
        end.backward(g)
    return end.data, leaf.grad, made.w.grad, made.b.grad


def network(engine, x, labels, seed):
    """The losses of a small network on few pictures."""
    rng = np.random.default_rng(seed)
    places = x.shape[2] * x.shape[3] // 4
    made = engine.Sequential(engine.Conv2d(1, 4, 3, rng), engine.relu, engine.max_pool2d,
                             engine.flatten, engine.Linear(4 * places, 2, rng))
    optimizer = engine.Adam(made.parameters, lr=0.05)
    return len(made.parameters), engine.train(made, optimizer, x, labels, 15, len(x), rng)
