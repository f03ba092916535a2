"""By a student, from the page alone."""


def direction(g, pairs):
    """Where to go from a point with the gradient g, by what the last steps tell of the curvature.

    pairs : (s, y), the oldest first: how x moved, and how the gradient changed with it.
    """
    parts = []
    for s, y in reversed(pairs):
        part = (s @ g) / (s @ y)
        parts.append(part)
        g = g - part * y
    if pairs:
        s, y = pairs[-1]
        g = g * ((s @ y) / (y @ y))
    for (s, y), part in zip(pairs, reversed(parts)):
        have = (y @ g) / (s @ y)
        g = g + (part - have) * s
    return -g


def lbfgs(f, x, steps, memory=10):
    """Go downhill from x (a flat array); f returns the value and the gradient at a point.

    Each step is along `direction`, at first of the length 1, or, without pairs, so that no element
    moves by more than 0.1. It is halved until the value falls by at least a ten-thousandth of what
    the slope promises.
    """
    (value, g), pairs = f(x), []
    for _ in range(steps):
        d = direction(g, pairs)
        length = 1.0 if pairs else 0.1 / np.abs(g).max()
        promised = g @ d
        new, new_g = f(x + length * d)
        while length > 1e-10 and new > value + 1e-4 * length * promised:
            length = length / 2
            new, new_g = f(x + length * d)
        if not new < value:
            break
        s, y = length * d, new_g - g
        if s @ y > 0:
            pairs.append((s, y))
        if len(pairs) > memory:
            pairs.pop(0)
        x, value, g = x + length * d, new, new_g
    return x
