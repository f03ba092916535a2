"""Probes of step 23."""

import numpy as np

__all__ = ["constant_gap", "gap", "linear"]


class Drawn:
    """Returns the given whole numbers, array after array, and keeps what was asked for."""

    def __init__(self, arrays):
        self.arrays, self.shapes = list(arrays), []

    def integers(self, low, high, shape):
        array = self.arrays[len(self.shapes) % len(self.arrays)]
        self.shapes.append(list(shape))
        return np.broadcast_to(array, shape).copy()

    def __getattr__(self, name):
        raise AttributeError(f"rng.{name} is not asked for: draw whole numbers, by `whole`")


def function(engine, text):
    return eval(f"lambda x: {text}", dict(vars(engine)))


def linear(engine, text, shape, arrays):
    """What `is_linear` says of a formula, and the name of its type."""
    found = engine.is_linear(function(engine, text), tuple(shape), Drawn(arrays))
    return bool(found), type(found).__name__


def spoiled(engine, operation, factor, offset):
    """The operation's rule for x, made wrong: times a factor, plus what depends on the point."""
    if operation:
        operation = getattr(engine, operation)
        own = operation.rules["x"]

        def wrong(g, x, x_shape, dim, keepdim):
            return own(g, x_shape, dim, keepdim) * factor + offset * x

        operation.rules["x"] = wrong
        return operation, own
    return None


def constant_gap(engine, text, shape, number, operation, factor):
    """The gap where every number that is drawn is the same, and the shapes that were drawn."""
    rng = Drawn([np.array(number)])
    return gap(engine, text, shape, rng, operation, factor), rng.shapes


def gap(engine, text, shape, seed, operation="", factor=1.0, offset=0.0):
    """The gap of a formula; if an operation is named, with its rule spoiled."""
    rng = seed if isinstance(seed, Drawn) else np.random.default_rng(seed)
    changed = spoiled(engine, operation, factor, offset)
    try:
        return engine.adjoint_gap(function(engine, text), tuple(shape), rng)
    finally:
        if changed:
            changed[0].rules["x"] = changed[1]
