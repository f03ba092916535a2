"""By a student, from the page alone."""


def with_error(f, x, h):
    """The slope of f at x with the step h / 2, and a bound of its error.

    bend : how far this slope is from the one with the step h.
    rounding : NOISE times the larger one of |f(x + h)| and |f(x − h)|, divided by h.
    The bound is the sum of both.
    """
    fine = slope(f, x, h / 2)
    bend = abs(fine - slope(f, x, h))
    rounding = NOISE * max(abs(f(x + h)), abs(f(x - h))) / h
    return fine, bend + rounding


def has_kink(f, x, h=2.0 ** -10):
    """Whether f bends at x so sharply that it has no slope there."""
    def gap(h):
        return abs((f(x + h) - f(x)) / h - (f(x) - f(x - h)) / h)

    return gap(h) > 1e-6 and gap(h / 4) > gap(h) / 2


def claimed(f, arrays, directions, weights):
    """The slope of along(f, arrays, directions, weights) at 0, as the rules have it."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    f(*leaves).backward(weights)
    return sum((leaf.grad * direction).sum() for leaf, direction in zip(leaves, directions)
               if leaf.grad is not None)
