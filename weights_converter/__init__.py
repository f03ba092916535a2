"""Convert published VGG weights files to one verified HDF5 format.

>>> from weights_converter import convert, read_weights, verify
>>> convert("vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "vgg19.h5")
>>> print(verify("vgg19.h5"))
>>> weight, bias = read_weights("vgg19.h5", until="conv5_1").layers["conv1_1"]

- `detect` determines a file's format from its content, with `signatures`.
- `readers` has one reader per format, which returns the arrays of a file as `lazy_array.LazyArray`.
- `naming` finds VGG's layers among them.
- `fingerprints` describes the published networks, and `identify` recognises them.
- `convert` and `verify` combine these; `converted` reads and writes the project's own file.
- `fetching` downloads; `__main__` is the command line.
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
    if name == "fetch":     # imported on first use, because urllib is slow to import
        from weights_converter.fetching import fetch

        return fetch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
