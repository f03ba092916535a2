"""By the first student, from the page alone."""


def inverse_slope(x):
    """The slope of 1 / x."""
    return -1 / x**2


def values_along(chain, x):
    """Each value on the way: x, the first link of x, the second link of that, and so on."""
    values = [x]
    for value_of, _ in chain:
        values.append(value_of(values[-1]))
    return values


def chain_slope(chain, x):
    """The slope of a whole chain at x, from the slopes of its links."""
    values = values_along(chain, x)
    g = 1.0             # how fast the end grows with the last value: one for one
    for place in reversed(range(len(chain))):
        _, slope_of = chain[place]
        g = g * slope_of(values[place])
    return g
