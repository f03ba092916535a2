"""VGG19 without its dense layers, as a plain function from a picture to named features.

Layers are named by block and number, as in the paper: `conv4_2` is the second convolution of the
fourth block, `relu4_2` the ReLU after it, and `pool4` the pooling that ends the block.

References
----------
Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition"
(2014), table 1, configuration E.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

import minigrad.functional as F
from minigrad import Tensor
from minigrad.errors import ArgumentError
from weights_converter.vgg_spec import BLOCKS

# The root mean square of max pooling over that of average pooling, by block: measured on eight
# paintings and photographs with the trained network. Each picture is within 6 % of the mean.
MAX_TO_AVERAGE = {1: 1.19, 2: 1.63, 3: 1.41, 4: 1.98, 5: 1.60}


@dataclass(frozen=True)
class Layer:
    """A layer by its place in the network.

    Attributes
    ----------
    kind : str
        "conv", "relu" or "pool".
    block : int
        From 1 to 5.
    number : int
        Place in the block, from 1; 0 for the pooling that ends it.
    """

    kind: str
    block: int
    number: int = 0

    @staticmethod
    @functools.cache
    def parse(name: str) -> Layer:
        """Parse the name of a layer, such as "conv4_2" or "pool4".

        Raises
        ------
        ArgumentError
            The name is not of this form.
        """
        match = re.fullmatch(r"(conv|relu)([1-9])_([1-9])|(pool)([1-9])", name)
        if match is None:
            raise ArgumentError(f"{name!r} is not the name of a layer; names look like conv4_2, "
                                f"relu4_2 or pool4")
        kind, block, number, pool, pool_block = match.groups()
        return Layer(pool, int(pool_block)) if pool else Layer(kind, int(block), int(number))

    def __str__(self) -> str:
        return f"{self.kind}{self.block}" + (f"_{self.number}" if self.number else "")

    @property
    def convolution(self) -> str:
        """Name of the convolution before this ReLU, or of this convolution."""
        return f"conv{self.block}_{self.number}"


def _layers() -> Iterator[Layer]:
    for block, (_, convolutions) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            yield Layer("conv", block, number)
            yield Layer("relu", block, number)
        yield Layer("pool", block)


LAYERS = tuple(map(str, _layers()))     # conv1_1, relu1_1, conv1_2, …, relu5_4, pool5


def up_to(name: str) -> list[Layer]:
    """All layers from the first one to the layer `name`, included."""
    return [Layer.parse(other) for other in LAYERS[:LAYERS.index(name) + 1]]


def deepest(layers: Collection[str]) -> str:
    """The one of `layers` that comes last in the network."""
    return max(layers, key=LAYERS.index)


def last_convolution(name: str) -> str:
    """The last convolution that the layer `name` depends on."""
    return [str(layer) for layer in up_to(name) if layer.kind == "conv"][-1]


def min_size(layers: Collection[str]) -> int:
    """The smallest side, in pixels, of a picture that has a position in each of `layers`."""
    return 2 ** _poolings(deepest(layers))


def size_at(layer: str, height: int, width: int) -> tuple[int, int]:
    """Height and width of the features of a picture of `height`×`width` pixels."""
    return height >> _poolings(layer), width >> _poolings(layer)


def _poolings(name: str) -> int:
    """The number of poolings from the picture to the layer `name`."""
    return sum(layer.kind == "pool" for layer in up_to(name))


@dataclass(frozen=True)
class Network:
    """A VGG19 that is ready to run: constant weights, and the preprocessing of pictures.

    Attributes
    ----------
    parameters : dict
        "conv1_1" … -> (weight O×I×3×3, bias O), constants on one device.
    color_order : str
        "RGB" or "BGR": order of the input channels.
    mean : tuple of three float
        Subtracted from pixels 0-255, in that order.
    scale : tuple of three float
        Factors of centred pixels before conv1_1, in that order. Ones for Oxford's weights;
        1/(255·σ) for weights that were trained on pixels 0-1.
    source : str
        Origin of the weights, for messages.
    """

    parameters: dict[str, tuple[Tensor, Tensor]]
    color_order: str
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    source: str
    _uploaded: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def walk(self, picture: Tensor, layers: Collection[str], pooling: str = "max",
             padding: str = "zeros") -> Iterator[tuple[str, Tensor]]:
        """Yield the features of a centred picture, layer by layer; see `vgg.walk`."""
        if self.scale != (1.0, 1.0, 1.0):
            picture = picture * self._factors(picture)
        return walk(picture, self.parameters, layers, pooling, padding)

    def has_layer(self, name: str) -> bool:
        """Whether these weights can compute the layer `name`, a convolution or a ReLU."""
        return Layer.parse(name).convolution in self.parameters

    def _factors(self, picture: Tensor) -> Tensor:
        """`scale` as 1×3×1×1 on the picture's device; a recorded CUDA graph cannot upload it."""
        kind = str(picture.dtype), picture.device
        if kind not in self._uploaded:
            scale = np.array(self.scale).reshape(1, 3, 1, 1)
            self._uploaded[kind] = Tensor(scale, dtype=picture.dtype, device=picture.device)
        return self._uploaded[kind]

    def features(self, picture: Tensor, layers: Collection[str], pooling: str = "max",
                 padding: str = "zeros") -> dict[str, Tensor]:
        """The features of a centred picture, by layer; see `vgg.walk`."""
        return dict(self.walk(picture, layers, pooling, padding))


