"""Which of a file's arrays are VGG's layers: one rule for the names of every framework.

``conv3_1.weight``, ``block3_conv1/kernel:0`` and ``block3_conv1_W_1:0`` say it themselves.
``features.10.weight``, ``layers/conv2d_4/vars/0`` and a bare ``19.weight`` give an order. In
either case the number of dimensions tells a kernel from a bias, and the shapes must be VGG's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weights_converter import vgg
from weights_converter.errors import WeightsError
from weights_converter.weights import Layers, check_finite

LAYER = re.compile(r"(?:^|[^0-9a-z])(?:conv|block)([1-5])_(?:conv)?([1-4])(?![0-9])")


@dataclass(frozen=True)
class Stored:
    """An array of a weights file that has not been read yet.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    read : callable
        Gives the array.
    """

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[], np.ndarray]


Tensors = Mapping[str, Stored]


def select(path: Path, tensors: Tensors) -> tuple[str | None, Layers]:
    """Find, check and read VGG's convolutions among a file's arrays.

    Parameters
    ----------
    path : Path
        The file, for messages.
    tensors : mapping
        Every array of the file by its name.

    Returns
    -------
    architecture : str or None
        "vgg19" or "vgg16", or None where the layers there are belong to both.
    layers : dict
        "conv1_1" … -> (weight O×I×H×W, bias O), float32; the first ones at least.

    Raises
    ------
    WeightsError
        A layer is missing or has the wrong shape, or holds NaN or infinity.
    """
    if any(name.endswith("running_mean") for name in tensors):
        raise WeightsError(f"{path} is a network with batch normalisation, where a plain VGG is "
                           "wanted")
    _check_preparation(path, tensors)
    kernels = [name for name, tensor in tensors.items() if _is_kernel(tensor.shape)]
    architecture, named = _name_layers(path, kernels, tensors)
    # All shapes before the first kernel: a wrong file is refused without reading 80 MB.
    pairs = {layer: _pair(path, layer, kernel, tensors) for layer, kernel in named.items()}
    return architecture, {
        layer: _read(path, layer, tensors[kernel], tensors[bias])
        for layer, (kernel, bias) in pairs.items()
    }


def _is_kernel(shape: tuple[int, ...]) -> bool:
    """Whether an array is a 3×3 kernel, H×W×I×O or O×I×H×W."""
    return len(shape) == 4 and (shape[:2] == (3, 3)) != (shape[2:] == (3, 3)) and 1 not in shape


def label(name: str) -> str | None:
    """The layer that a name says itself: block3_conv1/kernel:0 -> conv3_1."""
    found = LAYER.findall(name)
    return "conv{}_{}".format(*found[-1]) if found else None


def stem(name: str) -> str:
    """What the arrays of a layer have in common: features.10.weight -> features.10."""
    return label(name) or re.sub(r"[./][^./]*$", "", name)


def natural(name: str) -> list:
    """A key that sorts conv2d_10 behind conv2d_9."""
    parts = re.split(r"([0-9]{1,9})", name)  # numbers at the odd places
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


# ------------------------------------------------------------------------ names


def _name_layers(
    path: Path, kernels: list[str], tensors: Tensors
) -> tuple[str | None, dict[str, str]]:
    """The architecture, and layer -> name of its kernel."""
    if not kernels:
        raise WeightsError(f"{path} holds no 3×3 convolutions, where VGG's are wanted")
    labels = [label(name) for name in kernels]
    if all(labels):
        return _by_label(path, labels, kernels)
    ordered = sorted(kernels, key=lambda name: natural(stem(name)))
    return _by_order(path, [(name, tensors[name].shape) for name in ordered])


def _by_label(
    path: Path, labels: list[str], kernels: list[str]
) -> tuple[str | None, dict[str, str]]:
    found = dict(zip(labels, kernels))
    if len(found) < len(kernels):
        twice = next(name for name in labels if labels.count(name) > 1)
        raise WeightsError(f"{path} holds {labels.count(twice)} kernels called {twice}, where one "
                           "is right")
    foreign = [name for name in labels if name not in vgg.LAYERS]
    if foreign:
        raise WeightsError(f"{path} holds a layer {foreign[0]}, which VGG has not")
    if found.keys() & {"conv3_4", "conv4_4", "conv5_4"}:
        architecture = "vgg19"
    elif found.keys() & set(vgg.LAYERS[8:]):
        architecture = "vgg16"
    else:
        architecture = None
    order = vgg.layers_of(architecture or "vgg19")
    last = max(order.index(name) for name in found)
    missing = [name for name in order[:last] if name not in found]
    if missing:
        raise WeightsError(
            f"{path} has no layer {', '.join(missing)}, but {order[last]} behind it, where "
            f"{(architecture or 'VGG').upper()}'s convolutions from the first one on are wanted"
        )
    return architecture, {name: found[name] for name in order[: last + 1]}


def _by_order(
    path: Path, ordered: list[tuple[str, tuple[int, ...]]]
) -> tuple[str | None, dict[str, str]]:
    architecture = None
    if len(ordered) > 7:  # the eighth is VGG19's conv3_4 or VGG16's conv4_1
        architecture = "vgg19" if sorted(ordered[7][1]) == [3, 3, 256, 256] else "vgg16"
    layers = vgg.layers_of(architecture or "vgg19")
    if len(ordered) > len(layers):
        raise WeightsError(
            f"{path} holds {len(ordered)} convolutions of 3×3, where {architecture.upper()} has "
            f"{len(layers)}"
        )
    return architecture, {layer: name for layer, (name, _) in zip(layers, ordered)}


# ------------------------------------------------------------------------ shapes


def _pair(path: Path, layer: str, kernel: str, tensors: Tensors) -> tuple[str, str]:
    """The names of a layer's kernel and bias, with the right shapes."""
    filters, channels, height, width = shape = vgg.WEIGHT_SHAPES[layer]
    if tensors[kernel].shape not in (shape, (height, width, channels, filters)):
        raise WeightsError(
            f"{path}: {kernel} has shape {tensors[kernel].shape}, where VGG's {layer} has "
            f"{(height, width, channels, filters)} or {shape}"
        )
    others = {
        name: tensors[name].shape
        for name in tensors
        if name != kernel and stem(name) == stem(kernel) and len(tensors[name].shape) in (1, 2)
    }
    if len(others) != 1:
        shapes = ", ".join(f"{name} {shape}" for name, shape in list(others.items())[:6]) or "none"
        raise WeightsError(
            f"{path}: beside {kernel} there are {len(others)} arrays ({shapes}), where one bias "
            "is right"
        )
    (bias, found), = others.items()
    if found not in ((filters,), (1, filters), (filters, 1)):
        raise WeightsError(
            f"{path}: {bias} has shape {found}, where VGG's {layer} has {(filters,)}"
        )
    for name in (kernel, bias):
        if np.dtype(tensors[name].dtype).kind != "f":
            raise WeightsError(f"{path}: {name} is {tensors[name].dtype}, not floating-point")
    return kernel, bias


