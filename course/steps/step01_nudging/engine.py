def slope(f, x, h=1e-5):
    """How fast f grows with x, measured between x − h and x + h."""
    # hole: the rise of f from x - h to x + h, divided by the run
    return (f(x + h) - f(x - h)) / (2 * h)
    # end


def slopes(f, inputs, h=1e-5):
    """The slope of f(*inputs) along each input, while the others are held still."""
    result = []
    for place in range(len(inputs)):
        def along(value, place=place):
            # hole: the value of f where input number `place` is `value`
            # and all other inputs are as they are
            moved = list(inputs)
            moved[place] = value
            return f(*moved)
            # end
        result.append(slope(along, inputs[place], h))
    return result
