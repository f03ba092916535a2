"""Checks of step 26."""

import numpy as np

from course.grading import painting
from course.grading.checks import Checks
from course.grading.layers import convolved

CHECKS = Checks()


@CHECKS("the features of each layer",
        ("ValueError", "matmul needs shapes", "does the next convolution get the maps before the "
                                              "adapter, and each the weights of its own name?"),
        ("KeyError", "conv", "an adapter has the name of its layer, relu1_1"),
        ("KeyError", "relu", "a convolution has its own name, conv1_1; an adapter that of a layer"),
        ("AttributeError", "'tuple' object", "network[name] is a pair: w, b"))
def values(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    for layers in (["relu1_1"], ["relu1_2"], ["relu2_1"], ["relu3_1"], ["relu3_2"],
                   ["relu3_2", "relu1_1"], ["relu1_1", "relu1_2", "relu2_1", "relu3_1", "relu3_2"]):
        found, tensors, requires = work.call("features", picture, network, layers,
                                             doing=f"features for {layers}")
        right = painting.features(picture, network, layers)
        if found is None or sorted(found) != sorted(layers):
            told = "None: is a `return` missing?" if found is None else f"{sorted(found)}"
            if found is not None and set(found) <= set(network) - set(right) and (
                    not found or next(iter(found)).startswith("conv")):
                told += "; `layers` holds names like relu1_1 (`layer`), not like conv1_1 (`name`)"
            raise work.wrong("features", f"features for {layers} returns {told}")
        for layer in layers:
            if not tensors[layer]:
                raise work.wrong("features", f"the features of {layer} are no Tensor; as plain "
                                             f"arrays they would send the picture no gradient")
            work.same("features", f"what features returns for {layer}", found[layer], right[layer],
                      likely=mistakes(picture, network, layer))
        if not requires:
            raise work.wrong("features", f"the features of {layers} do not require a gradient, "
                                         f"though the picture does: is its `data` used?")


def mistakes(picture, network, layer):
    """What common mistakes give."""
    def walk(**mistake):
        return walked(picture, network, layer, **mistake)

    found = {
        "this is the picture before the adapter": walk(adapter=False),
        "the adapter is to be followed by relu": walk(last=linear),
        "behind each convolution comes a relu": walk(relu=linear),
        "behind each convolution and behind the adapter comes a relu":
            walk(relu=linear, last=linear),
        "halve the picture at each new block, whose digit is name[4]; name[6] counts within it":
            walk(digit=6),
        "halve the picture at each new block, not before each convolution": walk(every=True),
        "the picture is to be halved before the first convolution of a new block":
            walk(pool=lambda x: x),
        "note the new block once the picture is halved, or each later convolution halves again":
            walk(forgets=True),
        "max-pool, not the mean": walk(pool=averaged),
        "halve before the first convolution of a new block, not behind it": walk(before=False),
        "the convolutions take a padding of 1": walk(padding=0),
        "the adapter takes no padding": walk(adapter_padding=1),
        "the bias of the convolutions is missing": walk(bias=0),
        "no halving before the adapter: it belongs before the next convolution":
            walk(pooled_features=True)}
    return {sentence: value for sentence, value in found.items() if value is not None}


def walked(x, network, layer, *, relu=lambda x: np.maximum(x, 0), last=lambda x: np.maximum(x, 0),
           pool=painting.pooled, digit=4, every=False, forgets=False, before=True, padding=1,
           adapter=True, adapter_padding=0, bias=1, pooled_features=False):
    """The features of one layer, or with one mistake; None where the picture gets too small."""
    name, block = layer.replace("relu", "conv"), "1"
    names = [name for name in network if name.startswith("conv")]
    for number, key in enumerate(names[:names.index(name) + 1]):
        new = key[digit] != block or (every and number > 0)
        if new and before:
            x = pool(x)
        if not forgets:
            block = key[digit]
        w, b = network[key]
        if min(x.shape[2:]) + 2 * padding < 3:
            return None
        x = relu(convolved(x, w, b * bias, padding))
        if new and not before:
            x = pool(x)
    if pooled_features:
        x = pool(x)
    if not adapter:
        return x
    return last(convolved(x, *network[layer], adapter_padding))


def linear(x):
    return x


def averaged(x):
    """The mean of each block of 2 × 2 pixels."""
    n, channels, height, width = x.shape
    return x.reshape(n, channels, height // 2, 2, width // 2, 2).mean((3, 5)) if (
        height % 2 == width % 2 == 0) else painting.pooled(x)


@CHECKS("only the layers that are asked for cost anything",
        ("ValueError", "matmul", "a convolution or an adapter was run that nobody asked for"))
def ends(work):
    """Behind the last wanted layer the weights do not fit any more, and nobody may notice."""
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    wrong = np.ones((2, 9, 3, 3))
    broken = {name: (w, b) if name.startswith(("conv1", "relu1")) else (wrong, b)
              for name, (w, b) in network.items()}
    found, *_ = work.call("features", picture, broken, ["relu1_2"],
                          doing="features for ['relu1_2'], where no later weights fit,")
    work.same("features", "what features returns for relu1_2", (found or {}).get("relu1_2"),
              painting.features(picture, network, ["relu1_2"])["relu1_2"])


@CHECKS("the picture receives a gradient")
def gradient(work):
    network, picture = painting.random_network(work.rng), painting.random_picture(work.rng)
    layers = ["relu1_2", "relu3_1"]
    weights = {layer: work.rng.normal(size=x.shape)
               for layer, x in painting.features(picture, network, layers).items()}
    found, others = work.call("pulled", picture, network, layers, weights,
                              doing="the backward pass of features")
    if others:
        raise work.wrong("features", "weights require a gradient here, though nobody asks for it; "
                                     "hand the arrays themselves to conv2d")
    if found is None or np.shape(found) != picture.shape:
        raise work.wrong("features", "the picture receives no gradient of its shape")

    def f(x):
        return sum((weights[layer] * painting.features(x, network, layers)[layer]).sum()
                   for layer in layers)

    along = work.rng.normal(size=picture.shape)
    work.same("features", "the slope of the features along a random direction",
              float((found * along).sum()), painting.slope_along(f, picture, along), rtol=1e-5,
              atol=1e-5)
