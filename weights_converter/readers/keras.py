"""Reader of Keras's HDF5 files of all versions.

Keras 1 and 2 write a group per layer and list it in attributes; the names of its arrays changed
with every version (`block1_conv1_W_1:0`, `block1_conv1/kernel:0` …), and a whole model has them
under `model_weights`. Keras 3 writes `layers/block1_conv1/vars/0`, with the layer's own name or a
numbered one (`conv2d_4`). So this reader looks up no names: it walks the tree and returns every
array under its path.

Kernels are height × width × in × out, or out × in × height × width in files for Theano.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from minigrad.hdf5 import Dataset, UnsupportedError
from weights_converter.errors import WeightsError
from weights_converter.lazy_array import LazyArray, Tensors
from weights_converter.safe_hdf5 import check_storage, open_hdf5, walk_datasets

# Groups of optimiser state: moments of every kernel, under similar names.
NOT_WEIGHTS = ("optimizer", "optimizer_weights")


@contextmanager
def open_keras(path: Path) -> Iterator[Tensors]:
    """Yield the arrays of an HDF5 file by their paths.

    A file may have arrays beside the weights that cannot be read: records, text, one in another
    file. They raise an error when they are read, not before.

    Raises
    ------
    WeightsError
        The file is damaged, or has no arrays.
    """
    with open_hdf5(path) as file:
        tensors = {}
        for name, dataset in walk_datasets(path, file):
            shape = _shape(dataset)
            if shape and name.split("/")[0] not in NOT_WEIGHTS:
                tensors[name] = LazyArray(shape, _dtype(dataset), partial(_read, path, dataset))
        if not tensors:
            raise WeightsError(f"{path} is HDF5, but contains no arrays")
        yield tensors


def _shape(dataset: Dataset) -> tuple[int, ...]:
    """The shape; () of a single number, and of an array with too many dimensions for a kernel."""
    try:
        return dataset.shape
    except UnsupportedError:
        return ()


def _dtype(dataset: Dataset) -> np.dtype | None:
    try:
        return dataset.dtype
    except UnsupportedError:
        return None


def _read(path: Path, dataset: Dataset) -> np.ndarray:
    try:
        check_storage(path, dataset)
        return dataset.read()
    except UnsupportedError as error:
        raise WeightsError(f"{path}: {dataset.name} cannot be read: {error}") from error
