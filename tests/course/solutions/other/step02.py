"""The slope of 1/x from its value; `itertools.accumulate` walks the chain, `math.prod`
multiplies all slopes at once."""

import itertools


def inverse_slope(x):
    """The slope of 1 / x."""
    return -inverse_value(x) ** 2


def values_along(chain, x):
    """Each value on the way: x, the first link of x, the second link of that, and so on."""
    return list(itertools.accumulate(chain, lambda value, link: link[0](value), initial=x))


def chain_slope(chain, x):
    """The slope of a whole chain at x, from the slopes of its links."""
    slopes = (slope_of(value) for value, (_, slope_of) in zip(values_along(chain, x), chain))
    return math.prod(slopes, start=1.0)
