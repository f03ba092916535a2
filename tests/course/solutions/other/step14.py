"""Parameters and the pass through the layers by recursion; portions by `split`; an example is
right if its score beats every other."""


class Sequential:
    def __init__(self, *layers):
        self.layers = layers

        def collected(rest):
            """The parameters of these layers, first those of the first one."""
            if not rest:
                return []
            return list(getattr(rest[0], "parameters", ())) + collected(rest[1:])

        self.parameters = collected(layers)

    def __call__(self, x):
        def through(count):
            """What the first `count` layers make of x."""
            return self.layers[count - 1](through(count - 1)) if count else x
        return through(len(self.layers))


def train(network, optimizer, inputs, labels, epochs, batch, rng):
    """Go `epochs` times through the examples, each time in another order; the loss of each step."""
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(inputs))
        for part in np.split(order, np.arange(batch, len(order), batch)):
            loss = cross_entropy(network(np.stack([inputs[k] for k in part])),
                                 np.array([labels[k] for k in part]))
            optimizer.zero_grad()
            loss.backward(np.ones(()))
            optimizer.step()
            losses += [loss.data.item()]
    return losses


def accuracy(network, inputs, labels):
    """The share of examples whose highest score is that of the right label."""
    scores, right = network(inputs).data, 0
    for row, label in zip(scores, labels):
        right += all(row[label] > score for k, score in enumerate(row) if k != label)
    return right / len(labels)
