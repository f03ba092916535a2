"""By a student, from the page alone."""


class Tensor:
    def __init__(self, data, requires_grad=False):
        data = np.asarray(data)
        self.data = data.astype(np.complex128 if data.dtype.kind == "c" else np.float64, copy=False)
        self.requires_grad = requires_grad
        self.inputs = []
        self.kept = {}
        self.stretches = False
        self.number = next(numbers)
        self.grad = None


@Elementwise
def absolute(x):
    """|x| of each element; of complex numbers −x or x, as the sign of the real part says."""
    sign = np.where(np.real(x) < 0, -1.0, 1.0)
    return sign * x


def complex_slope(f, x, h=2.0 ** -66):
    """The slope of f at x, without a subtraction; f has to take and return complex numbers."""
    return f(complex(x, h)).imag / h


def best(f, x):
    """The slope of f at x and a bound of its error, by the complex step where it can be trusted.

    It is trusted where it differs from the measured slope by no more than the error of that. Its
    own bound is then NOISE times its size.
    """
    rough, error = measured(f, x)
    fine = complex_slope(f, x)
    if abs(fine - rough) <= error:
        return fine, NOISE * abs(fine)
    return rough, error
