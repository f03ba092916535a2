"""Sizes of feature maps and numbers of weights: formulae compared with the engine.

Follows "Workshop 3. Convolutional Neural Network + Style Transfer", slides "An idea of CNN"
(weights), "Convolutional Layer" (sizes) and "Pooling Layer", and "Deep Learning Review", sections
4.2 to 4.5, whose three formulae are one: ⌊(n + 2p − f)/S⌋ + 1, with p = 0 and S = 1 in the first
(n − f + 1) and S = 1 in the third (n + 2p − f + 1). The slides' (N − F)/stride + 1 is the same
without padding, for strides that divide N − F.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import minigrad as mg
from minigrad import functional as F
from minigrad import nn


def map_size(n: int, f: int, stride: int = 1, padding: int = 0) -> int:
    """Return ⌊(n + 2p − f)/S⌋ + 1, the side of a feature map in pixels."""
    return (n + 2 * padding - f) // stride + 1


class Case(NamedTuple):
    """One row of the table of sizes."""

    where: str
    n: int
    f: int
    stride: int
    padding: int


CASES = (
    Case("slides: 3×3 filter, stride 1", 7, 3, 1, 0),
    Case("slides: 3×3 filter, stride 2", 7, 3, 2, 0),
    Case("slides: padding P = 1 keeps the size", 7, 3, 1, 1),
    Case("review, 4.3: rounded down", 6, 3, 2, 0),
    Case("review, 4.5: pooling 2×2, stride 2", 8, 2, 2, 0),
)


def engine_size(case: Case, device: str = "cpu") -> int:
    """Return the side of the result of the engine's convolution."""
    image = mg.zeros(1, 1, case.n, case.n, device=device)
    filters = mg.zeros(1, 1, case.f, case.f, device=device)
    return F.conv2d(image, filters, None, case.stride, case.padding).shape[2]


def slide_weights() -> list[tuple[str, int, int, int]]:
    """Return (layer, inputs, outputs, weights) for 7 inputs and 4 outputs, without biases.

    The slides show 28, 4 and 3, but their drawings are lost. A shared filter of 4 makes 4 outputs
    at stride 1; one of 3 makes 4 at stride 2 with a zero on each side.
    """
    layers = (("fully connected", nn.Linear(7, 4, bias=False)),
              ("shared filter of 4", nn.Conv2d(1, 1, (1, 4), bias=False)),
              ("shared filter of 3", nn.Conv2d(1, 1, (1, 3), (1, 2), (0, 1), bias=False)))
    rows = []
    for name, layer in layers:
        x = mg.zeros(1, 7) if isinstance(layer, nn.Linear) else mg.zeros(1, 1, 1, 7)
        rows.append((name, 7, layer(x).shape[-1], layer.weight.numel()))
    return rows


def network_sizes(network: nn.Module,
                   device: str = "cpu") -> Iterator[tuple[str, int, int, tuple]]:
    """Yield (layer, side by the formula, actual side, shape) of the maps of `digits_cnn`."""
    settings = {"conv1": (3, 1, 1), "conv2": (3, 1, 1), "pool": (2, 2, 0), "conv3": (3, 1, 0)}
    with mg.no_grad():
        stages = network.to(device).stages(mg.zeros(1, 1, 8, 8, device=device))
    side = 8
    for name, (f, stride, padding) in settings.items():
        side = map_size(side, f, stride, padding)
        yield name, side, stages[name].shape[2], stages[name].shape[1:]


def report(network: nn.Module, device: str = "cpu") -> None:
    """Print all tables."""
    print("1. Sizes: ⌊(n + 2p − f)/S⌋ + 1")
    print("                                           n   f   S   p   formula   engine")
    for case in CASES:
        print(f"   {case.where:<38} {case.n:3d} {case.f:3d} {case.stride:3d} {case.padding:3d}   "
              f"{map_size(*case[1:]):7d}   {engine_size(case, device):6d}")
    for name, formula, side, shape in network_sizes(network, device):
        print(f"   this network: {name:<41}   {formula:7d}   {side:6d}   "
              f"({'×'.join(map(str, shape))})")
    pooled = map_size(8, 2, 2) ** 2
    print(f"   pooling 2×2 keeps {pooled} of 64 activations: {1 - pooled / 64:.0%} are discarded")
    print("   weights:  " + ",  ".join(f"{name}, {n} → {o}: {weights}"
                                       for name, n, o, weights in slide_weights()) + "\n")
