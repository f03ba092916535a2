"""By the first student, from the page alone."""


def slope(f, x, h=1e-5):
    """How fast f grows with x, measured between x − h and x + h."""
    return (f(x + h) - f(x - h)) / (2 * h)


def slopes(f, inputs, h=1e-5):
    """The slope of f(*inputs) along each input, while the others are held still."""
    result = []
    for place in range(len(inputs)):
        def along(value, place=place):
            values = list(inputs)
            values[place] = value
            return f(*values)
        result.append(slope(along, inputs[place], h))
    return result
