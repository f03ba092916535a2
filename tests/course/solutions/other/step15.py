"""Weights from draws of variance 1; the pieces by recursion, each sent back through the sum of
its result times the gradient behind it."""


class Linear:
    def __init__(self, inputs, outputs, rng, gain=1.0):
        # each weight is a draw of variance 1, brought to the size gain / √inputs
        draws = [[rng.standard_normal() for _ in range(outputs)] for _ in range(inputs)]
        self.w = Tensor(np.reshape(draws, (inputs, outputs)) * np.sqrt(gain * gain / inputs),
                        requires_grad=True)
        self.b = Tensor([0.0] * outputs, requires_grad=True)
        self.parameters = [self.w, self.b]


def layer_sizes(network, x, labels):
    """The standard deviations of what each layer returns, and of the gradients for it: two lists.
    """
    def size(array):
        """The root of the mean square of what differs from the mean."""
        return np.sqrt(np.mean((array - np.mean(array)) ** 2))

    def beyond(layers, leaf):
        """The sizes of values and of gradients behind these layers; the leaf gets its gradient."""
        if not layers:
            cross_entropy(leaf, labels).backward()
            return [], []
        end = layers[0](leaf)
        cut = Tensor(np.array(end.data), requires_grad=True)
        values, gradients = beyond(layers[1:], cut)
        (end * cut.grad).sum().backward()       # the slope of this sum by `end` is cut.grad
        return [size(cut.data)] + values, [size(cut.grad)] + gradients

    return beyond(network.layers, Tensor(getattr(x, "data", x), requires_grad=True))
