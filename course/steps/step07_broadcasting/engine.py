# after: as_tensor
def both(x, y):
    """x and y as Tensors; NumPy stretches the smaller one to the shape of the other."""
    return as_tensor(x), as_tensor(y)


# after: both
def unbroadcast(g, shape):
    """The gradient of an array of this shape that was stretched to the shape of g."""
    # hole: sum over the dimensions that were put in front, then, keeping them, over those of
    # length 1 that were stretched
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(dim for dim, length in enumerate(shape) if length == 1)
    return g.sum(axis=stretched, keepdims=True)
    # end


# after: unbroadcast
def elementwise(data, *inputs):
    """A result whose rules work element by element; what was stretched is summed up again."""
    def undone(x, rule):
        # hole: return a rule for x, a function of g: what `rule` makes of g, brought back to
        # the shape of x.data
        return lambda g: unbroadcast(rule(g), x.data.shape)
        # end

    return Tensor(data, [(x, undone(x, rule)) for x, rule in inputs])


def add(x, y):
    """x + y"""
    x, y = both(x, y)
    return elementwise(x.data + y.data, (x, lambda g: g),
                                        (y, lambda g: g))


def multiply(x, y):
    """x · y, element by element"""
    x, y = both(x, y)
    return elementwise(x.data * y.data, (x, lambda g: g * y.data),
                                        (y, lambda g: g * x.data))


# after: multiply
def maximum(x, y):
    """The larger of x and y, element by element; x where they are equal."""
    x, y = both(x, y)
    # hole: the result, with a rule for each: the gradient goes to the one that was chosen
    chosen = x.data >= y.data
    return elementwise(np.where(chosen, x.data, y.data), (x, lambda g: g * chosen),
                                                         (y, lambda g: g * ~chosen))
    # end
