"""By a student, from the page alone."""


def conv2d_x(g, w, x_shape, padding):
    """What the pictures receive."""
    high, wide = w.shape[2:]
    result = padded(np.zeros(x_shape), padding)
    for n, f, i, j in np.ndindex(g.shape):
        result[n, :, i:i + high, j:j + wide] += g[n, f, i, j] * w[f]
    p = padding
    return result[:, :, p:p + x_shape[2], p:p + x_shape[3]]


def conv2d_w(g, x, w_shape, padding):
    """What the filters receive."""
    x, (high, wide) = padded(x, padding), w_shape[2:]
    result = np.zeros(w_shape)
    for n, f, i, j in np.ndindex(g.shape):
        result[f] += g[n, f, i, j] * x[n, :, i:i + high, j:j + wide]
    return result


def conv2d_b(g):
    """What the biases receive."""
    return g.sum(axis=(0, 2, 3))
