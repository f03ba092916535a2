"""What a weights file holds, in memory: the one form that every reader and the writer share."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weights_converter import vgg
from weights_converter.errors import WeightsError

# How numbers may be stored in a file; in memory they are float32.
STORED_AS = ("float32", "float16")

# Layer name -> (weight O×I×H×W, bias O), float32, in the order of the network.
Layers = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Preprocessing:
    """What the network expects of a picture: (pixel − mean) / std.

    Attributes
    ----------
    color_order : str
        "BGR" or "RGB": the order of the input channels, and of `mean` and `std`.
    input_range : tuple of two float
        The values of black and white before the mean is taken off.
    mean, std : tuple of three float
        One number for each channel, on the scale of `input_range`.
    """

    color_order: str = vgg.COLOR_ORDER
    input_range: tuple[float, float] = vgg.INPUT_RANGE
    mean: tuple[float, float, float] = vgg.MEAN
    std: tuple[float, float, float] = vgg.STD


@dataclass(frozen=True)
class Weights:
    """The convolutions of a VGG, how its input is prepared, and where they are from.

    Attributes
    ----------
    layers : dict
        Layer name ("conv1_1" … "conv5_4") -> (weight, bias), in the order of the network;
        weight is float32, out × in × height × width, and bias is float32, out.
    color_order, input_range, mean, std
        As in `Preprocessing`.
    source : str
        Name of the file that these weights were converted from.
    source_sha256 : str
        Its SHA-256, 64 hexadecimal digits.
    licence : str
        Under which terms the weights may be used.
    architecture : str
        "vgg19" or "vgg16".
    dtype : str
        "float32" or "float16": how the numbers are stored in the file. In memory they are
        float32 always.
    changes : str
        What was done to the source's kernels (colour order, orientation), in words; empty where
        nothing was.
    complete : bool
        Whether the file holds all convolutions of the architecture; False where it stops early.
        It says nothing about how many of them were read.
    """

    layers: Layers
    color_order: str
    input_range: tuple[float, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str
    source_sha256: str
    licence: str
    architecture: str = vgg.ARCHITECTURE
    dtype: str = "float32"
    changes: str = ""
    complete: bool = True

    @property
    def parameters(self) -> int:
        """How many numbers the layers hold, biases included."""
        return sum(weight.size + bias.size for weight, bias in self.layers.values())


def check_layer_names(path: Path, names: tuple[str, ...], architecture: str) -> None:
    """Demand the first convolutions of an architecture, in order, and at least one."""
    right = vgg.layers_of(architecture)
    if not names or names != right[: len(names)]:
        listed = ", ".join(names[:20]) or "none"
        raise WeightsError(
            f"{path} lists the layers {listed}, where {architecture.upper()}'s from the first one "
            f"on are right: {', '.join(right)}"
        )


def check_form(
    path: Path, name: str, weight: Any, bias: Any, dtypes: Collection[str] = ("float32",)
) -> None:
    """Demand the shapes of layer `name` and an element type; takes arrays and HDF5 datasets."""
    expected = {"weight": vgg.WEIGHT_SHAPES[name], "bias": vgg.WEIGHT_SHAPES[name][:1]}
    for what, array in (("weight", weight), ("bias", bias)):
        if array.shape != expected[what]:
            raise WeightsError(
                f"{path}: the {what} of {name} has shape {array.shape}, "
                f"where VGG has {expected[what]}"
            )
        if str(array.dtype) not in dtypes:
            raise WeightsError(
                f"{path}: the {what} of {name} is {array.dtype}, not {' or '.join(dtypes)}"
            )


def check_finite(path: Path, name: str, weight: np.ndarray, bias: np.ndarray) -> None:
    """Demand that layer `name` holds neither NaN nor infinity."""
    for what, array in (("weight", weight), ("bias", bias)):
        wrong = array.size - np.count_nonzero(np.isfinite(array))
        if wrong:
            raise WeightsError(
                f"{path}: the {what} of {name} holds {wrong:,} of {array.size:,} values that are "
                "NaN or infinite, where all must be finite"
            )
