"""Probes of step 26."""

import numpy as np

__all__ = ["features", "pulled"]


def features(engine, picture, network, layers):
    """The features of a picture, by layer; which of them are Tensors; whether all require a
    gradient."""
    leaf = engine.Tensor(picture, requires_grad=True)
    found = engine.features(leaf, network, layers)
    if found is None:
        return None, {}, False
    tensors = {name: isinstance(x, engine.Tensor) for name, x in found.items()}
    return {name: x.data if tensors[name] else x for name, x in found.items()}, tensors, all(
        x.requires_grad for name, x in found.items() if tensors[name])


def pulled(engine, picture, network, layers, weights):
    """The gradient of the features, weighed, for the picture; whether other leaves have one."""
    leaf = engine.Tensor(picture, requires_grad=True)
    found = engine.features(leaf, network, layers)
    total = sum(((found[layer] * weights[layer]).sum() for layer in layers), engine.Tensor(0.0))
    others = [tensor for tensor in engine.made_from(total)
              if tensor.requires_grad and not tensor.inputs and tensor is not leaf]
    total.backward(np.ones(np.shape(total.data)))
    return leaf.grad, bool(others)
