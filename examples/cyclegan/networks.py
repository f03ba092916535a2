"""The generator and the discriminators, with their numbers of parameters and receptive fields.

Follows "Advanced Topics in Deep Learning: Final Course Project", sections 4.1.2 and 5.1. The
networks deviate from the document where it cannot be meant literally:

- The last layer of the generator has 3 filters, not 64, and no instance normalisation. Its output
  is the picture, and tanh of normalised channels would give every picture the same contrast.
- The strided convolutions pad by 1 on every side. Keras's "same" padding pads an even image only on
  the right and at the bottom, which moves it by half a pixel; the sizes are equal.
- A discriminator of 2×2 filters with stride 2 does not see 70×70 pixels: see `receptive_field`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import minigrad as mg
from minigrad import nn
from minigrad.errors import ArgumentError

SPREAD = 0.02       # standard deviation of the first weights; Zhu et al. (2017), section 7.1


class Residual(nn.Module):
    """x + IN(conv(pad(relu(IN(conv(pad(x))))))): two 3×3 convolutions that learn a difference."""

    def __init__(self, channels: int) -> None:
        self.body = nn.Sequential(*_convolution(channels, channels, 3), nn.ReLU(),
                                  *_convolution(channels, channels, 3))

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return x + self.body(x)


def _convolution(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    """Return reflection padding and a convolution that keep the size, with instance norm."""
    return (nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect"),
            nn.InstanceNorm2d(outputs))


class Generator(nn.Module):
    """Pictures N×3×H×W in −1 … 1 to pictures of the other domain; H and W multiples of 4.

    Parameters
    ----------
    filters : of the first convolution; 64 in the document.
    blocks : residual blocks at a quarter of the size; 9 in the document.
    """

    def __init__(self, filters: int = 64, blocks: int = 9) -> None:
        wide, wider = 2 * filters, 4 * filters
        self.layers = nn.Sequential(
            *_convolution(3, filters, 7), nn.ReLU(),
            *_down(filters, wide), *_down(wide, wider),
            *(Residual(wider) for _ in range(blocks)),
            *_up(wider, wide), *_up(wide, filters),
            nn.Conv2d(filters, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh())
        first_weights(self)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.layers(x)


def _down(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """Return layers that halve the size."""
    return (nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.InstanceNorm2d(outputs),
            nn.ReLU())


def _up(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """Return layers that double the size."""
    return (nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(outputs), nn.ReLU())


class Layer(NamedTuple):
    """One convolution of a discriminator."""

    filters: int
    kernel: int
    stride: int
    padding: int


class Patches(NamedTuple):
    """Architecture of a discriminator: its layers, and the slope of its (leaky) ReLU."""

    layers: tuple[Layer, ...]
    slope: float


def _document(first: int, levels: int) -> Patches:
    """Return `levels` layers 2×2 of stride 2, filters doubling from `first`; then 4×4, unpadded."""
    halving = tuple(Layer(first << level, 2, 2, 0) for level in range(levels))
    return Patches((*halving, Layer(1, 4, 1, 0)), 0.0)


def _pix2pix(first: int, levels: int) -> Patches:
    """Return `levels` layers 4×4 of stride 2, one of stride 1, and the output, all padded by 1.

    Isola, Zhu, Zhou, Efros, "Image-to-image translation with conditional adversarial networks"
    (2017), section 6.1.2.
    """
    halving = tuple(Layer(first << level, 4, 2, 1) for level in range(levels))
    return Patches((*halving, Layer(first << levels, 4, 1, 1), Layer(1, 4, 1, 1)), 0.2)


DISCRIMINATORS = {
    "experiment1": _document(8, 3),     # 5.1.1; 5.1.4, the best model, is the same, trained longer
    "experiment2": _document(64, 4),    # 5.1.2, described as 70×70
    "patch34": _pix2pix(32, 2),         # for small pictures
    "patch70": _pix2pix(64, 3),         # the true 70×70
}


def receptive_field(layers: Sequence[Layer]) -> int:
    """Return the side of the patch that one output sees; backwards, r ← (r − 1)·S + f."""
    field = 1
    for layer in reversed(layers):
        field = (field - 1) * layer.stride + layer.kernel
    return field


class Discriminator(nn.Module):
    """Pictures N×3×H×W to a map N×1×P×Q: is this patch from the domain (1) or translated (0)?

    Instance normalisation follows every convolution but the first and the last.
    """

    def __init__(self, kind: str = "patch70") -> None:
        patches = DISCRIMINATORS[kind]
        inputs, stack = 3, []
        for position, layer in enumerate(patches.layers):
            stack.append(nn.Conv2d(inputs, layer.filters, layer.kernel, layer.stride,
                                   layer.padding))
            last = position == len(patches.layers) - 1
            if not last:
                stack += [nn.InstanceNorm2d(layer.filters)] * bool(position)
                stack.append(nn.LeakyReLU(patches.slope))
            inputs = layer.filters
        self.layers = nn.Sequential(*stack)
        first_weights(self)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.layers(x)


def first_weights(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02), and set biases to 0."""
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            nn.init.normal_(parameter, 0.0, SPREAD)
        else:
            nn.init.zeros_(parameter)


def count(network: nn.Module) -> int:
    """Return the number of learned parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def map_side(kind: str, side: int) -> int:
    """Return the side of a discriminator's map for pictures of side×side pixels."""
    for layer in DISCRIMINATORS[kind].layers:
        side = (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
    return side


def check_sizes(side: int, kind: str) -> None:
    """Check that the pictures fit the networks.

    Raises
    ------
    ArgumentError : the side is not a multiple of 4, or too small for the discriminator.
    """
    if side % 4 or side < 16:
        raise ArgumentError(f"the size {side} must be a multiple of 4 and at least 16: the "
                            f"generator halves it twice")
    if map_side(kind, side) < 1:
        raise ArgumentError(f"pictures of {side}×{side} pixels are too small for the discriminator "
                            f"{kind}, which sees {receptive_field(DISCRIMINATORS[kind].layers)} "
                            f"pixels; give a larger --size or another --discriminator")
