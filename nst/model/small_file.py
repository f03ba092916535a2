"""Read and write the file of the small network.

It is HDF5 with the root attributes of a converted VGG19 file, except that `architecture` is
"vgg19-student", and one group per layer: the convolutions ("conv1_1" …, O×I×3×3), then the adapters
under the names of their layers ("relu1_1" …, T×O×1×1). Values are float16, read as float32.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.files import write_atomically
from minigrad.hdf5 import METADATA_OF_ROOT, Dataset, Group
from minigrad.printable import escaped
from nst.model.vgg import Layer
from weights_converter import vgg_spec
from weights_converter.errors import WeightsError
from weights_converter.safe_hdf5 import (
    CONVERTED,
    SMALL,
    find_dataset,
    get_attribute,
    holds_small,
    open_hdf5,
    text,
)
from weights_converter.weights import Layers, check_finite, check_preprocessing

VERSION = 1
MAX_CHANNELS = 512      # VGG19's widest layer, so a wrong shape cannot allocate a huge array


@dataclass(frozen=True)
class SmallWeights:
    """The small network's layers, its input's preprocessing, and its source.

    Attributes
    ----------
    layers : dict
        Convolutions in the order of the network, then adapters -> (weight, bias), float32.
    color_order : str
        "BGR" or "RGB".
    mean, std : tuple of three float
        A pixel 0-255 enters as (pixel − mean) / std, in that order.
    source : str
        The command that created the file.
    source_sha256 : str
        SHA-256 of the teacher's weights, 64 hexadecimal digits.
    licence : str
        The terms of use.
    """

    layers: Layers
    color_order: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str
    source_sha256: str
    licence: str


def write_small(path: str | Path, weights: SmallWeights) -> None:
    """Write the file atomically, with float16 values; an existing file is replaced.

    Raises
    ------
    WeightsError
        A value is outside the range of float16, or the file cannot be written.
    """
    path = Path(path)
    with np.errstate(over="ignore"):
        halves = {name: (weight.astype(np.float16), bias.astype(np.float16))
                  for name, (weight, bias) in weights.layers.items()}
    for name, pair in halves.items():
        check_finite(path, name, *pair)
    write_atomically(path, _image(weights, halves), WeightsError)


def _image(weights: SmallWeights, halves: Layers) -> bytes:
    """The content of the HDF5 file, with checksums wherever HDF5 has them."""
    import h5py

    attributes = {
        "format": CONVERTED, "architecture": SMALL, "layout": "OIHW",
        "color_order": weights.color_order, "source": escaped(weights.source),
        "source_sha256": weights.source_sha256, "licence": escaped(weights.licence),
    }
    image = io.BytesIO()
    with h5py.File(image, "w", libver="v110") as file:
        file.attrs["version"] = VERSION
        file.attrs["mean"], file.attrs["std"] = weights.mean, weights.std
        for name, value in attributes.items():
            file.attrs[name] = np.bytes_(value.encode())
        file.attrs["layers"] = np.array([name.encode() for name in halves])
        for name, pair in halves.items():
            for what, array in zip(("weight", "bias"), pair):
                file.create_dataset(f"{name}/{what}", data=array, chunks=array.shape,
                                    fletcher32=True, shuffle=True, compression="gzip",
                                    compression_opts=9)
    return image.getvalue()


def is_small(path: str | Path) -> bool:
    """Whether this is a file of the small network; False if there is no such file."""
    try:
        with open_hdf5(Path(path), METADATA_OF_ROOT) as file:
            return holds_small(Path(path), file)
    except WeightsError:
        return False


def read_small(path: str | Path) -> SmallWeights:
    """Read what `write_small` wrote.

    Raises
    ------
    WeightsError
        The file is missing, damaged or of another kind; an attribute, a shape or a value is
        wrong.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        for name, expected in (("format", CONVERTED), ("architecture", SMALL),
                            ("version", str(VERSION)), ("layout", "OIHW")):
            _matching(path, file, name, re.escape(expected), expected)
        mean, std = _three(path, file, "mean"), _three(path, file, "std")
        check_preprocessing(path, vgg_spec.INPUT_RANGE, mean, std)
        return SmallWeights(
            layers=_layers(path, file), mean=mean, std=std,
            color_order=_matching(path, file, "color_order", "BGR|RGB", "BGR or RGB"),
            source=_matching(path, file, "source", ".+", "how the network was made"),
            source_sha256=_matching(path, file, "source_sha256", "[0-9a-f]{64}",
                                    "64 hexadecimal digits"),
            licence=_matching(path, file, "licence", ".+", "the terms of use"))


