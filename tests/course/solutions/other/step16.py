"""A border is a product with two matrices; a convolution fetches all windows by an index, and
`einsum` sums."""


def padded(x, padding):
    """The pictures with a border of zeros, `padding` pixels wide on each of the four sides."""
    # a border is a product: moved[a, i] is 1 where row i of the picture lands on row a
    down, across = (np.eye(length + 2 * padding, length, -padding) for length in x.shape[2:])
    return np.einsum("ai,nfij,bj->nfab", down, x, across)


@Operation
def conv2d(x, w, b, padding=0):
    """Each filter of w laid on every place of the pictures x, and its b added.

    x : pictures × channels × height × width.  w : filters × channels × height × width.
    b : filters.  Result : pictures × filters × places down × places across.
    """
    x, (high, wide) = padded(x, padding), w.shape[2:]
    down, across = x.shape[2] - high + 1, x.shape[3] - wide + 1
    # rows[i, u] are the rows of the picture that the filter meets at place i; columns likewise
    rows, columns = np.add.outer(range(down), range(high)), np.add.outer(range(across), range(wide))
    met = x[:, :, rows[:, None, :, None], columns[None, :, None, :]]    # n × c × i × j × u × v
    return np.einsum("ncijuv,fcuv->nfij", met, w) + np.reshape(b, (-1, 1, 1))
