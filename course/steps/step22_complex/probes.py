"""Probes of step 22."""

import numpy as np

from course.grading.probes import gradients as pulled

__all__ = ["absolutes", "best", "compared", "pulled", "slope", "tensor"]

NAMES = {key: getattr(np, key) for key in ("sin", "cos", "exp", "tanh", "real", "sqrt")}


def tensor(engine, data):
    """The data of a Tensor, and the name of their type."""
    made = engine.Tensor(data).data
    return made, str(made.dtype)


def absolutes(engine, x):
    return engine.absolute(engine.Tensor(x)).data, engine.absolute(x).data


def function(text):
    """A function of real and complex numbers."""
    return eval(f"lambda x: {text}", NAMES)


def slope(engine, text, x, h):
    return engine.complex_slope(function(text), x, h)


def best(engine, text, x, exact, measured):
    """What `best` makes of a function, its complex step, and a measured slope with its error."""
    own = engine.measured, engine.complex_slope
    engine.measured, engine.complex_slope = lambda f, x: tuple(measured), lambda f, x, *h: exact
    try:
        return engine.best(function(text), x)
    finally:
        engine.measured, engine.complex_slope = own


def compared(engine, text, x, rng):
    """rng : a list of arrays, the random numbers that the engine draws, in this order."""
    class Drawn:
        def normal(self, size):
            return rng.pop(0).reshape(size)

    return engine.compared(eval(f"lambda x: {text}", dict(vars(engine))), [x], Drawn())
