"""The pairs by recursion, innermost the scale; the length by recursion."""


def direction(g, pairs):
    """Where to go from a point with the gradient g, by what the last steps tell of the curvature.

    pairs : (s, y), the oldest first: how x moved, and how the gradient changed with it.
    """
    def known(g, count):
        """What the first `count` pairs make of g: B·g, pair by pair, as the formula has it."""
        if count == 0:
            s, y = pairs[-1] if pairs else (g, g)
            return g * ((s @ y) / (y @ y)) if pairs else g
        s, y = pairs[count - 1]
        part = (s @ g) / (s @ y)
        rest = known(g - part * y, count - 1)
        return rest + s * (part - (y @ rest) / (s @ y))

    return -known(g, len(pairs))


def lbfgs(f, x, steps, memory=10):
    """Go downhill from x (a flat array); f returns the value and the gradient at a point.

    Each step is along `direction`, at first of the length 1, or, without pairs, so that no element
    moves by more than 0.1. It is halved until the value falls by at least a ten-thousandth of what
    the slope promises.
    """
    def searched(length):
        """The first of length, length / 2 … that is short enough, and what f returns there."""
        there, new_g = f(x + length * d)
        if length > 1e-10 and there > value + 1e-4 * length * slope_:
            return searched(length / 2)
        return length, there, new_g

    (value, g), pairs = f(x), []
    for _ in range(steps):
        d = direction(g, pairs)
        slope_ = (g * d).sum()
        length, new, new_g = searched(1.0 if pairs else 0.1 / np.abs(g).max())
        if not new < value:
            break
        s, y = length * d, new_g - g
        if (s * y).sum() > 0:
            pairs = (pairs + [(s, y)])[max(len(pairs) + 1 - memory, 0):]
        x, value, g = x + s, new, new_g
    return x
