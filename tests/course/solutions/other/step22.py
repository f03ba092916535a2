"""The type by `issubdtype`; negative elements turned in a copy; the imaginary part turned into
the real one; the two answers in a pair, picked by a number."""


class Tensor:
    def __init__(self, data, requires_grad=False):
        array = np.asarray(data)
        self.data = array.astype("c16" if np.issubdtype(array.dtype, np.complexfloating) else "f8",
                                 copy=False)
        self.requires_grad = requires_grad
        self.inputs = []
        self.kept = {}
        self.stretches = False
        self.number = next(numbers)
        self.grad = None


@Elementwise
def absolute(x):
    """|x| of each element; of complex numbers −x or x, as the sign of the real part says."""
    turned = np.array(x)
    turned[turned.real < 0] *= -1
    return turned


def complex_slope(f, x, h=2.0 ** -66):
    """The slope of f at x, without a subtraction; f has to take and return complex numbers."""
    # turned back by a right angle, the imaginary part is the real one
    return (f(x + 1j * h) * (-1j / h)).real


def best(f, x):
    """The slope of f at x and a bound of its error, by the complex step where it can be trusted.

    It is trusted where it differs from the measured slope by no more than the error of that. Its
    own bound is then NOISE times its size.
    """
    rough, error = measured(f, x)
    sharp = complex_slope(f, x)
    trusted = rough - error <= sharp <= rough + error
    return ((rough, error), (sharp, NOISE * abs(sharp)))[int(trusted)]
