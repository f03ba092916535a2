"""Probes of step 14."""

import numpy as np


class Scaled:
    """A layer of another class than the engine's: it has parameters and can be called."""

    def __init__(self, engine):
        self.factor = engine.Tensor(2.0, requires_grad=True)
        self.parameters = [self.factor]

    def __call__(self, x):
        return x * self.factor


def collected(engine):
    """Of networks of Linear and functions, of a Sequential within another, and of a layer of
    another class: the numbers of the known parameters that they have, −1 for another Tensor, and
    the type's name for what is no Tensor. Then whether the layers' own lists stayed as they were.
    """
    rng = np.random.default_rng(0)
    one, two, other = engine.Linear(3, 4, rng), engine.Linear(4, 2, rng), Scaled(engine)
    known = [one.w, one.b, two.w, two.b, other.factor]
    rows = []
    for layers in ((one, engine.tanh, two, engine.exp), (engine.tanh, engine.exp), (one, other),
                   (engine.Sequential(one, engine.tanh), two)):
        network = engine.Sequential(*layers)
        if not hasattr(network, "parameters"):
            return None
        rows.append([numbered(engine, known, parameter) for parameter in network.parameters])
    return rows, [len(one.parameters), len(two.parameters)] == [2, 2]


def numbered(engine, known, parameter):
    """The number of a known parameter; see `collected`."""
    if not isinstance(parameter, engine.Tensor):
        return type(parameter).__name__
    return next((i for i, own in enumerate(known) if own is parameter), -1)


def passed_on(engine, names, x):
    """What a network of functions makes of x, and the gradient that x receives from it."""
    functions = {"x + 1": lambda x: engine.add(x, 1.0), "2x": lambda x: engine.multiply(x, 2.0)}
    leaf = engine.Tensor(x, requires_grad=True)
    end = engine.Sequential(*(functions[name] for name in names))(leaf)
    if not isinstance(end, engine.Tensor):
        return end, None
    end.backward(np.ones(len(x)))
    return end.data, leaf.grad


LEFT = 0.125            # in each gradient from before the training


class Recorder:
    """A network of one layer and an optimizer, which note what they are asked for.

    events : in their order "run", "forget", "backward" and "step".
    """

    def __init__(self, engine, w, lr):
        self.engine, self.lr = engine, lr
        self.w = engine.Tensor(w, requires_grad=True)
        self.b = engine.Tensor(np.zeros(w.shape[1]), requires_grad=True)
        self.parameters = [self.w, self.b]
        self.w.grad, self.b.grad = LEFT * np.ones(w.shape), LEFT * np.ones(w.shape[1])
        self.inputs, self.gradients, self.events = [], [], []

    def __call__(self, x):
        self.events.append("run")
        self.inputs.append(np.array(getattr(x, "data", x)))
        return self.engine.linear(x, self.w, self.b)

    def zero_grad(self):
        self.events.append("forget")
        self.w.grad = self.b.grad = None

    def step(self):
        self.events.append("step")
        self.gradients.append(self.w.grad)
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.data = parameter.data - self.lr * parameter.grad


def trained(engine, w, lr, inputs, labels, epochs, batch, seed):
    """What `train` returned, the inputs that it gave to the network, the gradients at its steps,
    and what it did, in order."""
    recorder, ordinary = Recorder(engine, w, lr), engine.Tensor.backward

    def backward(self, *gradient, **named):
        recorder.events.append("backward")
        return ordinary(self, *gradient, **named)

    engine.Tensor.backward = backward
    try:
        losses = engine.train(recorder, recorder, inputs, labels, epochs, batch,
                              np.random.default_rng(seed))
    finally:
        engine.Tensor.backward = ordinary
    if not isinstance(losses, (list, tuple, np.ndarray)):
        return losses, None, None, None
    return list(losses), recorder.inputs, recorder.gradients, recorder.events


def share(engine, scores, labels):
    """The accuracy of a network whose scores are the negative of its inputs."""
    return engine.accuracy(lambda x: x * engine.Tensor(-1.0), -scores, labels)
