"""Probes of step 26."""

import numpy as np

__all__ = ["features", "pulled"]


def features(engine, picture, network, layers):
    """The features of a picture, by layer, and whether each of them requires a gradient."""
    leaf = engine.Tensor(picture, requires_grad=True)
    found = engine.features(leaf, network, layers)
    return {name: x.data for name, x in found.items()}, all(
        x.requires_grad for x in found.values())


def pulled(engine, picture, network, layers, weights):
    """The gradient of the features, weighed, for the picture."""
    leaf = engine.Tensor(picture, requires_grad=True)
    found = engine.features(leaf, network, layers)
    total = sum(((found[layer] * weights[layer]).sum() for layer in layers), engine.Tensor(0.0))
    total.backward(np.ones(np.shape(total.data)))
    return leaf.grad
