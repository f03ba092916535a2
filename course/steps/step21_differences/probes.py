"""Probes of step 21."""

from course.grading.probes import formula

__all__ = ["claimed", "compared", "kinks", "measured", "with_error"]


def with_error(engine, text, x, h):
    return engine.with_error(formula(text), x, h)


def measured(engine, text, x):
    return engine.measured(formula(text), x)


def kinks(engine, text, x, h):
    """Whether a function, in which `abs` and `max` may occur, has a kink."""
    return bool(engine.has_kink(formula(text), x, h))


def of_arrays(engine, names, text):
    return eval(f"lambda {names}: {text}", dict(vars(engine)))


def claimed(engine, names, text, arrays, directions, weights):
    return engine.claimed(of_arrays(engine, names, text), arrays, directions, weights)


def compared(engine, names, text, arrays, rng):
    """rng : a list of arrays, the random numbers that the engine draws, in this order."""
    class Drawn:
        def normal(self, size):
            return rng.pop(0).reshape(size)

    return engine.compared(of_arrays(engine, names, text), arrays, Drawn())
