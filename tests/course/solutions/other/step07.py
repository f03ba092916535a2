"""`unbroadcast` numbers the elements, stretches the numbers, and `bincount` adds up by number."""


def unbroadcast(g, shape):
    """The gradient of an array of this shape that was stretched to the shape of g."""
    size = int(np.prod(shape))
    came_from = np.broadcast_to(np.arange(size).reshape(shape), np.shape(g))
    return np.bincount(came_from.ravel(), weights=np.ravel(g), minlength=size).reshape(shape)


def elementwise(data, *inputs):
    """A result whose rules work element by element; what was stretched is summed up again."""
    def undone(x, rule):
        def brought_back(g):
            part = rule(g)
            return part if part.shape == x.data.shape else unbroadcast(part, x.data.shape)
        return brought_back

    return Tensor(data, [(x, undone(x, rule)) for x, rule in inputs])


def maximum(x, y):
    """The larger of x and y, element by element; x where they are equal."""
    x, y = both(x, y)
    return elementwise(np.maximum(x.data, y.data),
                       (x, lambda g: np.where(x.data >= y.data, g, 0.0)),
                       (y, lambda g: np.where(y.data > x.data, g, 0.0)))
