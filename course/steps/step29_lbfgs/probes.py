"""Probes of step 29."""

import numpy as np

__all__ = ["descent", "direction", "kept"]


def direction(engine, g, pairs):
    given = [(s.copy(), y.copy()) for s, y in pairs]
    before = g.copy()
    found = engine.direction(g, given)
    same = bool((g == before).all()) and all(
        (one == two).all() for pair, old in zip(given, pairs) for one, two in zip(pair, old))
    return found, same


FUNCTIONS = {
    "bowl": lambda x, k: (0.5 * (k * x * x).sum(), k * x),
    "valley": lambda x, k: ((k * np.log(np.cosh(x))).sum(), k * np.tanh(x)),
    "waves": lambda x, k: ((0.02 * x * x + np.cos(k * x)).sum(), 0.04 * x - k * np.sin(k * x)),
    "wall": lambda x, k: ((np.exp(k * x) - x).sum(), k * np.exp(k * x) - 1),
    "liar": lambda x, k: (1.0, k),
    "slow": lambda x, k: (1 + 1e-4 * (k @ x), k * (1 - np.tanh(k @ x) / 2)),
    "plane": lambda x, k: (k @ x, k),
    "stairs": lambda x, k: ((0.9 * np.sin(x) - k * x).sum(), 0.9 * np.cos(x) - k),
}


def descent(engine, name, k, x, steps, memory):
    """Where the reader's method ends, and at which points it asked for a value."""
    asked = []

    def f(x):
        asked.append(np.array(x))
        value, gradient = FUNCTIONS[name](x, k)
        return float(value), gradient

    return engine.lbfgs(f, x, steps, memory), asked


def kept(engine, name, k, x, steps, memory):
    """The pairs that each call of `direction` was given; that function is replaced by −g."""
    given, own = [], engine.direction

    def plain(g, pairs):
        given.append([[s.copy(), y.copy()] for s, y in pairs])
        return -g

    engine.direction = plain
    try:
        end, asked = descent(engine, name, k, x, steps, memory)
    finally:
        engine.direction = own
    return given, end, asked
