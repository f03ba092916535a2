# after: Linear
class Conv2d:
    """A layer of filters of size × size, which leaves the size of a picture as it is."""

    def __init__(self, channels, filters, size, rng, gain=2 ** 0.5):
        # hole: weights whose standard deviation counts what goes into one result, a bias of
        # zeros, and both in `parameters`
        deviation = gain / np.sqrt(channels * size * size)
        self.w = Tensor(rng.normal(0, deviation, (filters, channels, size, size)),
                        requires_grad=True)
        self.b = Tensor(np.zeros(filters), requires_grad=True)
        self.parameters = [self.w, self.b]
        # end

    def __call__(self, x):
        # hole: with the padding that keeps height and width, for odd sizes
        return conv2d(x, self.w, self.b, padding=self.w.shape[2] // 2)
        # end


# after: Conv2d
def flatten(x):
    """Each picture as one row."""
    # hole: in one line
    return x.reshape(x.shape[0], np.prod(x.shape[1:]))
    # end
