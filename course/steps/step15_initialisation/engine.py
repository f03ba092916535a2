class Linear:
    """A layer with parameters: weights w (inputs × outputs) and a bias b.

    gain : the factor by which the layer changes the size of a signal.
    """

    def __init__(self, inputs, outputs, rng, gain=1.0):
        # hole: weights from `rng`, of mean 0 and the right standard deviation; a bias of zeros
        self.w = Tensor(rng.normal(0, gain / np.sqrt(inputs), (inputs, outputs)),
                        requires_grad=True)
        self.b = Tensor(np.zeros(outputs), requires_grad=True)
        # end
        self.parameters = [self.w, self.b]


# after: train
def layer_sizes(network, x, labels):
    """The standard deviations of what each layer returns, and of the gradients for it: two lists.
    """
    ends, leaves = [], []
    for layer in network.layers:
        # hole: run the layer and keep its result in `ends`; go on from a new leaf of the same
        # data, and keep that in `leaves`
        ends.append(layer(x))
        x = Tensor(ends[-1].data, requires_grad=True)
        leaves.append(x)
        # end
    cross_entropy(x, labels).backward()
    for i in reversed(range(1, len(leaves))):
        # hole: a backward pass through layer i alone, from the gradient of the leaf of its result
        ends[i].backward(leaves[i].grad)
        # end
    return [leaf.data.std() for leaf in leaves], [leaf.grad.std() for leaf in leaves]
