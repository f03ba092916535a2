"""Slope and bend as products with a row of values; the gap as a second difference; one leaf for
the number t, and slopes collect along the directions."""


def with_error(f, x, h):
    """The slope of f at x with the step h / 2, and a bound of its error.

    bend : how far this slope is from the one with the step h.
    rounding : NOISE times the larger one of |f(x + h)| and |f(x − h)|, divided by h.
    The bound is the sum of both.
    """
    # four values, and the slopes and their difference as sums of products with them
    values = np.array([f(x + k * h / 2) for k in (-2, -1, 1, 2)])
    slope_, bend = np.array([[0, -1, 1, 0], [0.5, -1, 1, -0.5]]) @ values / h
    return slope_, abs(bend) + NOISE * np.abs(values[[0, 3]]).max() / h


def has_kink(f, x, h=2.0 ** -10):
    """Whether f bends at x so sharply that it has no slope there."""
    def gap(h):
        # the slopes of both sides differ by the second difference over h
        return abs(f(x + h) - 2 * f(x) + f(x - h)) / h

    wide, narrow = gap(h), gap(h / 4)
    return bool(wide > 1e-6 and narrow / wide > 0.5)


def claimed(f, arrays, directions, weights):
    """The slope of along(f, arrays, directions, weights) at 0, as the rules have it."""
    # one leaf for all, the number t itself: the rules of + and · collect along the directions
    t = Tensor(0.0, requires_grad=True)
    end = (f(*[t * direction + array for array, direction in zip(arrays, directions)])
           * weights).sum()
    end.backward()
    return 0.0 if t.grad is None else float(t.grad)
