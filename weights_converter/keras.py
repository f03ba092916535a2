"""Reader of Keras's HDF5 layout, as ``save_weights`` and ``save`` write it.

The root (or the group ``model_weights``) has an attribute ``layer_names``; each
layer is a group with an attribute ``weight_names``, and those are paths of
datasets inside it. Their names changed with every generation of Keras
(``block1_conv1_W_1:0``, ``block1_conv1/kernel:0`` …), so only the attributes and
the number of dimensions say which is the kernel and which the bias.

Kernels are stored height × width × in × out; they leave here as out × in × height × width.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from weights_converter import vgg
from weights_converter.detect import is_dataset, keras_root, open_hdf5, text
from weights_converter.errors import WeightsError
from weights_converter.weights import Layers, Preprocessing, check_finite

if TYPE_CHECKING:
    import h5py


def read_keras(path: Path) -> tuple[Layers, Preprocessing]:
    """Read the sixteen convolutions of VGG19; layers on top of them are passed over.

    Returns
    -------
    layers : dict
        "conv1_1" … "conv5_4" -> (weight O×I×H×W, bias O), float32.
    preprocessing : Preprocessing
        What Keras's VGG19 expects of a picture: BGR, 0..255, less the mean.

    Raises
    ------
    WeightsError
        A layer is missing or has the wrong shape, or holds NaN or infinity.
    """
    with open_hdf5(path) as file:
        root = keras_root(file)
        _require_layers(path, [text(name) for name in root.attrs["layer_names"]])
        # All shapes before the first kernel: a wrong file is refused without reading 80 MB.
        found = {name: _find_datasets(path, root, name) for name in vgg.LAYERS}
        layers = {name: _read_layer(path, name, *pair) for name, pair in found.items()}
    return layers, Preprocessing()


def keras_name(layer: str) -> str:
    """conv3_4 -> block3_conv4."""
    block, number = layer.removeprefix("conv").split("_")
    return f"block{block}_conv{number}"


def _require_layers(path: Path, names: list[str]) -> None:
    missing = [keras_name(layer) for layer in vgg.LAYERS if keras_name(layer) not in names]
    if not missing:
        return
    hint = ""
    # VGG16 has three convolutions where VGG19 has four, in each of the last three blocks.
    if missing == ["block3_conv4", "block4_conv4", "block5_conv4"]:
        hint = " (this is VGG16)"
    raise WeightsError(
        f"{path} has no layer {', '.join(missing)}{hint}, where the {len(vgg.LAYERS)} "
        "convolutions of VGG19 are wanted"
    )


def _find_datasets(
    path: Path, root: "h5py.Group", layer: str
) -> tuple["h5py.Dataset", "h5py.Dataset"]:
    """The unread kernel and bias of a layer, with the right shapes."""
    name = keras_name(layer)
    if name not in root or "weight_names" not in root[name].attrs:
        raise WeightsError(
            f"{path} names the layer {name}, but has no group of that name with the attribute "
            "weight_names"
        )
    group = root[name]
    datasets = [group.get(text(weight)) for weight in group.attrs["weight_names"]]
    if not all(map(is_dataset, datasets)):
        raise WeightsError(
            f"{path}: the attribute weight_names of {name} lists an array that the file lacks"
        )
    kernel = [dataset for dataset in datasets if len(dataset.shape) == 4]
    bias = [dataset for dataset in datasets if len(dataset.shape) == 1]
    if len(kernel) != 1 or len(bias) != 1 or len(datasets) != 2:
        shapes = ", ".join(str(dataset.shape) for dataset in datasets) or "none"
        raise WeightsError(
            f"{path}: the layer {name} has arrays of shapes {shapes}, where one kernel with four "
            "dimensions and one bias with one are right"
        )
    _check_shapes(path, layer, kernel[0], bias[0])
    return kernel[0], bias[0]


def _check_shapes(path: Path, layer: str, kernel: "h5py.Dataset", bias: "h5py.Dataset") -> None:
    filters, channels, height, width = vgg.WEIGHT_SHAPES[layer]
    right = {"kernel": (height, width, channels, filters), "bias": (filters,)}
    for what, dataset in (("kernel", kernel), ("bias", bias)):
        if dataset.shape != right[what]:
            hint = ""
            if dataset.shape == vgg.WEIGHT_SHAPES[layer]:
                hint = " (Theano's ordering, out × in × height × width)"
            raise WeightsError(
                f"{path}: the {what} of {keras_name(layer)} has shape {dataset.shape}{hint}, "
                f"where VGG19 has {right[what]}"
            )
        if dataset.dtype.kind != "f":
            raise WeightsError(
                f"{path}: the {what} of {keras_name(layer)} is {dataset.dtype}, not float32"
            )


def _read_layer(
    path: Path, layer: str, kernel: "h5py.Dataset", bias: "h5py.Dataset"
) -> tuple[np.ndarray, np.ndarray]:
    """Read one layer: kernel H×W×I×O -> weight O×I×H×W."""
    weight = np.ascontiguousarray(kernel[()].transpose(3, 2, 0, 1), dtype=np.float32)
    pair = weight, bias[()].astype(np.float32)
    check_finite(path, layer, *pair)
    return pair
