"""Find VGG's layers among a file's arrays, whatever framework named them.

Some names state the layer: `conv3_1.weight`, `block3_conv1/kernel:0`, `block3_conv1_W_1:0`. Others
only give an order: `features.10.weight`, `layers/conv2d_4/vars/0`, `19.weight`. In both cases the
number of dimensions distinguishes kernels from biases, and the shapes must be VGG's.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from weights_converter import vgg_spec
from weights_converter.errors import WeightsError
from weights_converter.lazy_array import LazyArray, Tensors
from weights_converter.weights import Layers, check_finite

# A VGG with its optimiser's state has some hundred arrays, whose names have about forty letters.
MAX_ARRAYS = 10_000
MAX_LETTERS = 4 << 20       # of all names together

LAYER = re.compile(r"(?:^|[^0-9a-z])(?:conv|block)([1-5])_(?:conv)?([1-4])(?![0-9])")


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
        "vgg19" or "vgg16"; None if the layers fit both.
    layers : dict
        "conv1_1" … -> (weight O×I×H×W, bias O), float32, from the first layer on.

    Raises
    ------
    WeightsError
        A layer is missing or has the wrong shape, or holds NaN or infinity.
    """
    check_count(path, len(tensors))
    if sum(map(len, tensors)) > MAX_LETTERS:
        raise WeightsError(f"{path} has arrays with very long names, of more than {MAX_LETTERS:,} "
                           "letters together, which no weights file needs")
    if any(name.endswith("running_mean") for name in tensors):
        raise WeightsError(f"{path} is a network with batch normalisation, but a plain VGG is "
                           "expected")
    stems = {name: stem(name) for name in tensors}
    _check_preprocessing(path, tensors, stems)
    kernels = [name for name, tensor in tensors.items() if _is_kernel(tensor.shape)]
    architecture, named = _name_layers(path, kernels, tensors, stems)
    biases = _vectors(tensors, stems)
    # Check all shapes before reading, so that a wrong file is rejected without reading 80 MB.
    pairs = {layer: _pair(path, layer, kernel, tensors, biases.get(stems[kernel], {}))
             for layer, kernel in named.items()}
    return architecture, {layer: _read(path, layer, tensors[kernel], tensors[bias])
                          for layer, (kernel, bias) in pairs.items()}


def check_count(path: Path, count: int) -> None:
    """Check the number of a file's arrays; readers for which each is costly check it first.

    Raises
    ------
    WeightsError
    """
    if count > MAX_ARRAYS:
        raise WeightsError(f"{path} contains {count:,} arrays, but a VGG has fewer than "
                           f"{MAX_ARRAYS:,}")


def _is_kernel(shape: tuple[int, ...]) -> bool:
    """Whether an array is a 3×3 kernel, H×W×I×O or O×I×H×W."""
    return len(shape) == 4 and (shape[:2] == (3, 3)) != (shape[2:] == (3, 3)) and 1 not in shape


def label(name: str) -> str | None:
    """The layer that a name states: block3_conv1/kernel:0 -> conv3_1."""
    matches = LAYER.findall(name)
    return "conv{}_{}".format(*matches[-1]) if matches else None


def stem(name: str) -> str:
    """The common part of the names of a layer's arrays: features.10.weight -> features.10."""
    return label(name) or re.sub(r"[./][^./]*$", "", name)


def natural(name: str) -> list:
    """A sort key that puts conv2d_10 after conv2d_9."""
    parts = re.split(r"([0-9]{1,9})", name)  # numbers at the odd places
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


# ------------------------------------------------------------------------ names


def _name_layers(path: Path, kernels: list[str], tensors: Tensors, stems: dict[str, str]
                 ) -> tuple[str | None, dict[str, str]]:
    """The architecture, and layer -> name of its kernel."""
    if not kernels:
        raise WeightsError(f"{path} contains no 3×3 convolutions, but those of VGG are expected")
    labels = [layer for layer in map(label, kernels) if layer]
    if len(labels) == len(kernels):
        return _by_label(path, labels, kernels)
    ordered = sorted(kernels, key=lambda name: natural(stems[name]))
    return _by_order(path, [(name, tensors[name].shape) for name in ordered])


def _by_label(path: Path, labels: list[str], kernels: list[str]
              ) -> tuple[str | None, dict[str, str]]:
    named = dict(zip(labels, kernels))
    if len(named) < len(kernels):
        duplicate = next(name for name in labels if labels.count(name) > 1)
        raise WeightsError(f"{path} contains {labels.count(duplicate)} kernels called {duplicate}, "
                           "but one is expected")
    unknown = [name for name in labels if name not in vgg_spec.LAYERS]
    if unknown:
        raise WeightsError(f"{path} contains a layer {unknown[0]}, which VGG does not have")
    architecture = None
    if named.keys() & {"conv3_4", "conv4_4", "conv5_4"}:
        architecture = "vgg19"
    elif named.keys() & set(vgg_spec.LAYERS[8:]):
        architecture = "vgg16"
    order = vgg_spec.layers_of(architecture or "vgg19")
    last = max(order.index(name) for name in named)
    missing = [name for name in order[:last] if name not in named]
    if missing:
        raise WeightsError(
            f"{path} has no layer {', '.join(missing)}, but a later layer {order[last]}; "
            f"{(architecture or 'VGG').upper()}'s convolutions must be complete up to the last one")
    return architecture, {name: named[name] for name in order[: last + 1]}


