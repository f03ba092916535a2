import numpy as np

del math


class Tensor:
    """An array that remembers what it was made from.

    data : the array, of float64.
    inputs : a pair (tensor, rule) for each tensor that went into it. A rule takes g, how fast
        the end result grows with each element of this array, and returns the same for that input.
    number : how many Tensors were made before this one.
    grad : of a leaf, a Tensor that you made yourself: how fast the end grows with each element.
        It adds up over backward passes. Other Tensors have none.
    """

    # before: __init__
    __array_ufunc__ = None      # NumPy's arrays leave operators with a Tensor to the Tensor

    def __init__(self, data, inputs=()):
        self.data = np.asarray(data, dtype=np.float64)
        self.inputs = list(inputs)
        self.number = next(numbers)
        self.grad = None

    def backward(self, gradient=None):
        """Add to `grad` of every leaf that this Tensor was made from.

        gradient : how fast the end result grows with each element; for a single number it is 1.
        """
        if gradient is None:
            if self.data.size != 1:
                raise ValueError(f"backward() needs a gradient of the shape {self.data.shape}; "
                                 f"only a single number does without")
            gradient = np.ones(self.data.shape)
        grads = {self.number: np.asarray(gradient, dtype=np.float64)}       # of this pass
        for tensor in made_from(self):
            g = grads.pop(tensor.number)    # complete: everything made from it is younger
            for source, rule in tensor.inputs:
                # hole: add what the rule sends to what the source has in `grads`, if it has
                # something; no array may be changed in place
                part = rule(g)
                if source.number in grads:
                    part = grads[source.number] + part
                grads[source.number] = part
                # end
            if not tensor.inputs:
                tensor.grad = g if tensor.grad is None else tensor.grad + g


# after: as_tensor
def both(x, y):
    """x and y as Tensors of one shape; a plain number takes the shape of the other."""
    if not isinstance(x, Tensor):
        x = Tensor(np.full(y.data.shape, x))
    if not isinstance(y, Tensor):
        y = Tensor(np.full(x.data.shape, y))
    if x.data.shape != y.data.shape:
        raise ValueError(f"the shapes {x.data.shape} and {y.data.shape} differ")
    return x, y


def add(x, y):
    """x + y"""
    x, y = both(x, y)
    return Tensor(x.data + y.data, [(x, lambda g: g),
                                    (y, lambda g: g)])


def multiply(x, y):
    """x · y, element by element"""
    x, y = both(x, y)
    return Tensor(x.data * y.data, [(x, lambda g: g * y.data),
                                    (y, lambda g: g * x.data)])


def power(x, n):
    """xⁿ of each element, for a plain number n"""
    x = as_tensor(x)
    return Tensor(x.data ** n, [(x, lambda g: g * n * x.data ** (n - 1) if n else g * 0)])


def exp(x):
    """eˣ of each element"""
    x = as_tensor(x)
    result = np.exp(x.data)
    return Tensor(result, [(x, lambda g: g * result)])


def log(x):
    """The natural logarithm of each element."""
    x = as_tensor(x)
    return Tensor(np.log(x.data), [(x, lambda g: g / x.data)])


def tanh(x):
    """The hyperbolic tangent of each element."""
    x = as_tensor(x)
    result = np.tanh(x.data)
    return Tensor(result, [(x, lambda g: g * (1 - result * result))])


def sigmoid(x):
    """1 / (1 + e⁻ˣ) of each element: near 0 for very negative ones, near 1 for large ones."""
    x = as_tensor(x)
    # hole: the result, and its rule, which is a formula of the result alone
    result = 1 / (1 + np.exp(-x.data))
    return Tensor(result, [(x, lambda g: g * result * (1 - result))])
    # end


def sqrt(x):
    """The square root of each element."""
    x = as_tensor(x)
    # hole: the result with its rule
    result = np.sqrt(x.data)
    return Tensor(result, [(x, lambda g: g / (2 * result))])
    # end


def absolute(x):
    """|x| of each element."""
    x = as_tensor(x)
    # hole: the result with its rule: two slopes, by the sign of the element
    return Tensor(np.abs(x.data), [(x, lambda g: g * np.sign(x.data))])
    # end