def walk(x: Tensor, parameters: dict[str, tuple[Tensor, Tensor]], layers: Collection[str],
         pooling: str = "max", padding: str = "zeros") -> Iterator[tuple[str, Tensor]]:
    """Run `x` through the network, down to the deepest of `layers`.

    If the caller computes each layer's loss immediately, the backward pass adds the layer's
    gradient as late as possible, so no gradient of a whole layer is kept during the deeper ones.

    Parameters
    ----------
    x : Tensor, N×3×H×W
        Preprocessed as the weights require.
    parameters : dict
        Weight and bias of every convolution down to the deepest layer.
    layers : collection of str
        Layers whose features to return, out of `LAYERS`.
    pooling : str
        "max", "avg", or "avg-scaled" (times `MAX_TO_AVERAGE`, so that later layers receive numbers
        of the magnitude that they were trained on): the value of each 2×2 window. An odd row or
        column at the edge is dropped.
    padding : str
        "zeros", "replicate" or "reflect": the input of conv1_1 beyond the edge. All other layers
        pad with zeros, as in training; but zeros around the picture are a colour, the mean colour,
        which leads to a frame.

    Yields
    ------
    (layer, features N×C×H'×W'), in the order of the network.

    Raises
    ------
    ArgumentError
        The weights lack a convolution of a requested layer.
    """
    if not layers:
        return
    margin = 1
    if padding != "zeros":
        x, margin = F.pad(x, 1, padding), 0
    for layer in up_to(deepest(layers)):
        name, convolution = str(layer), layer.convolution
        if layer.kind == "pool":
            x = pooled(x, layer.block, pooling)
        elif convolution not in parameters:
            if name in layers:
                raise ArgumentError(f"the layer {name} is requested, but these weights have no "
                                    f"{convolution}: they are those of VGG16")
            continue                # VGG16 has three convolutions where VGG19 has four
        elif layer.kind == "conv":
            if name in layers:      # the features before the ReLU
                x, margin = F.conv2d(x, *parameters[name], padding=margin), 1
        else:
            x = F.relu(x) if convolution in layers else F.conv2d_relu(
                x, *parameters[convolution], padding=margin)
            margin = 1
        if name in layers:
            yield name, x


def pooled(x: Tensor, block: int, pooling: str) -> Tensor:
    """The pooling at the end of a block; `pooling` as for `walk`."""
    if pooling == "max":
        return F.max_pool2d(x, 2)
    average = F.avg_pool2d(x, 2)
    return average * MAX_TO_AVERAGE[block] if pooling == "avg-scaled" else average
