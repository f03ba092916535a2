"""Weights drawn as a matrix of variance 1, then scaled; the layer computes every overlap and cuts
out the middle; `flatten` as one window."""


class Conv2d:
    def __init__(self, channels, filters, size, rng, gain=2 ** 0.5):
        # a matrix of draws of variance 1, a row for each filter, brought to gain / √row length
        rows = rng.standard_normal((filters, channels * size * size))
        rows *= gain / np.sqrt(rows.shape[1])
        self.w = Tensor(rows.reshape(filters, channels, size, size), requires_grad=True)
        self.b = Tensor([0.0 for _ in range(filters)], requires_grad=True)
        self.parameters = [self.w, self.b]

    def __call__(self, x):
        # every place at which the filter meets the picture at all, and of these the middle ones
        size = self.w.shape[-1]
        more = size // 2
        full = conv2d(x, self.w, self.b, padding=size - 1)
        return full[:, :, more:full.shape[2] - more, more:full.shape[3] - more]


def flatten(x):
    """Each picture as one row."""
    return windows(x, high=x.shape[2], wide=x.shape[3], padding=0)     # one window: all of it
