"""ReLU by the sign of its result; blocks by `reshape` and `permute`; the largest as in a
tournament, the mean as a running mean."""


def relu_rule(g, out):
    """What x receives through relu."""
    return g * np.sign(out)


def corners(x, size):
    """x cut into blocks of size × size: the small picture of all first elements, of all second …

    Rows and columns that do not fill a block are left out.
    """
    down, across = x.shape[2] // size * size, x.shape[3] // size * size
    # split rows and columns in two dimensions each: which block, and where in the block
    blocks = reshape(take(x, (slice(None), slice(None), slice(down), slice(across))),
                     (x.shape[0], x.shape[1], down // size, size, across // size, size))
    inside = permute(blocks, (3, 5, 0, 1, 2, 4))
    return [inside[k // size, k % size] for k in range(size * size)]


def max_pool2d(x, size=2):
    """The largest element of each block."""
    def largest(pictures):
        """Of two halves the larger one, as in a tournament."""
        half = len(pictures) // 2
        return maximum(largest(pictures[:half]), largest(pictures[half:])) if half else pictures[0]
    return largest(corners(x, size))


def avg_pool2d(x, size=2):
    """The mean of each block."""
    # the running mean: the k-th picture moves it by a k-th of the way
    mean = 0.0
    for k, corner in enumerate(corners(x, size), 1):
        mean = mean + (corner - mean) / k
    return mean
