"""Checks of step 26."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks

CHECKS = Checks()


@CHECKS("the features of each layer")
def values(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    for layers in (["relu1_1"], ["relu1_2"], ["relu2_1"], ["relu3_1"], ["relu3_2"],
                   ["relu3_2", "relu1_1"], ["relu1_1", "relu1_2", "relu2_1", "relu3_1", "relu3_2"]):
        found, requires = work.call("features", picture, network, layers, doing="features")
        right = painting.features(picture, network, layers)
        if set(found) != set(layers):
            raise work.wrong("features", f"features for {layers} returns {sorted(found)}")
        for layer in layers:
            work.same("features", f"the features of {layer}", found[layer], right[layer],
                      likely=mistakes(picture, network, layer))
        if not requires:
            raise work.wrong("features", f"the features of {layers} do not require a gradient, "
                                         f"though the picture does")


def mistakes(picture, network, layer):
    """What common mistakes give."""
    name = layer.replace("relu", "conv")
    before = {key: pair for key, pair in network.items() if key.startswith("conv")}
    names = list(before)
    x, block = picture, "1"
    for key in names[:names.index(name) + 1]:
        if key[4] != block:
            x, block = painting.pooled(x), key[4]
        x = painting.convolved(x, *before[key])
    return {"this is the picture before the adapter": x,
            "the adapter is to be followed by relu": adapted(x, *network[layer])}


def adapted(x, w, b):
    """An adapter without its ReLU."""
    return np.einsum("nchw,fcij->nfhw", x, w) + b.reshape(1, -1, 1, 1)


@CHECKS("only the layers that are asked for cost anything")
def ends(work):
    """Behind the last wanted layer the weights do not fit any more, and nobody may notice."""
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    wrong = np.ones((2, 9, 3, 3))
    broken = {name: (w, b) if name.startswith(("conv1", "relu1")) else (wrong, b)
              for name, (w, b) in network.items()}
    found, _ = work.call("features", picture, broken, ["relu1_2"], doing="features of relu1_2")
    work.same("features", "the features of relu1_2", found["relu1_2"],
              painting.features(picture, network, ["relu1_2"])["relu1_2"])


@CHECKS("the picture receives a gradient")
def gradient(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    layers = ["relu1_2", "relu3_1"]
    weights = {layer: work.rng.normal(size=x.shape)
               for layer, x in painting.features(picture, network, layers).items()}
    found = work.call("pulled", picture, network, layers, weights, doing="the backward pass")
    if found is None or np.shape(found) != picture.shape:
        raise work.wrong("features", "the picture receives no gradient of its shape")

    def f(x):
        return sum((weights[layer] * painting.features(x, network, layers)[layer]).sum()
                   for layer in layers)

    along = work.rng.normal(size=picture.shape)
    work.same("features", "the slope of the features along a random direction",
              float((found * along).sum()), painting.slope_along(f, picture, along), rtol=1e-5,
              atol=1e-5)
