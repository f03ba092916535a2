"""Windows by an index of the flat pictures, back by gathering; the layer as filters times
windows, the product the other way round."""


@Operation
def windows(x, high, wide, padding):
    """Every window of the padded pictures as a row, in the order picture, place down, across."""
    # say for each element of the matrix where in the flat pictures it comes from; fetch all
    x = padded(x, padding)
    n, channels, height, width = x.shape
    down, across = height - high + 1, width - wide + 1
    place = np.arange(down)[:, None] * width + np.arange(across)        # down × across
    pixel = ((np.arange(channels) * height)[:, None, None] + np.arange(high)[:, None]) * width + \
        np.arange(wide)                                                 # channels × high × wide
    return x.reshape(n, -1)[:, np.add.outer(place.ravel(), pixel.ravel())].reshape(-1, pixel.size)


def put_windows(g, x_shape, high, wide, padding):
    """What the pictures receive: each row of g goes back to its window, and uses add up."""
    # the other way round: each pixel sees the windows that it lies in as pixel (i, j) of the
    # window; all g on a border as wide as the window, then one picture for each (i, j), as the
    # pixels see it
    n, channels, height, width = x_shape
    down, across = height + 2 * padding - high + 1, width + 2 * padding - wide + 1
    g = g.reshape(n, down, across, channels, high, wide)
    above, left = max(high - 1 - padding, 0), max(wide - 1 - padding, 0)
    wider = np.zeros((n, down + 2 * above, across + 2 * left, channels, high, wide))
    wider[:, above:above + down, left:left + across] = g
    rows = np.arange(height) + padding + above          # of the place that met this pixel at i = 0
    columns = np.arange(width) + padding + left
    return np.sum([wider[:, rows[:, None] - i, columns - j, :, i, j]
                   for i, j in np.ndindex(high, wide)], axis=0).transpose(2, 3, 0, 1)


def conv2d(x, w, b, padding=0):
    """Each filter of w laid on every place of the pictures x, and its b added.

    x : pictures × channels × height × width.  w : filters × channels × height × width.
    b : filters.  Result : pictures × filters × places down × places across.
    """
    filters, channels, high, wide = w.shape
    pictures = x.shape[0]
    down, across = x.shape[2] + 2 * padding - high + 1, x.shape[3] + 2 * padding - wide + 1
    # the product the other way round: the filters are rows as they are, and the windows columns
    columns = permute(windows(x, high, wide, padding), (1, 0))
    out = matmul(reshape(w, (filters, channels * high * wide)), columns) + reshape(b, (filters, 1))
    return permute(reshape(out, (filters, pictures, down, across)), (1, 0, 2, 3))
