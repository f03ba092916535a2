"""The contents of a weights file in memory, shared by all readers and the writer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weights_converter import vgg_spec
from weights_converter.errors import WeightsError

# Element types of a file; in memory all are float32.
STORED_AS = ("float32", "float16")

# Bounds of an input's preprocessing; pixels are 0-255, 0-1, or 16-bit numbers.
MIN_STEP, MAX_NUMBER = 1e-4, 1e6

# Layer name -> (weight O×I×H×W, bias O), float32, in forward order.
Layers = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of a picture for the network: (pixel − mean) / std.

    Attributes
    ----------
    color_order : str
        "BGR" or "RGB": the order of the input channels, and of `mean` and `std`.
    input_range : tuple of two float
        The values of black and white before the mean is subtracted.
    mean, std : tuple of three float
        One number per channel, on the scale of `input_range`.
    """

    color_order: str = vgg_spec.COLOR_ORDER
    input_range: tuple[float, float] = vgg_spec.INPUT_RANGE
    mean: tuple[float, float, float] = vgg_spec.MEAN
    std: tuple[float, float, float] = vgg_spec.STD


@dataclass(frozen=True)
class Weights:
    """The convolutions of a VGG, its preprocessing, and its source.

    Attributes
    ----------
    layers : dict
        Layer name ("conv1_1" … "conv5_4") -> (weight, bias), in forward order;
        weight is float32, out × in × height × width, and bias is float32, out.
    color_order, input_range, mean, std
        As in `Preprocessing`.
    source : str
        Name of the file from which they were converted.
    source_sha256 : str
        Its SHA-256, 64 hexadecimal digits.
    licence : str
        Terms of use.
    architecture : str
        "vgg19" or "vgg16".
    dtype : str
        "float32" or "float16": the element type in the file. In memory it is always float32.
    changes : str
        Changes to the source's kernels (colour order, orientation), in words; empty if none.
    complete : bool
        Whether the file contains all convolutions of the architecture, even if fewer were read.
    """

    layers: Layers
    color_order: str
    input_range: tuple[float, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str
    source_sha256: str
    licence: str
    architecture: str = vgg_spec.ARCHITECTURE
    dtype: str = "float32"
    changes: str = ""
    complete: bool = True

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(weight.size + bias.size for weight, bias in self.layers.values())


def check_layer_names(path: Path, names: tuple[str, ...], architecture: str) -> None:
    """Check that the names are an architecture's first convolutions, in order, at least one."""
    expected_names = vgg_spec.layers_of(architecture)
    if not names or names != expected_names[: len(names)]:
        listed = ", ".join(names[:20]) or "none"
        raise WeightsError(
            f"{path} lists the layers {listed}, but those of {architecture.upper()} are expected, "
            f"from the first one on: {', '.join(expected_names)}")


def check_preprocessing(path: Path, input_range: Sequence[float], mean: Sequence[float],
                        std: Sequence[float]) -> None:
    """Check that a picture, prepared in this way, has numbers that a network can work with."""
    low, high = input_range
    if not high - low >= MIN_STEP:
        raise WeightsError(
            f"{path}: the attribute input_range is {low:g} to {high:g}, but must increase")
    if not min(std) >= MIN_STEP:
        raise WeightsError(f"{path}: the attribute std is {tuple(std)}, but all numbers must be "
                           f"{MIN_STEP:g} or more")
    if not max(map(abs, (*input_range, *mean, *std))) <= MAX_NUMBER:
        raise WeightsError(f"{path}: the attributes input_range, mean and std are "
                           f"{tuple(input_range)}, {tuple(mean)} and {tuple(std)}, but no number "
                           f"may be above {MAX_NUMBER:g}")


def check_form(path: Path, name: str, weight: Any, bias: Any,
               dtypes: Collection[str] = ("float32",)) -> None:
    """Check shapes and element types of layer `name`, given as arrays or HDF5 datasets."""
    expected = {"weight": vgg_spec.WEIGHT_SHAPES[name], "bias": vgg_spec.WEIGHT_SHAPES[name][:1]}
    for what, array in (("weight", weight), ("bias", bias)):
        if array.shape != expected[what]:
            raise WeightsError(
                f"{path}: the {what} of {name} has shape {array.shape}, "
                f"but VGG has {expected[what]}")
        if str(array.dtype) not in dtypes:
            raise WeightsError(
                f"{path}: the {what} of {name} is {array.dtype}, not {' or '.join(dtypes)}")


def check_finite(path: Path, name: str, weight: np.ndarray, bias: np.ndarray) -> None:
    """Check that layer `name` contains neither NaN nor infinity."""
    for what, array in (("weight", weight), ("bias", bias)):
        wrong = array.size - np.count_nonzero(np.isfinite(array))
        if wrong:
            raise WeightsError(
                f"{path}: the {what} of {name} contains {wrong:,} of {array.size:,} values that "
                "are NaN or infinite, but all must be finite")
