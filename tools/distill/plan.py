"""The architecture of the small network and its cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minigrad import Tensor
from nst.model.small import ADAPTED
from nst.model.vgg import Layer
from weights_converter import vgg_spec
from weights_converter.weights import Layers

# Filters of each convolution, in forward order. Block 3 has a third convolution, which helps the
# deep layers at the cost of few parameters. The network has 0.7 million parameters and less than a
# fifteenth of VGG19's operations.
FILTERS = {"conv1_1": 16, "conv1_2": 16, "conv2_1": 32, "conv2_2": 32,
           "conv3_1": 64, "conv3_2": 64, "conv3_3": 64,
           "conv4_1": 128, "conv4_2": 128, "conv5_1": 128}

INPUT_DEVIATION = 64.0      # grey levels: centred pixels are divided by this

Parameters = dict[str, tuple[Tensor, Tensor]]


def channels(layer: str) -> int:
    """Number of VGG19's channels at `layer` ("relu3_1")."""
    return vgg_spec.WEIGHT_SHAPES[Layer.parse(layer).convolution][0]


def shapes() -> dict[str, tuple[int, int, int, int]]:
    """Layer -> shape of its weight: the convolutions in order, then the adapters."""
    shapes: dict[str, tuple[int, int, int, int]] = {}
    inputs = 3
    for name, filters in FILTERS.items():
        shapes[name] = (filters, inputs, 3, 3)
        inputs = filters
    for layer, convolution in ADAPTED.items():
        shapes[layer] = (channels(layer), FILTERS[convolution], 1, 1)
    return shapes


def scaled(parameters: Parameters, gains: dict[str, np.ndarray]) -> Parameters:
    """Multiply the adapters' rows by fixed `gains`, layer -> one number per channel.

    VGG19's channels differ in magnitude by a factor of a hundred, and Adam changes each number by
    about its learning rate. With these gains, all channels learn at the same speed.
    """
    def times(pair: tuple[Tensor, Tensor], gain: np.ndarray) -> tuple[Tensor, Tensor]:
        weight, bias = pair
        return weight * Tensor(gain.reshape(-1, 1, 1, 1)), bias * Tensor(gain)

    return {name: times(pair, gains[name]) if name in gains else pair
            for name, pair in parameters.items()}


def count_parameters(layers: Layers) -> int:
    """Number of weights and biases."""
    return sum(weight.size + bias.size for weight, bias in layers.values())


def operations(weight_shapes: Mapping[str, tuple[int, ...]]) -> float:
    """Multiplications of a forward pass per pixel of the picture.

    Layers are named as in VGG19: block b has one 4^(b-1)-th of the pixels.
    """
    return sum(float(np.prod(shape)) / 4 ** (Layer.parse(name).block - 1)
               for name, shape in weight_shapes.items())


def teacher_operations() -> float:
    """The same for VGG19 up to conv5_1."""
    used = vgg_spec.LAYERS[:vgg_spec.LAYERS.index("conv5_1") + 1]
    return operations({name: vgg_spec.WEIGHT_SHAPES[name] for name in used})