def _read(path: Path, layer: str, kernel: Stored, bias: Stored) -> tuple[np.ndarray, np.ndarray]:
    """Read one layer: kernel H×W×I×O or O×I×H×W -> weight O×I×H×W."""
    weight = kernel.read()
    if weight.shape != vgg.WEIGHT_SHAPES[layer]:
        weight = weight.transpose(3, 2, 0, 1)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        pair = (
            np.ascontiguousarray(weight, dtype=np.float32),
            np.ascontiguousarray(bias.read().reshape(-1), dtype=np.float32),
        )
    check_finite(path, layer, *pair)
    return pair


# ------------------------------------------------------------------------ AdaIN's first layer


def _check_preparation(path: Path, tensors: Tensors) -> None:
    """A 1×1 convolution before conv1_1 must be the preparation of pictures and nothing else.

    AdaIN's ``vgg_normalised`` begins with one that takes RGB pixels 0..1 to what Oxford's
    network expects; here that is the business of the preprocessing, so it is left out.
    """
    found = [name for name, tensor in tensors.items() if tensor.shape == (3, 3, 1, 1)]
    if not found:
        return
    name = found[0]
    biases = [other for other in tensors
              if other != name and stem(other) == stem(name) and tensors[other].shape == (3,)]
    right = (255 * np.eye(3)[::-1], -np.array(vgg.MEAN))
    if len(found) > 1 or len(biases) != 1 or not all(
            np.allclose(tensors[what].read().squeeze(), value, rtol=0, atol=0.5)
            for what, value in zip((name, biases[0]), right)):
        raise WeightsError(
            f"{path}: {name} is a 1×1 convolution on colours, but not the one that takes RGB "
            "0..1 to BGR 0..255 less the mean"
        )
