"""Reader of MatConvNet's models, `imagenet-vgg-verydeep-19.mat` in both versions.

The variable `layers` is a cell of structures. Since beta 17 a convolution has a cell `weights` with
kernel and bias; before, it had the fields `filters` and `biases`. Kernels are height × width × in ×
out; a bias is a row or a column.

MatConvNet's importer has already turned the kernels upright. Programs that swap height and width
again on loading are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from weights_converter.errors import WeightsError, reading
from weights_converter.lazy_array import LazyArray, Tensors
from weights_converter.mat5 import variables
from weights_converter.naming import label


@contextmanager
def open_matconvnet(path: Path) -> Iterator[Tensors]:
    """Yield kernels and biases of the convolutions by `layers.NUMBER` or the layer's own name.

    Raises
    ------
    WeightsError
        The file is damaged, or has no variable `layers`.
    """
    with reading(path, "MATLAB file"), open(path, "rb") as file:
        for name, value in variables(file, path.stat().st_size, _may_be_weights):
            layers = _layers(name, value)
            if layers is not None:
                break
        else:
            raise WeightsError(f"{path} is a MATLAB file without MatConvNet's variable layers")
        yield dict(_arrays(layers))


def _may_be_weights(shape: tuple[int, ...]) -> bool:
    """Whether a shape can be that of a 3×3 kernel or a bias."""
    if len(shape) == 4:
        return shape[:2] == (3, 3) and prod(shape) <= 9 * 512 * 512
    return len(shape) == 2 and 1 in shape and prod(shape) <= 512


def _layers(name: str, value: Any) -> list | None:
    """The cell of layers: a variable of its own or a field of `net`."""
    if name == "net" and isinstance(value, list) and value and isinstance(value[0], dict):
        name, value = "layers", value[0].get("layers")
    return value if name == "layers" and isinstance(value, list) else None


def _arrays(layers: list) -> Iterator[tuple[str, LazyArray]]:
    for number, cell in enumerate(layers):
        layer = cell[0] if isinstance(cell, list) and cell else cell
        if not isinstance(layer, dict):
            continue
        weights = layer.get("weights")
        kernel, bias = weights if isinstance(weights, list) and len(weights) == 2 else (
            layer.get("filters"), layer.get("biases"))
        if not isinstance(kernel, np.ndarray) or kernel.ndim != 4:
            continue
        layer_name = layer.get("name")
        is_label = isinstance(layer_name, str) and label(layer_name)
        stem = layer_name if is_label else f"layers.{number}"
        for what, array in (("kernel", kernel), ("bias", bias)):
            if isinstance(array, np.ndarray):
                yield f"{stem}.{what}", LazyArray(array.shape, array.dtype, array.view)
