class Linear:
    """A layer with parameters: weights w (inputs × outputs) and a bias b.

    gain : what the weights do to the size of a signal; 1 leaves it as it is.
    """

    def __init__(self, inputs, outputs, rng, gain=1.0):
        # hole: weights of the right standard deviation, and a bias of zeros
        self.w = Tensor(rng.normal(0, gain / np.sqrt(inputs), (inputs, outputs)),
                        requires_grad=True)
        self.b = Tensor(np.zeros(outputs), requires_grad=True)
        # end
        self.parameters = [self.w, self.b]


# after: train
def layer_sizes(network, x, labels):
    """How large values and gradients are behind each layer: two lists of standard deviations."""
    leaves, ends = [], []
    for layer in network.layers:
        # hole: run the layer; keep what it returns in `ends`, and in `leaves` a new leaf of the
        # same data, which the next layer goes on from
        ends.append(layer(x))
        x = Tensor(ends[-1].data, requires_grad=True)
        leaves.append(x)
        # end
    cross_entropy(x, labels).backward()
    for i in reversed(range(1, len(leaves))):
        # hole: the backward pass of layer i alone, from the gradient of what it returned
        ends[i].backward(leaves[i].grad)
        # end
    return [leaf.data.std() for leaf in leaves], [leaf.grad.std() for leaf in leaves]
