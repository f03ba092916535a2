"""Turn the VGG weight files that exist in the world into one verified HDF5 file.

>>> from weights_converter import convert, read_weights, verify
>>> convert("vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "vgg19.h5")
>>> print(verify("vgg19.h5"))
>>> weight, bias = read_weights("vgg19.h5", until="conv5_1").layers["conv1_1"]

The rooms: `detect` says what a file is, by its content; `readers` has one reader for each
format, which offers arrays by name; `naming` finds VGG's layers among them; `fingerprints`
knows what the published networks look like, and `identify` recognises them; `hdf5` reads and
writes the project's own file; `convert` and `verify` put them together; `fetching` downloads;
`__main__` is the command line.
"""

from __future__ import annotations

from weights_converter.convert import convert
from weights_converter.converted import read_weights, write_weights
from weights_converter.errors import WeightsError
from weights_converter.verify import verify
from weights_converter.weights import Weights

__all__ = [
    "Weights", "WeightsError", "convert", "fetch", "read_weights", "verify", "write_weights",
]


def __getattr__(name: str) -> object:
    if name == "fetch":     # what it needs of the standard library is slow to import
        from weights_converter.fetching import fetch

        return fetch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
