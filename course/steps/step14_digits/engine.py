class Linear:
    """A layer with parameters: weights w (inputs × outputs) and a bias b."""

    def __init__(self, inputs, outputs, rng):
        self.w = Tensor(rng.normal(0, 0.1, (inputs, outputs)), requires_grad=True)
        self.b = Tensor(np.zeros(outputs), requires_grad=True)
        self.parameters = [self.w, self.b]

    def __call__(self, x): return linear(x, self.w, self.b)


class Sequential:
    """Layers, each of which takes what the one before returns; a function is a layer, too."""

    def __init__(self, *layers):
        self.layers = layers
        # hole: self.parameters, those of all layers in one list; a function has none
        self.parameters = []
        for layer in layers:
            self.parameters += getattr(layer, "parameters", [])
        # end

    def __call__(self, x):
        # hole: through all layers
        for layer in self.layers:
            x = layer(x)
        return x
        # end


def train(network, optimizer, inputs, labels, epochs, batch, rng):
    """Go `epochs` times through the examples, each time in another order; the loss of each step."""
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(inputs))
        for start in range(0, len(order), batch):
            # hole: the next `batch` examples of the order: their loss, a step, the loss kept
            chosen = order[start:start + batch]
            loss = cross_entropy(network(inputs[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.data))
            # end
    return losses


def accuracy(network, inputs, labels):
    """The share of examples whose highest score is that of the right label."""
    # hole: in one line
    return float((network(inputs).data.argmax(axis=1) == labels).mean())
    # end
