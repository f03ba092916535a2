"""By a student, from the page alone."""


def relu_rule(g, out):
    """What x receives through relu."""
    return g * (out > 0)


def corners(x, size):
    """x cut into blocks of size × size: the small picture of all first elements, of all second …

    Rows and columns that do not fill a block are left out.
    """
    down, across = x.shape[2] // size * size, x.shape[3] // size * size
    return [x[:, :, i:down:size, j:across:size] for i in range(size) for j in range(size)]


def max_pool2d(x, size=2):
    """The largest element of each block."""
    return functools.reduce(maximum, corners(x, size))


def avg_pool2d(x, size=2):
    """The mean of each block."""
    return functools.reduce(add, corners(x, size)) / size ** 2
