import math

del square, halve, exponential, inverse_value, inverse_slope, inverse, values_along, chain_slope


class Tensor:
    """A number that remembers what it was made from.

    data : the number.
    inputs : a pair (tensor, rule) for each tensor that went into it. A rule takes g, how fast
        the end result grows with this number, and returns how fast it grows with that input.
    """

    def __init__(self, data, inputs=()):
        self.data = data
        self.inputs = list(inputs)

    def __repr__(self):
        return f"Tensor({self.data})"

    def __add__(self, other): return add(self, other)
    def __radd__(self, other): return add(other, self)
    def __mul__(self, other): return multiply(self, other)
    def __rmul__(self, other): return multiply(other, self)
    def __neg__(self): return multiply(self, -1)
    def __sub__(self, other): return add(self, -other)
    def __rsub__(self, other): return add(other, -self)
    def __pow__(self, n): return power(self, n)
    def __truediv__(self, other): return multiply(self, other ** -1.0)
    def __rtruediv__(self, other): return multiply(other, self ** -1.0)


def as_tensor(value):
    """The value as a Tensor; a Tensor as it is."""
    return value if isinstance(value, Tensor) else Tensor(value)


def add(x, y):
    """x + y"""
    x, y = as_tensor(x), as_tensor(y)
    return Tensor(x.data + y.data, [(x, lambda g: g),
                                    (y, lambda g: g)])


def multiply(x, y):
    """x · y"""
    x, y = as_tensor(x), as_tensor(y)
    # hole: like add: the product, and one rule for each factor
    return Tensor(x.data * y.data, [(x, lambda g: g * y.data),
                                    (y, lambda g: g * x.data)])
    # end


def power(x, n):
    """xⁿ for a plain number n"""
    x = as_tensor(x)
    # hole: the power, and the rule of x; n is no Tensor and gets no rule
    return Tensor(x.data ** n, [(x, lambda g: g * n * x.data ** (n - 1))])
    # end


def exp(x):
    """eˣ"""
    x = as_tensor(x)
    result = math.exp(x.data)
    # hole: the result with its rule, which can use `result`
    return Tensor(result, [(x, lambda g: g * result)])
    # end


def log(x):
    """The natural logarithm of x."""
    x = as_tensor(x)
    # hole: the logarithm with its rule
    return Tensor(math.log(x.data), [(x, lambda g: g / x.data)])
    # end


def tanh(x):
    """The hyperbolic tangent of x."""
    x = as_tensor(x)
    result = math.tanh(x.data)
    # hole: the result with its rule, which can use `result`
    return Tensor(result, [(x, lambda g: g * (1 - result * result))])
    # end
