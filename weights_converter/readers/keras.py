"""Reader of Keras's HDF5 files, of every generation.

Keras 1 and 2 write a group for each layer and list it in attributes; the names of the arrays
in it changed with every version (`block1_conv1_W_1:0`, `block1_conv1/kernel:0` …), and a
whole model keeps them under `model_weights`. Keras 3 writes `layers/block1_conv1/vars/0`,
with the layer's own name or a counted one (`conv2d_4`). So nothing is looked up: the tree is
walked, and every array is offered by its path.

Kernels are height × width × in × out, and out × in × height × width in files for Theano.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weights_converter.errors import WeightsError
from weights_converter.lazy_array import LazyArray, Tensors
from weights_converter.safe_hdf5 import check_storage, open_hdf5, walk_datasets

# What training leaves beside the weights: moments of every kernel, under similar names.
NOT_WEIGHTS = ("optimizer", "optimizer_weights")


@contextmanager
def open_keras(path: Path) -> Iterator[Tensors]:
    """Every array of an HDF5 file, by its path in the tree.

    Raises
    ------
    WeightsError
        The file is damaged, or leads outside itself.
    """
    with open_hdf5(path) as file:
        tensors = {}
        for name, dataset in walk_datasets(path, file):
            if name.split("/")[0] in NOT_WEIGHTS or not dataset.shape:
                continue
            check_storage(path, dataset)
            tensors[name] = LazyArray(dataset.shape, dataset.dtype, lambda d=dataset: d[()])
        if not tensors:
            raise WeightsError(f"{path} is HDF5, but holds no arrays")
        yield tensors
