"""By a student, from the page alone."""


class Sequential:
    def __init__(self, *layers):
        self.layers = layers
        self.parameters = [p for layer in layers for p in getattr(layer, 'parameters', [])]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def train(network, optimizer, inputs, labels, epochs, batch, rng):
    """Go `epochs` times through the examples, each time in another order; the loss of each step."""
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(inputs))
        for start in range(0, len(order), batch):
            rows = order[start:start + batch]
            loss = cross_entropy(network(inputs[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.data))
    return losses


def accuracy(network, inputs, labels):
    """The share of examples whose highest score is that of the right label."""
    return (network(inputs).data.argmax(axis=1) == labels).mean()
