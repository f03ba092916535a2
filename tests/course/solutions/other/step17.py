"""Pictures gather from g under the turned filter, instead of scattering; filters by `einsum`,
one weight after the other."""


def conv2d_x(g, w, x_shape, padding):
    """What the pictures receive."""
    high, wide = w.shape[2:]
    # seen from a pixel: g on a border as wide as the filter allows, under the filter turned by 180°
    n, f, down, across = g.shape
    wider = np.zeros((n, f, down + 2 * (high - 1), across + 2 * (wide - 1)))
    wider[:, :, high - 1:high - 1 + down, wide - 1:wide - 1 + across] = g
    seen = np.lib.stride_tricks.sliding_window_view(wider, (high, wide), axis=(2, 3))
    result = np.einsum("nfijuv,fcuv->ncij", seen, w[:, :, ::-1, ::-1])
    rows, columns = (np.arange(length) + padding for length in x_shape[2:])
    return result[:, :, rows[:, None], columns]


def conv2d_w(g, x, w_shape, padding):
    """What the filters receive."""
    x, result = padded(x, padding), np.zeros(w_shape)
    down, across = g.shape[2:]
    for u, v in np.ndindex(w_shape[2:]):        # weight (u, v) met this part of every picture
        result[:, :, u, v] = np.einsum("nfij,ncij->fc", g, x[:, :, u:u + down, v:v + across])
    return result


def conv2d_b(g):
    """What the biases receive."""
    return np.array([sum(g[:, f].ravel()) for f in range(g.shape[1])])
