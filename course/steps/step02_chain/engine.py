import math

# A link of a chain: a function of one number, and the function that gives its slope.
square = (lambda x: x * x, lambda x: 2 * x)
halve = (lambda x: x / 2, lambda x: 0.5)
exponential = (math.exp, math.exp)


def inverse_value(x):
    return 1 / x


def inverse_slope(x):
    """The slope of 1 / x."""
    # hole: the slope of 1 / x at x
    return -1 / (x * x)
    # end


inverse = (inverse_value, inverse_slope)


def values_along(chain, x):
    """Each value on the way: x, the first link of x, the second link of that, and so on."""
    values = [x]
    for value_of, _ in chain:
        # hole: add the value after this link to `values`
        values.append(value_of(values[-1]))
        # end
    return values


def chain_slope(chain, x):
    """The slope of a whole chain at x, from the slopes of its links."""
    values = values_along(chain, x)
    g = 1.0             # how fast the end grows with the last value: one for one
    for place in reversed(range(len(chain))):
        _, slope_of = chain[place]
        # hole: make g the slope of the end along the value *before* this link
        g = g * slope_of(values[place])
        # end
    return g
