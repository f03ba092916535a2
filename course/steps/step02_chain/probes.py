"""Probes of step 2."""

import math


def _chain(engine, names):
    links = {"sine": (math.sin, math.cos)}
    return [links[name] if name in links else getattr(engine, name) for name in names]


def values_of(engine, names, x):
    return engine.values_along(_chain(engine, names), x)


def slope_of(engine, names, x):
    return engine.chain_slope(_chain(engine, names), x)


def inverse_slope_of(engine, x):
    return engine.inverse_slope(float(x))
