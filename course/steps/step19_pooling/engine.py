import functools


@Elementwise
def relu(x):
    """x where it is positive, else 0"""
    return np.maximum(x, 0)


# after: relu
def relu_rule(g, out):
    """What x receives through relu."""
    # hole: by the result alone
    return g * (out > 0)
    # end


# after: relu_rule
relu.derivative(x=relu_rule)


# after: conv2d
def corners(x, size):
    """x cut into blocks of size × size: the small picture of all first elements, of all second …

    Rows and columns that do not fill a block are left out.
    """
    down, across = x.shape[2] // size * size, x.shape[3] // size * size
    # hole: a list of size² slices, row by row of the block
    return [x[:, :, i:down:size, j:across:size] for i in range(size) for j in range(size)]
    # end


# after: corners
def max_pool2d(x, size=2):
    """The largest element of each block."""
    # hole: from the corners, by an operation that the engine has
    return functools.reduce(maximum, corners(x, size))
    # end


# after: max_pool2d
def avg_pool2d(x, size=2):
    """The mean of each block."""
    # hole: from the corners
    return functools.reduce(add, corners(x, size)) / size ** 2
    # end
