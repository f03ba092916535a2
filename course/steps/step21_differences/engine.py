del slopes, Optimizer, SGD, Adam, Linear, Conv2d, flatten, Sequential, train, accuracy


NOISE = 2.0 ** -48              # of a function's value: 16 times the last digit of a float64


# after: slope
def with_error(f, x, h):
    """The slope of f at x with the step h / 2, and a bound of its error.

    bend : how far this slope is from the one with the step h.
    rounding : NOISE times the larger one of |f(x + h)| and |f(x − h)|, divided by h.
    The bound is the sum of both.
    """
    # hole: the slope and the bound, as a pair
    fine = slope(f, x, h / 2)
    bend = abs(slope(f, x, h) - fine)
    rounding = NOISE * max(abs(f(x + h)), abs(f(x - h))) / h
    return fine, bend + rounding
    # end


# after: with_error
def measured(f, x):
    """The slope of f at x and a bound of its error, with the best of the steps 1/2, 1/4 … 2⁻⁴⁰."""
    tried = [with_error(f, x, 0.5 ** k) for k in range(1, 41)]
    return min((pair for pair in tried if pair[1] < np.inf), key=lambda pair: pair[1])


# after: measured
def has_kink(f, x, h=2.0 ** -10):
    """Whether f bends at x so sharply that it has no slope there."""
    def gap(h):
        # hole: how far the slope from x to x + h is from the slope from x − h to x
        return abs((f(x + h) - f(x)) / h - (f(x) - f(x - h)) / h)
        # end

    # hole: True if the gap is larger than 10⁻⁶, and with a quarter of h still more than half as
    # large as with h
    return gap(h) > 1e-6 and gap(h / 4) > gap(h) / 2
    # end


# after: has_kink
def along(f, arrays, directions, weights):
    """The function t ↦ Σ weights · f(arrays + t · directions): one number in, one number out."""
    def moved(t):
        return (f(*(Tensor(array + t * direction)
                    for array, direction in zip(arrays, directions))).data * weights).sum()
    return moved


# after: along
def claimed(f, arrays, directions, weights):
    """The slope of along(f, arrays, directions, weights) at 0, as the rules have it."""
    # hole: run f on leaves made of the arrays, and walk back from its result with the weights as
    # g; then see how far each gradient points along its direction, and add up. A leaf without a
    # gradient counts 0
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    f(*leaves).backward(weights)
    return sum((leaf.grad * direction).sum() for leaf, direction in zip(leaves, directions)
               if leaf.grad is not None)
    # end


# after: claimed
def compared(f, arrays, rng):
    """The slope of f along random directions: by the rules, as measured, and the error of that."""
    directions = [rng.normal(size=np.shape(array)) for array in arrays]
    weights = rng.normal(size=f(*map(Tensor, arrays)).shape)
    return (claimed(f, arrays, directions, weights),
            *measured(along(f, arrays, directions, weights), 0.0))
