"""As the page says it, line by line."""


def multiply(x, y):
    """x · y"""
    x, y = as_tensor(x), as_tensor(y)
    return Tensor(x.data * y.data, [(x, lambda g: g * y.data),
                                    (y, lambda g: g * x.data)])


def power(x, n):
    """xⁿ for a plain number n"""
    x = as_tensor(x)
    return Tensor(x.data ** n, [(x, lambda g: g * n * x.data ** (n - 1))])


def exp(x):
    """eˣ"""
    x = as_tensor(x)
    result = math.exp(x.data)
    return Tensor(result, [(x, lambda g: g * result)])


def log(x):
    """The natural logarithm of x."""
    x = as_tensor(x)
    return Tensor(math.log(x.data), [(x, lambda g: g / x.data)])


def tanh(x):
    """The hyperbolic tangent of x."""
    x = as_tensor(x)
    result = math.tanh(x.data)
    return Tensor(result, [(x, lambda g: g * (1 - result ** 2))])
