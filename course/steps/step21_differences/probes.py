"""Probes of step 21."""

from course.grading.probes import formula

__all__ = ["claimed", "claimed_with", "compared", "kinks", "measured", "with_error"]


def with_error(engine, text, x, h):
    return engine.with_error(formula(text), x, h)


def measured(engine, text, x):
    return engine.measured(formula(text), x)


def kinks(engine, text, x, h):
    """Whether a function, in which `abs` and `max` may occur, has a kink."""
    found = engine.has_kink(formula(text), x, h)
    return None if found is None else bool(found)


def of_arrays(engine, names, text):
    return eval(f"lambda {names}: {text}", dict(vars(engine)))


def claimed(engine, names, text, arrays, directions, weights):
    return engine.claimed(of_arrays(engine, names, text), arrays, directions, weights)


def claimed_with(engine, factor, arrays, directions, weights):
    """What is claimed of tanh, with its rule times a factor."""
    own = engine.tanh.rules["x"]
    engine.tanh.rules["x"] = lambda g, out: factor * g * (1 - out * out)
    try:
        return engine.claimed(lambda x: engine.tanh(x), arrays, directions, weights)
    finally:
        engine.tanh.rules["x"] = own


def compared(engine, names, text, arrays, rng):
    """rng : a list of arrays, the random numbers that the engine draws, in this order."""
    class Drawn:
        def normal(self, size):
            return rng.pop(0).reshape(size)

    return engine.compared(of_arrays(engine, names, text), arrays, Drawn())
