"""Probes of step 14."""

import numpy as np


def collected(engine):
    """Of a network of four layers, two of them functions: which of the layers' parameters its own
    are, and whether the layers' lists stayed as they were."""
    rng = np.random.default_rng(0)
    one, two = engine.Linear(3, 4, rng), engine.Linear(4, 2, rng)
    network = engine.Sequential(one, engine.tanh, two, engine.exp)
    known = [one.w, one.b, two.w, two.b]
    found = [next((i for i, own in enumerate(known) if own is parameter), -1)
             for parameter in network.parameters]
    functions = engine.Sequential(engine.tanh, engine.exp)
    return found, len(list(functions.parameters)), [len(one.parameters), len(two.parameters)]


def passed_on(engine, x):
    """What networks of functions make of x: of two functions, of the same in turn, and of none."""
    add, double = (lambda x: x + 1), (lambda x: x * 2)
    x = engine.Tensor(x)
    return [engine.Sequential(*layers)(x).data for layers in ((add, double), (double, add),
                                                              (add, add, double), ())]


class Recorder:
    """A network of one layer and an optimizer, which note what they are asked for."""

    def __init__(self, engine, w, lr):
        self.engine, self.lr = engine, lr
        self.w = engine.Tensor(w, requires_grad=True)
        self.b = engine.Tensor(np.zeros(w.shape[1]), requires_grad=True)
        self.parameters = [self.w, self.b]
        self.inputs, self.gradients = [], []

    def __call__(self, x):
        self.inputs.append(np.array(getattr(x, "data", x)))
        return self.engine.linear(x, self.w, self.b)

    def zero_grad(self):
        self.w.grad = self.b.grad = None

    def step(self):
        self.gradients.append(self.w.grad)
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.data = parameter.data - self.lr * parameter.grad


def trained(engine, w, lr, inputs, labels, epochs, batch, seed):
    """What `train` returned, the inputs that it gave to the network, and the gradients at its
    steps."""
    recorder = Recorder(engine, w, lr)
    losses = engine.train(recorder, recorder, inputs, labels, epochs, batch,
                          np.random.default_rng(seed))
    return list(losses), recorder.inputs, recorder.gradients


def share(engine, scores, labels):
    """The accuracy of a network that returns its inputs."""
    return engine.accuracy(lambda x: x * engine.Tensor(1.0), scores, labels)
