class Tensor:
    """An array that remembers what it was made from.

    data : the array, of float64, or of complex128 if it was made of complex numbers.
    requires_grad : whether anybody asks for its gradient.
    inputs : a pair (tensor, rule) for each Tensor that went into it and requires a gradient. A rule
        takes g, how fast the end result grows with each element of this array, and what else its
        parameters name; it returns the same for that input.
    kept : the values that these rules name, by name.
    stretches : whether NumPy may have stretched the inputs.
    number : how many Tensors were made before this one.
    grad : of a leaf that requires it: how fast the end grows with each element. It adds up over
        backward passes. Other Tensors have none.
    """

    def __init__(self, data, requires_grad=False):
        # hole: the data as an array of complex128 if they are complex, else of float64
        kind = np.complex128 if np.iscomplexobj(data) else np.float64
        self.data = np.asarray(data, dtype=kind)
        # end
        self.requires_grad = requires_grad
        self.inputs = []
        self.kept = {}
        self.stretches = False
        self.number = next(numbers)
        self.grad = None


@Elementwise
def absolute(x):
    """|x| of each element; of complex numbers −x or x, as the sign of the real part says."""
    # hole: −x where the real part is negative, else x
    return np.where(np.real(x) < 0, -x, x)
    # end


# before: has_kink
def complex_slope(f, x, h=2.0 ** -66):
    """The slope of f at x, without a subtraction; f has to take and return complex numbers."""
    # hole: the imaginary part of f, for an x that is moved by h at a right angle to the number
    # line, divided by h
    return np.imag(f(x + 1j * h)) / h
    # end


# after: complex_slope
def best(f, x):
    """The slope of f at x and a bound of its error, by the complex step where it can be trusted.

    It is trusted where it differs from the measured slope by no more than the error of that. Its
    own bound is then NOISE times its size.
    """
    # hole: the pair of the complex step if it can be trusted, else the measured one
    found, error = measured(f, x)
    exact = complex_slope(f, x)
    return (exact, NOISE * abs(exact)) if abs(exact - found) <= error else (found, error)
    # end


def compared(f, arrays, rng):
    """The slope of f along random directions: by the rules, by the best measure, and its error."""
    directions = [rng.normal(size=np.shape(array)) for array in arrays]
    weights = rng.normal(size=f(*map(Tensor, arrays)).shape)
    return (claimed(f, arrays, directions, weights),
            *best(along(f, arrays, directions, weights), 0.0))
