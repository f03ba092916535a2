"""Slopes are computed while recording, not while walking back; that of log as e to the minus
result."""

import functools
import operator


def multiply(x, y):
    """x · y"""
    x, y = as_tensor(x), as_tensor(y)
    def scaled(by):
        return lambda g: by * g
    return Tensor(x.data * y.data, [(x, scaled(y.data)), (y, scaled(x.data))])


def power(x, n):
    """xⁿ for a plain number n"""
    x = as_tensor(x)
    slope_here = n * x.data ** (n - 1) if n else 0.0 * x.data
    return Tensor(x.data ** n, [(x, lambda g: slope_here * g)])


def exp(x):
    """eˣ"""
    x = as_tensor(x)
    result = math.exp(x.data)
    return Tensor(result, [(x, functools.partial(operator.mul, result))])


def log(x):
    """The natural logarithm of x."""
    x = as_tensor(x)
    result = math.log(x.data)
    return Tensor(result, [(x, lambda g: g * math.exp(-result))])


def tanh(x):
    """The hyperbolic tangent of x."""
    x = as_tensor(x)
    result = math.tanh(x.data)
    return Tensor(result, [(x, lambda g: g * (1 - result) * (1 + result))])