def _matching(path: Path, file: Group, name: str, pattern: str, expected: str) -> str:
    found = get_attribute(path, file.attrs, name)
    value = "" if found is None else text(found)
    if not re.fullmatch(pattern, value, re.DOTALL):
        raise WeightsError(f"{path}: the attribute {name} is {value[:60]!r}, not {expected}")
    return value


def _three(path: Path, file: Group, name: str) -> Any:
    value = np.asarray(get_attribute(path, file.attrs, name))
    if value.shape != (3,) or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
        raise WeightsError(f"{path}: the attribute {name} is {text(value)[:60]!r}, not three "
                           f"finite numbers")
    return tuple(float(number) for number in value)


def _layers(path: Path, file: Group) -> Layers:
    names = [text(name) for name in np.ravel(get_attribute(path, file.attrs, "layers"))]
    found: dict[str, tuple[Dataset, Dataset]] = {}
    for name in names:
        if name.replace("relu", "conv") not in vgg_spec.LAYERS or name in found:
            raise WeightsError(f"{path} lists the layers {', '.join(names)[:200]}, but must "
                               f"list names like conv1_1 and relu1_1, each once")
        found[name] = _datasets(path, file, name)
    # All shapes are checked before anything is read.
    _check_chain(path, {name: weights.shape for name, (weights, _) in found.items()})
    return {name: _read_layer(path, name, *pair) for name, pair in found.items()}


def _datasets(path: Path, file: Group, name: str) -> tuple[Dataset, Dataset]:
    """Weight and bias of a layer, not read yet, of shapes and types that fit."""
    weights, biases = (find_dataset(path, file, f"{name}/{what}") for what in ("weight", "bias"))
    if weights is None or biases is None:
        raise WeightsError(f"{path} lists the layer {name}, but has no datasets {name}/weight "
                           f"and {name}/bias")
    side = 3 if Layer.parse(name).kind == "conv" else 1
    shape = weights.shape
    fits = (len(shape) == 4 and shape[2:] == (side, side) and max(shape) <= MAX_CHANNELS
            and min(shape) > 0 and biases.shape == shape[:1])
    if not fits or any(array.dtype not in (np.float16, np.float32) for array in (weights, biases)):
        raise WeightsError(f"{path}: the layer {name} has a weight {shape} {weights.dtype} and a "
                           f"bias {biases.shape} {biases.dtype}, but must have "
                           f"O×I×{side}×{side} and O in float16, at most {MAX_CHANNELS} each")
    return weights, biases


def _read_layer(path: Path, name: str, weights: Dataset, biases: Dataset
                ) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = (array.read().astype(np.float32) for array in (weights, biases))
    check_finite(path, name, weight, bias)
    return weight, bias


def _check_chain(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that each layer takes as many channels as the one before it has."""
    convolutions = [name for name in shapes if name in vgg_spec.LAYERS]
    if not convolutions:
        raise WeightsError(f"{path} lists no convolutions")
    if convolutions != sorted(convolutions, key=vgg_spec.LAYERS.index):
        raise WeightsError(f"{path} lists the layers {', '.join(convolutions)}, but they must be "
                           f"in the order of VGG19")
    inputs = 3
    for name in convolutions:
        _check_inputs(path, name, shapes[name], inputs)
        inputs = shapes[name][0]
    for name in sorted(shapes.keys() - convolutions):
        convolution = Layer.parse(name).convolution
        if convolution not in shapes:
            raise WeightsError(f"{path} has the adapter {name} without {convolution}")
        _check_inputs(path, name, shapes[name], shapes[convolution][0])
        expected = vgg_spec.WEIGHT_SHAPES[convolution][0]
        if shapes[name][0] != expected:
            raise WeightsError(f"{path}: the adapter {name} has {shapes[name][0]} channels, "
                               f"but VGG19 has {expected}")


def _check_inputs(path: Path, name: str, shape: tuple[int, ...], inputs: int) -> None:
    if shape[1] != inputs:
        raise WeightsError(f"{path}: the layer {name} takes {shape[1]} channels, but gets {inputs}")
