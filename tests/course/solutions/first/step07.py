"""By the first student, from the page alone."""


def unbroadcast(g, shape):
    """The gradient of an array of this shape that was stretched to the shape of g."""
    front = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(front)))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def elementwise(data, *inputs):
    """A result whose rules work element by element; what was stretched is summed up again."""
    def undone(x, rule):
        return lambda g: unbroadcast(rule(g), x.data.shape)

    return Tensor(data, [(x, undone(x, rule)) for x, rule in inputs])


def maximum(x, y):
    """The larger of x and y, element by element; x where they are equal."""
    x, y = both(x, y)
    first = x.data >= y.data
    return elementwise(np.where(first, x.data, y.data), (x, lambda g: g * first),
                                                       (y, lambda g: g * ~first))
