"""The small network that ships with nst: eleven convolutions that imitate VGG19.

Its convolutions have at most a quarter of VGG19's channels. Each layer that style transfer needs
has an adapter, a 1×1 convolution to VGG19's number of channels. Its result, after a ReLU,
approximates VGG19's features in value and scale, so layer names and loss weights stay the same.
`tools.distill` trains it.

References
----------
Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (2015); adapters as in
Romero et al., "FitNets: Hints for Thin Deep Nets" (2015), section 2.2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import minigrad.functional as F
from minigrad import Tensor
from minigrad.errors import ArgumentError
from nst.model import vgg
from nst.model.small_file import read_small

SMALL = "small"             # its name in --weights

# Layer -> the convolution whose result is its adapter's input.
ADAPTED = {layer: layer.replace("relu", "conv") for layer in (
    "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu4_1",
    "relu4_2", "relu5_1")}


def path() -> Path:
    """The trained file, inside this package."""
    return Path(__file__).with_name("data") / "small.h5"


@dataclass(frozen=True)
class SmallNetwork(vgg.Network):
    """The small network, ready to run; attributes as for `vgg.Network`.

    ``parameters`` holds the convolutions "conv1_1" … (weight O×I×3×3, bias O), and the adapters
    under the names of their layers, "relu1_1" … (weight T×O×1×1, bias T).
    """

    def walk(self, picture: Tensor, layers: Collection[str], pooling: str = "max",
             padding: str = "zeros") -> Iterator[tuple[str, Tensor]]:
        """Yield the features of a centred picture, layer by layer; see `small.walk`."""
        return walk(picture * self._factors(picture), self.parameters, layers, pooling, padding)

    def has_layer(self, name: str) -> bool:
        """Whether there is an adapter for the layer `name`."""
        return name in ADAPTED and name in self.parameters


def walk(x: Tensor, parameters: Mapping[str, tuple[Tensor, Tensor]], layers: Collection[str],
         pooling: str = "max", padding: str = "zeros") -> Iterator[tuple[str, Tensor]]:
    """Run `x` through the small network, down to the deepest of `layers`.

    Parameters
    ----------
    x : Tensor, N×3×H×W
        Centred and scaled.
    parameters : mapping
        See `SmallNetwork`.
    layers : collection of str
        Out of `ADAPTED`, and of `parameters`.
    pooling, padding : str
        As for `vgg.walk`; the network was trained with "max" and "zeros".

    Yields
    ------
    (layer, features N×T×H'×W'), with as many channels T as VGG19 has.

    Raises
    ------
    ArgumentError
        The network has no such layer.
    """
    check_layers(layers, parameters)
    pending = {ADAPTED[layer]: layer for layer in layers}
    block, margin = 1, 1
    if padding != "zeros":
        x, margin = F.pad(x, 1, padding), 0
    for convolution in map(vgg.Layer.parse, parameters):
        if not pending:
            break
        if convolution.kind != "conv":          # an adapter
            continue
        if convolution.block != block:
            x, block = vgg.pooled(x, block, pooling), convolution.block
        name = str(convolution)
        x, margin = F.conv2d_relu(x, *parameters[name], padding=margin), 1
        if name in pending:
            layer = pending.pop(name)
            yield layer, F.conv2d_relu(x, *parameters[layer])


def check_layers(layers: Collection[str], parameters: Collection[str]) -> None:
    """Check that a small network with these `parameters` has all of `layers`.

    Raises
    ------
    ArgumentError
        A layer is missing; the message lists those that exist.
    """
    present = [layer for layer in ADAPTED if layer in parameters]
    missing = [layer for layer in layers if layer not in present]
    if missing:
        raise ArgumentError(f"the small network has no layer {missing[0]}, only "
                            f"{', '.join(present) or 'convolutions'}; choose one of these, or "
                            f"VGG19 with --weights FILE")


def load(file: str | Path, source: str, device: str) -> SmallNetwork:
    """The small network in `file`, on `device`; `source` is its name in messages.

    Raises
    ------
    WeightsError
        The file is missing, damaged or of another kind.
    """
    weights = read_small(file)
    first, second, third = weights.std
    return SmallNetwork(
        parameters={name: (Tensor(weight, device=device), Tensor(bias, device=device))
                    for name, (weight, bias) in weights.layers.items()},
        color_order=weights.color_order, mean=weights.mean,
        scale=(1 / first, 1 / second, 1 / third), source=source)
