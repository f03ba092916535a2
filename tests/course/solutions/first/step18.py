"""By a student, from the page alone."""


@Operation
def windows(x, high, wide, padding):
    """Every window of the padded pictures as a row, in the order picture, place down, across."""
    x = padded(x, padding)
    places = np.lib.stride_tricks.sliding_window_view(x, (high, wide), axis=(2, 3))
    n, channels, down, across = places.shape[:4]
    return places.transpose(0, 2, 3, 1, 4, 5).reshape(n * down * across, channels * high * wide)


def put_windows(g, x_shape, high, wide, padding):
    """What the pictures receive: each row of g goes back to its window, and uses add up."""
    result = padded(np.zeros(x_shape), padding)
    n, channels, height, width = result.shape
    down, across = height - high + 1, width - wide + 1
    places = g.reshape(n, down, across, channels, high, wide).transpose(0, 3, 1, 2, 4, 5)
    for i, j in np.ndindex(high, wide):
        result[:, :, i:i + down, j:j + across] += places[:, :, :, :, i, j]
    return result[:, :, padding:padding + x_shape[2], padding:padding + x_shape[3]]


def conv2d(x, w, b, padding=0):
    """Each filter of w laid on every place of the pictures x, and its b added.

    x : pictures × channels × height × width.  w : filters × channels × height × width.
    b : filters.  Result : pictures × filters × places down × places across.
    """
    filters, _, high, wide = w.shape
    down, across = x.shape[2] + 2 * padding - high + 1, x.shape[3] + 2 * padding - wide + 1
    columns = permute(reshape(w, (filters, -1)), (1, 0))
    rows = linear(windows(x, high, wide, padding), columns, b)
    return rows.reshape(x.shape[0], down, across, filters).permute(0, 3, 1, 2)
