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


def sizes(engine, layers, x, labels):
    """What `layer_sizes` returns for a network; a layer is a pair of arrays or the name of a
    function."""
    made = []
    for layer in layers:
        if isinstance(layer, str):
            made.append(getattr(engine, layer))
        else:
            made.append(engine.Linear(*layer[0].shape, np.random.default_rng(0)))
            made[-1].w.data, made[-1].b.data = layer
    values, gradients = engine.layer_sizes(engine.Sequential(*made), x, labels)
    return list(values), list(gradients)
