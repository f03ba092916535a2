"""How the student is built: its layers, and what it costs."""

from __future__ import annotations

import numpy as np

from minigrad import Tensor
from nst.model.small import ADAPTED
from weights_converter import vgg
from weights_converter.weights import Layers

# Filters of each convolution, in the order in which a picture passes them. Block 3 has a third
# one, which gives the deep layers more to build on for few parameters; widths are what fits into
# 0.7 million parameters and a fifteenth of VGG19's operations.
FILTERS = {"conv1_1": 16, "conv1_2": 16, "conv2_1": 32, "conv2_2": 32,
           "conv3_1": 64, "conv3_2": 64, "conv3_3": 64,
           "conv4_1": 128, "conv4_2": 128, "conv5_1": 128}

INPUT_DEVIATION = 64.0      # grey levels: what centred pixels are divided by

Parameters = dict[str, tuple[Tensor, Tensor]]


def channels(layer: str) -> int:
    """How many channels VGG19 has at ``layer`` ("relu3_1")."""
    return vgg.WEIGHT_SHAPES[layer.replace("relu", "conv")][0]


def shapes() -> dict[str, tuple[int, int, int, int]]:
    """Layer -> shape of its weight; first the convolutions in their order, then the adapters."""
    found, inputs = {}, 3
    for name, filters in FILTERS.items():
        found[name] = (filters, inputs, 3, 3)
        inputs = filters
    for layer, convolution in ADAPTED.items():
        found[layer] = (channels(layer), FILTERS[convolution], 1, 1)
    return found


def scaled(parameters: Parameters, gains: dict[str, np.ndarray]) -> Parameters:
    """The parameters with the adapters' rows multiplied by fixed ``gains``, layer -> T numbers.

    VGG19's channels differ in size by a factor of a hundred, and Adam moves each number by about
    its rate: with the sizes taken out, all channels are learned at the same speed.
    """
    def times(pair: tuple[Tensor, Tensor], gain: np.ndarray) -> tuple[Tensor, Tensor]:
        weight, bias = pair
        return weight * Tensor(gain.reshape(-1, 1, 1, 1)), bias * Tensor(gain)

    return {name: times(pair, gains[name]) if name in gains else pair
            for name, pair in parameters.items()}


def count_parameters(layers: Layers) -> int:
    """How many numbers the layers hold."""
    return sum(weight.size + bias.size for weight, bias in layers.values())


def operations(weight_shapes: dict[str, tuple[int, ...]]) -> float:
    """Multiplications per pixel of the picture that a forward pass through such layers takes.

    Layers are named as in VGG19: those of block b see a 4^(b-1)th of the pixels.
    """
    return sum(float(np.prod(shape)) / 4 ** (int(name[4]) - 1)
               for name, shape in weight_shapes.items())


def teacher_operations() -> float:
    """The same for VGG19 as far as conv5_1."""
    used = vgg.LAYERS[:vgg.LAYERS.index("conv5_1") + 1]
    return operations({name: vgg.WEIGHT_SHAPES[name] for name in used})