def _by_order(path: Path, ordered: list[tuple[str, tuple[int, ...]]]
              ) -> tuple[str | None, dict[str, str]]:
    architecture = None
    if len(ordered) > 7:  # the eighth is VGG19's conv3_4 or VGG16's conv4_1
        architecture = "vgg19" if sorted(ordered[7][1]) == [3, 3, 256, 256] else "vgg16"
    layers = vgg_spec.layers_of(architecture or "vgg19")
    if len(ordered) > len(layers):
        raise WeightsError(
            f"{path} contains {len(ordered)} convolutions of 3×3, but "
            f"{(architecture or 'VGG').upper()} has {len(layers)}")
    return architecture, {layer: name for layer, (name, _) in zip(layers, ordered)}


# ------------------------------------------------------------------------ shapes


def _vectors(tensors: Tensors, stems: dict[str, str]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Stem -> name -> shape of the arrays that may be biases."""
    vectors: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in tensors.items():
        if len(tensor.shape) in (1, 2):
            vectors.setdefault(stems[name], {})[name] = tensor.shape
    return vectors


def _pair(path: Path, layer: str, kernel: str, tensors: Tensors,
          others: dict[str, tuple[int, ...]]) -> tuple[str, str]:
    """The names of a layer's kernel and bias, with the right shapes.

    `others` are the vectors with the same stem.
    """
    filters, channels, height, width = shape = vgg_spec.WEIGHT_SHAPES[layer]
    if tensors[kernel].shape not in (shape, (height, width, channels, filters)):
        raise WeightsError(
            f"{path}: {kernel} has shape {tensors[kernel].shape}, where VGG's {layer} has "
            f"{(height, width, channels, filters)} or {shape}")
    if len(others) != 1:
        shapes = ", ".join(f"{name} {size}" for name, size in list(others.items())[:6]) or "none"
        raise WeightsError(
            f"{path}: beside {kernel} there are {len(others)} arrays ({shapes}), but one bias "
            "is expected")
    (bias, bias_shape), = others.items()
    if bias_shape not in ((filters,), (1, filters), (filters, 1)):
        raise WeightsError(
            f"{path}: {bias} has shape {bias_shape}, where VGG's {layer} has {(filters,)}")
    for name in (kernel, bias):
        if not tensors[name].is_float:
            raise WeightsError(f"{path}: {name} is {tensors[name].unread or tensors[name].dtype}, "
                               "but floating-point numbers of 16, 32 or 64 bits are expected")
    return kernel, bias


def _read(path: Path, layer: str, kernel: LazyArray, bias: LazyArray
          ) -> tuple[np.ndarray, np.ndarray]:
    """Read one layer: kernel H×W×I×O or O×I×H×W -> weight O×I×H×W."""
    weight = kernel.read()
    if weight.shape != vgg_spec.WEIGHT_SHAPES[layer]:
        weight = weight.transpose(3, 2, 0, 1)
    # Values beyond float32 become infinite, and a signalling NaN is reported: both are rejected.
    with np.errstate(over="ignore", invalid="ignore"):
        weight = np.ascontiguousarray(weight, dtype=np.float32)
        offsets = np.ascontiguousarray(bias.read().reshape(-1), dtype=np.float32)
    check_finite(path, layer, weight, offsets)
    return weight, offsets


# ------------------------------------------------------------------------ AdaIN's first layer


def _check_preprocessing(path: Path, tensors: Tensors, stems: dict[str, str]) -> None:
    """Check that a 1×1 convolution before conv1_1 only preprocesses pictures.

    AdaIN's `vgg_normalised` begins with one that turns RGB pixels 0..1 into the input of Oxford's
    network. Here that is part of the preprocessing, so the layer is left out.
    """
    candidates = [name for name, tensor in tensors.items() if tensor.shape == (3, 3, 1, 1)]
    if not candidates:
        return
    name = candidates[0]
    biases = [other for other in tensors
              if other != name and stems[other] == stems[name] and tensors[other].shape == (3,)]
    expected = (255 * np.eye(3)[::-1], -np.array(vgg_spec.MEAN))
    # Types are checked before reading: an element may be as large as a file claims.
    if len(candidates) > 1 or len(biases) != 1 or not all(
            tensors[array].is_float
            and np.allclose(tensors[array].read().squeeze(), value, rtol=0, atol=0.5)
            for array, value in zip((name, biases[0]), expected)):
        raise WeightsError(
            f"{path}: {name} is a 1×1 convolution on colours, but not the one that converts "
            "RGB 0..1 to BGR 0..255 minus the mean")
