"""The run is measured between the two floats that were really used, and an inner function picks
its input by a generator."""


def slope(f, x, h=1e-5):
    """How fast f grows with x, measured between x − h and x + h."""
    low, high = x - h, x + h
    return (f(high) - f(low)) / (high - low)


def slopes(f, inputs, h=1e-5):
    """The slope of f(*inputs) along each input, while the others are held still."""
    result = []
    for place in range(len(inputs)):
        def along(value, place=place):
            return f(*(value if i == place else still for i, still in enumerate(inputs)))
        result.append(slope(along, inputs[place], h))
    return result
