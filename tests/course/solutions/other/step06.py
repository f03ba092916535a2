"""Lists of what the uses send, added up when the turn comes; sigmoid and its slope by
logarithms; the root by powers."""


class Tensor:
    def backward(self, gradient=None):
        """Add to `grad` of every leaf that this Tensor was made from.

        gradient : how fast the end result grows with each element; for a single number it is 1.
        """
        if gradient is None:
            if self.data.size != 1:
                raise ValueError(f"backward() needs a gradient of the shape {self.data.shape}; "
                                 f"only a single number does without")
            gradient = np.ones(self.data.shape)
        sent = collections.defaultdict(list)
        sent[self.number].append(np.asarray(gradient, dtype=np.float64))
        for tensor in made_from(self):
            g = functools.reduce(np.add, sent.pop(tensor.number))
            for source, rule in tensor.inputs:
                sent[source.number].append(rule(g))
            if not tensor.inputs:
                tensor.grad = g if tensor.grad is None else tensor.grad + g


def sigmoid(x):
    """1 / (1 + e⁻ˣ) of each element: near 0 for very negative ones, near 1 for large ones."""
    x = as_tensor(x)
    minus_log = np.logaddexp(0.0, -x.data)          # -ln s
    return Tensor(np.exp(-minus_log), [(x, lambda g: g * np.exp(-x.data - 2 * minus_log))])


def sqrt(x):
    """The square root of each element."""
    x = as_tensor(x)
    return Tensor(x.data ** 0.5, [(x, lambda g: g * 0.5 * x.data ** -0.5)])


def absolute(x):
    """|x| of each element."""
    x = as_tensor(x)
    return Tensor(np.maximum(x.data, -x.data), [
        (x, lambda g: np.where(x.data > 0, g, np.where(x.data < 0, -g, 0.0)))])
