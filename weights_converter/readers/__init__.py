"""One reader per format: a file's arrays by name, read on demand.

Every reader is a context manager that takes a path and yields a mapping from names to
`LazyArray`s, which can be read while it is open. No reader needs the framework that wrote the file
or executes anything in it, and all readers limit the damage that a hostile file can do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from weights_converter import detect
from weights_converter.lazy_array import Tensors
from weights_converter.readers.keras import open_keras
from weights_converter.readers.matconvnet import open_matconvnet
from weights_converter.readers.npz import open_npz
from weights_converter.readers.pytorch import open_torch_zip
from weights_converter.readers.pytorch_legacy import open_torch_legacy
from weights_converter.readers.safetensors import open_safetensors
from weights_converter.readers.tfjs import open_tfjs

Reader = Callable[[Path], AbstractContextManager[Tensors]]

READERS: dict[str, Reader] = {
    detect.KERAS: open_keras,
    detect.TORCH_ZIP: open_torch_zip,
    detect.TORCH_LEGACY: open_torch_legacy,
    detect.NPZ: open_npz,
    detect.SAFETENSORS: open_safetensors,
    detect.MAT5: open_matconvnet,
    detect.TFJS: open_tfjs,
}
