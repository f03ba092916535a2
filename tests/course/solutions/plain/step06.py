"""As the page says it, line by line."""


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
        grads = {self.number: np.asarray(gradient, dtype=np.float64)}       # of this pass
        for tensor in made_from(self):
            g = grads.pop(tensor.number)    # complete: everything made from it is younger
            for source, rule in tensor.inputs:
                part = rule(g)
                if source.number in grads:
                    part = grads[source.number] + part
                grads[source.number] = part
            if not tensor.inputs:
                tensor.grad = g if tensor.grad is None else tensor.grad + g


def sigmoid(x):
    """1 / (1 + e⁻ˣ) of each element: near 0 for very negative ones, near 1 for large ones."""
    x = as_tensor(x)
    result = 1 / (1 + np.exp(-x.data))
    return Tensor(result, [(x, lambda g: g * result * (1 - result))])


def sqrt(x):
    """The square root of each element."""
    x = as_tensor(x)
    result = np.sqrt(x.data)
    return Tensor(result, [(x, lambda g: g / (2 * result))])


def absolute(x):
    """|x| of each element."""
    x = as_tensor(x)
    return Tensor(np.abs(x.data), [(x, lambda g: g * np.sign(x.data))])
