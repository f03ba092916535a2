"""The architecture of the small network and its cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minigrad import Tensor
from nst.model.small import ADAPTED
from nst.model.vgg import Layer
from weights_converter import vgg_spec
from weights_converter.weights import Layers

# Filters of each convolution, in forward order. Blocks 3 and 4 have one convolution more than the
# adapters need (VGG19 has four in each), which helps the deep layers for few parameters. The widths
# fit into 2,000,000 bytes, and into a ninth of VGG19's operations.
FILTERS = {"conv1_1": 16, "conv1_2": 24, "conv2_1": 40, "conv2_2": 48,
           "conv3_1": 80, "conv3_2": 80, "conv3_3": 80,
           "conv4_1": 144, "conv4_2": 128, "conv4_3": 128, "conv5_1": 160}

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
    """The `operations` of VGG19 up to conv5_1."""
    used = vgg_spec.LAYERS[:vgg_spec.LAYERS.index("conv5_1") + 1]
    return operations({name: vgg_spec.WEIGHT_SHAPES[name] for name in used})
