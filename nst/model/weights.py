"""Find the weights of the network and load them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from minigrad import Tensor
from minigrad.errors import ArgumentError, FileError
from minigrad.printable import shown
from nst.model import small, vgg
from nst.model.small_file import is_small
from weights_converter import Weights, WeightsError, read_weights, vgg_spec
from weights_converter.cache import cache_file

VARIABLE = "NST_WEIGHTS"
HOW_TO_FETCH = ("python -m weights_converter fetch vgg19 downloads the full network (80 MB), "
                "verifies and stores it")


class NoWeightsError(FileError):
    """No weights were found in any of the usual places."""

    longest = None      # one line for each way to get them


def find(named: str | Path | None = None) -> str:
    """The weights to load: `named`, those of the environment variable, those in the user's cache
    folder, or "small", the network in this package; the first of these that exists.

    Raises
    ------
    NoWeightsError
        There are none; the message tells in two lines what to do.
    """
    named = named or os.environ.get(VARIABLE)
    if named:
        return str(named)
    cached = _cached()
    if cached is not None:
        return str(cached)
    if os.path.isfile(small.path()):
        return small.SMALL
    raise NoWeightsError(
        f"there are no VGG19 weights yet: {HOW_TO_FETCH}\n"
        f"--weights FILE or {VARIABLE}=FILE selects a file made by python -m weights_converter; "
        "--weights random:0 paints with random features, only to show that the program works")


def full_network_is_missing(source: str) -> bool:
    """Whether `source` is the small network because this machine has no other."""
    return (source == small.SMALL and not os.environ.get(VARIABLE)
            and _cached() is None)


def _cached() -> Path | None:
    """The file in the user's cache; None without one, or if there is no home or it is not ours."""
    try:
        path = cache_file()
        with open(path, "rb"):
            return path
    except (OSError, WeightsError):
        return None


def random_seed(source: str) -> int | None:
    """The seed in "random:SEED"; None if `source` is a file.

    Raises
    ------
    ArgumentError
        "random:" is not followed by a whole number of at most 18 digits.
    """
    if not source.startswith("random:"):
        return None
    if not re.fullmatch(r"random:[0-9]{1,18}", source):
        raise ArgumentError(f"weights is {shown(source)}, but random: must be followed by a whole "
                            f"number of at most 18 digits, as in random:0")
    return int(source.removeprefix("random:"))


def load(source: str, deepest: str, device: str) -> vgg.Network:
    """A network down to the layer `deepest`, on `device`.

    Parameters
    ----------
    source : str
        A converted file, "small" or a file of the small network, or "random:SEED".

    Raises
    ------
    ArgumentError, WeightsError
        The seed is not a number; the file is missing, damaged, or ends before that layer.
    """
    if source == small.SMALL or is_small(source):
        return small.load(small.path() if source == small.SMALL else source, source, device)
    seed = random_seed(source)
    weights = (_read(source, deepest) if seed is None
               else random_weights(seed, vgg.last_convolution(deepest)))
    low, high = weights.input_range
    mean = tuple(255 * (value - low) / (high - low) for value in weights.mean)
    scale = tuple((high - low) / (255 * value) for value in weights.std)
    return vgg.Network(
        parameters={name: (Tensor(weight, device=device), Tensor(bias, device=device))
                    for name, (weight, bias) in weights.layers.items()},
        color_order=weights.color_order,
        mean=_three(mean), scale=_three(scale),
        source=source)


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    first, second, third = values
    return first, second, third


def _read(source: str, deepest: str) -> Weights:
    """The weights that the layer `deepest` needs.

    VGG19 has four convolutions before each of the last three poolings, VGG16 only three.
    """
    until = vgg.last_convolution(deepest)
    try:
        return read_weights(source, until)
    except WeightsError:
        layer = vgg.Layer.parse(until)
        if vgg.Layer.parse(deepest).kind != "pool" or layer.number != 4:
            raise
        weights = read_weights(source, str(vgg.Layer("conv", layer.block, 3)))
        if weights.architecture != "vgg16":
            raise
        return weights


def random_weights(seed: int, until: str = "conv5_4") -> Weights:
    """An untrained VGG19: He initialisation, biases 0.

    Its features are random but keep their magnitude from layer to layer, so everything runs as with
    real weights. Numbers are drawn layer by layer, so a network that ends early equals the first
    layers of the complete one.

    References
    ----------
    He et al., "Delving Deep into Rectifiers" (2015), eq. 10: σ² = 2 / (inputs of a filter).
    """
    generator = np.random.default_rng(seed)
    layers = {}
    for name in vgg_spec.LAYERS[:vgg_spec.LAYERS.index(until) + 1]:
        shape = vgg_spec.WEIGHT_SHAPES[name]
        weight = generator.standard_normal(shape, np.float32)
        weight *= np.float32(np.sqrt(2 / np.prod(shape[1:])))
        layers[name] = weight, np.zeros(shape[0], np.float32)
    return Weights(
        layers=layers, color_order=vgg_spec.COLOR_ORDER, input_range=vgg_spec.INPUT_RANGE,
        mean=vgg_spec.MEAN, std=vgg_spec.STD, source=f"random:{seed}", source_sha256="",
        licence="none: these are random numbers")
