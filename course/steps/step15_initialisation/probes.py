"""Probes of step 15."""

import numpy as np


def beginning(engine, inputs, outputs, seed, options):
    """The weights and bias of a new layer, and whether both are Tensors that require a gradient."""
    layer = engine.Linear(inputs, outputs, np.random.default_rng(seed), **options)
    asked = [isinstance(own, engine.Tensor) and bool(own.requires_grad)
             for own in (layer.w, layer.b)]
    listed = len(layer.parameters) == 2 and all(
        one is two for one, two in zip(layer.parameters, (layer.w, layer.b)))
    return layer.w.data, layer.b.data, asked, listed


def network(engine, layers):
    """The layers of a network; each is told by a pair of arrays or the name of a function."""
    made = []
    for layer in layers:
        if isinstance(layer, str):
            made.append(getattr(engine, layer))
        else:
            made.append(engine.Linear(*layer[0].shape, np.random.default_rng(0)))
            made[-1].w.data, made[-1].b.data = layer
    return made


def sizes(engine, layers, x, labels):
    """What `layer_sizes` returns for a network."""
    values, gradients = engine.layer_sizes(engine.Sequential(*network(engine, layers)), x, labels)
    return list(values), list(gradients)


def traced(engine, layers, x, labels):
    """What `layer_sizes` does with a network, whether it ends with an error or not.

    Returns
    -------
    For each layer that was run, what it got: "input", "end i" for the very result of layer i,
    "leaf i" for another Tensor with its numbers, "array" for a plain array, or "other"; whether
    that Tensor requires a gradient; the name for what the loss got; and for each backward pass, in
    order, the name of where it began, and of the leaf whose gradient it began with, None if
    without any.
    """
    known, runs, passes = Known(engine, x), [], []

    def watched(layer):
        def run(given):
            runs.append([known.name(given), bool(getattr(given, "requires_grad", False))])
            end = layer(given)
            known.ends.append(end)
            return end
        return run

    def loss(given, right):
        runs.append([known.name(given), bool(getattr(given, "requires_grad", False))])
        return ordinary_loss(given, right)

    def backward(self, gradient=None):
        passes.append([known.name(self), known.owner(gradient)])
        return ordinary(self) if gradient is None else ordinary(self, gradient)

    ordinary, ordinary_loss = engine.Tensor.backward, engine.cross_entropy
    engine.Tensor.backward, engine.cross_entropy = backward, loss
    try:
        engine.layer_sizes(engine.Sequential(*map(watched, network(engine, layers))), x, labels)
    except Exception:
        pass
    finally:
        engine.Tensor.backward, engine.cross_entropy = ordinary, ordinary_loss
    return runs, passes


class Known:
    """Names for the Tensors that were seen: the results of layers, and leaves of their numbers."""

    def __init__(self, engine, x):
        self.engine, self.x, self.ends, self.leaves = engine, x, [], {}

    def name(self, given):
        """A name for what a layer or a pass was given; see `traced`."""
        if given is self.x:
            return "input"
        for i, end in enumerate(self.ends):
            if given is end:
                return f"end {i}"
        if not isinstance(given, self.engine.Tensor):
            return "array"
        for i, end in reversed(list(enumerate(self.ends))):
            if np.array_equal(given.data, getattr(end, "data", None)):
                self.leaves[i] = given
                return f"leaf {i}"
        return "input" if np.array_equal(given.data, self.x) else "other"

    def owner(self, gradient):
        """The leaf that has this gradient; "no gradient" for None."""
        if gradient is None:
            return None
        array = getattr(gradient, "data", gradient)
        return next((f"leaf {i}" for i, leaf in self.leaves.items() if leaf.grad is not None
                     and np.array_equal(leaf.grad, array)), "other")
