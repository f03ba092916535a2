"""VGG19 without its dense layers, as a plain function from a picture to named features.

Layers are named as in the paper: block and number, so ``conv4_2`` is the second convolution of
the fourth block, ``relu4_2`` what follows it, and ``pool4`` the pooling that ends the block.

References
----------
Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition"
(2014), table 1, configuration E.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

import minigrad.functional as F
from minigrad import Tensor
from minigrad.errors import ArgumentError
from weights_converter.vgg_spec import BLOCKS

# How much larger (root mean square) the pixels are that max pooling leaves than those that average
# pooling leaves of the same features: measured on eight paintings and photographs with the
# trained network, from which each picture is within 6 %.
MAX_TO_AVERAGE = {"pool1": 1.19, "pool2": 1.63, "pool3": 1.41, "pool4": 1.98, "pool5": 1.60}


def _layers() -> tuple[str, ...]:
    names: list[str] = []
    for block, (_, convolutions) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            names += [f"conv{block}_{number}", f"relu{block}_{number}"]
        names.append(f"pool{block}")
    return tuple(names)


LAYERS = _layers()      # conv1_1, relu1_1, conv1_2, …, relu5_4, pool5, as a picture passes them


def deepest(layers: Collection[str]) -> str:
    """That of ``layers`` which a picture reaches last."""
    return max(layers, key=LAYERS.index)


def last_convolution(layer: str) -> str:
    """The last convolution that has to run before ``layer`` is known."""
    return [name for name in LAYERS[:LAYERS.index(layer) + 1] if name.startswith("conv")][-1]


def min_size(layers: Collection[str]) -> int:
    """The shortest side, in pixels, that leaves at least one pixel in each of ``layers``."""
    return 2 ** _poolings(deepest(layers))


def size_at(layer: str, height: int, width: int) -> tuple[int, int]:
    """Height and width that a picture of ``height``×``width`` pixels has in ``layer``."""
    return height >> _poolings(layer), width >> _poolings(layer)


def _poolings(layer: str) -> int:
    """How often a picture is halved on its way to the end of ``layer``."""
    return sum(name.startswith("pool") for name in LAYERS[:LAYERS.index(layer) + 1])


@dataclass(frozen=True)
class Network:
    """A VGG19 that is ready to run: frozen weights, and how it wants its pictures.

    Attributes
    ----------
    parameters : dict
        "conv1_1" … -> (weight O×I×3×3, bias O), constants on one device.
    color_order : str
        "RGB" or "BGR": order of the input channels.
    mean : tuple of three float
        What black must be set to: subtracted from pixels 0-255, in that order.
    scale : tuple of three float
        What centred pixels are multiplied by before conv1_1, in that order. Ones for Oxford's
        weights; 1/(255·σ) for weights that were trained on pixels 0-1.
    source : str
        Where the weights come from, for people.
    """

    parameters: dict[str, tuple[Tensor, Tensor]]
    color_order: str
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    source: str
    _uploaded: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def walk(self, picture: Tensor, layers: Collection[str], pooling: str = "max",
             padding: str = "zeros") -> Iterator[tuple[str, Tensor]]:
        """The features of a centred picture, one layer after the other; see :func:`walk`."""
        if self.scale != (1.0, 1.0, 1.0):
            picture = picture * self._factors(picture)
        return walk(picture, self.parameters, layers, pooling, padding)

    def _factors(self, picture: Tensor) -> Tensor:
        """``scale`` as 1×3×1×1 beside the picture; a GPU cannot record a pass that uploads it."""
        kind = str(picture.dtype), picture.device
        if kind not in self._uploaded:
            scale = np.array(self.scale).reshape(1, 3, 1, 1)
            self._uploaded[kind] = Tensor(scale, dtype=picture.dtype, device=picture.device)
        return self._uploaded[kind]

    def features(self, picture: Tensor, layers: Collection[str], pooling: str = "max",
                 padding: str = "zeros") -> dict[str, Tensor]:
        """What :meth:`walk` yields, as a dict."""
        return dict(self.walk(picture, layers, pooling, padding))


def features(x: Tensor, parameters: dict[str, tuple[Tensor, Tensor]], layers: Collection[str],
             pooling: str = "max", padding: str = "zeros") -> dict[str, Tensor]:
    """What :func:`walk` yields, as a dict."""
    return dict(walk(x, parameters, layers, pooling, padding))


def walk(x: Tensor, parameters: dict[str, tuple[Tensor, Tensor]], layers: Collection[str],
         pooling: str = "max", padding: str = "zeros") -> Iterator[tuple[str, Tensor]]:
    """Run ``x`` through the network, as far as the deepest of ``layers``.

    Whoever computes a layer's loss as soon as the layer comes lets the backward pass add its
    gradient as late as possible: no gradient of a whole layer waits for the deeper ones.

    Parameters
    ----------
    x : Tensor, N×3×H×W
        Prepared as the weights want it.
    parameters : dict
        Weight and bias of every convolution up to the deepest layer.
    layers : collection of str
        Whose features to return, out of `LAYERS`.
    pooling : str
        "max", "avg", or "avg-scaled" (times `MAX_TO_AVERAGE`, so that later layers get numbers
        of the size that they were trained on): how each 2×2 window becomes one pixel; an odd
        row or column at the edge is dropped.
    padding : str
        "zeros", "replicate" or "reflect": what conv1_1 sees beyond the edge. Everywhere else it
        is zeros, as in training; but only of the picture are zeros a colour, the mean one, which
        makes a frame.

    Yields
    ------
    (layer, features N×C×H'×W'), in the order in which the picture reaches them.
    """
    if not layers:
        return
    margin = 1
    if padding != "zeros":
        x, margin = F.pad(x, 1, padding), 0
    for name in LAYERS[:LAYERS.index(deepest(layers)) + 1]:
        convolution = name.replace("relu", "conv")
        if convolution.startswith("conv") and convolution not in parameters:
            if name in layers:
                raise ArgumentError(f"the layer {name} is wanted, but these weights have no "
                                    f"{convolution}: they are VGG16's")
            continue                # VGG16 has three convolutions where VGG19 has four
        if name.startswith("conv") and name in layers:      # wanted as it is, before the ReLU
            x, margin = F.conv2d(x, *parameters[name], padding=margin), 1
        elif name.startswith("relu"):
            x = F.relu(x) if convolution in layers else F.conv2d_relu(
                x, *parameters[convolution], padding=margin)
            margin = 1
        elif name.startswith("pool"):
            x = pooled(x, name, pooling)
        if name in layers:
            yield name, x


def pooled(x: Tensor, name: str, pooling: str) -> Tensor:
    """The end of a block, "pool1" …; ``pooling`` as for :func:`features`."""
    if pooling == "max":
        return F.max_pool2d(x, 2)
    pooled = F.avg_pool2d(x, 2)
    return pooled * MAX_TO_AVERAGE[name] if pooling == "avg-scaled" else pooled
