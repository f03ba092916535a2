"""By a student, from the page alone."""


def padded(x, padding):
    """The pictures with a border of zeros, `padding` pixels wide on each of the four sides."""
    p = padding
    n, channels, height, width = x.shape
    result = np.zeros((n, channels, height + 2 * p, width + 2 * p))
    result[:, :, p:p + height, p:p + width] = x
    return result


@Operation
def conv2d(x, w, b, padding=0):
    """Each filter of w laid on every place of the pictures x, and its b added.

    x : pictures × channels × height × width.  w : filters × channels × height × width.
    b : filters.  Result : pictures × filters × places down × places across.
    """
    x, (high, wide) = padded(x, padding), w.shape[2:]
    down, across = x.shape[2] - high + 1, x.shape[3] - wide + 1
    result = np.zeros((len(x), len(w), down, across))
    for n, f, i, j in np.ndindex(result.shape):
        window = x[n, :, i:i + high, j:j + wide]
        result[n, f, i, j] = (window * w[f]).sum() + b[f]
    return result
