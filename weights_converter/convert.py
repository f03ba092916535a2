"""Convert third-party weights to this project's HDF5 format."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.files import check_writable, file_digest
from minigrad.printable import escaped
from weights_converter import vgg_spec
from weights_converter.converted import write_weights
from weights_converter.detect import TFJS, detect
from weights_converter.errors import CannotWriteError, WeightsError, enough_memory
from weights_converter.identify import INVERSE, Identity, identify
from weights_converter.naming import select
from weights_converter.readers import READERS, tfjs
from weights_converter.safe_hdf5 import CONVERTED, SMALL, small_error, text
from weights_converter.verify import examine
from weights_converter.weights import STORED_AS, Layers, Weights


def convert(
    source: str | Path,
    destination: str | Path,
    *,
    dtype: str = "float32",
    layers: str | None = None,
    origin: str | None = None,
    network: str | None = None,
) -> Weights:
    """Read a VGG from `source`, verify it, and write it to `destination`.

    Parameters
    ----------
    source : str or Path
        A weights file in any of the formats of `weights_converter.readers`.
    destination : str or Path
        The file to write. An existing file is replaced atomically, at the very end.
    dtype : str
        "float32", or "float16" for half the size.
    layers : str, optional
        "conv1_1..LAST": omit the layers after LAST.
    origin : str, optional
        Stored as the source instead of the file's name: the address it was fetched from.
    network : str, optional
        "vgg19" or "vgg16": reject any other architecture.

    Returns
    -------
    Weights
        The weights as written.

    Raises
    ------
    ArgumentError
        An impossible `dtype` or `layers`.
    WeightsError
        The source is unsuitable, the destination cannot be written or is a file of the source, or
        there is too little memory. Nothing is written then.
    """
    with enough_memory(f"convert {source}"):
        return _convert(Path(source), Path(destination), dtype, layers, origin, network)


def _convert(source: Path, destination: Path, dtype: str, layers: str | None, origin: str | None,
             network: str | None) -> Weights:
    last = check_options(dtype, layers)
    kind = _kind_of(source)
    check_writable(destination, CannotWriteError)
    files = _files_of(source, kind)
    if is_among(destination, files):
        raise WeightsError(f"{destination} is the source itself, or a part of it; choose another "
                           "file to write")
    weights, identity = _read(source, kind, escaped(text(origin or source.name)))
    if network not in (None, weights.architecture):
        raise WeightsError(f"{source} contains {identity.network.title}, but {network} is expected")
    examine(source, weights, identity)
    weights = replace(weights, source_sha256=file_digest(*files, error=WeightsError))
    weights = _stored_as(source, _truncated(source, weights, last), dtype)
    write_weights(destination, weights)
    return weights


def check_options(dtype: str, layers: str | None) -> str | None:
    """Check options before any work is done, and return LAST of "conv1_1..LAST"."""
    if dtype not in STORED_AS:
        raise ArgumentError(f"dtype is {dtype!r}, but must be {' or '.join(STORED_AS)}")
    if layers is None:
        return None
    match = re.fullmatch(r"conv1_1\.\.(\w+)", layers)
    if not match or match[1] not in vgg_spec.LAYERS:
        raise ArgumentError(
            f"layers is {layers!r}, but must be conv1_1..LAST, where LAST is a convolution from "
            f"conv1_1 to {vgg_spec.LAYERS[-1]}")
    return match[1]


def _kind_of(source: Path) -> str:
    kind = detect(source)
    if kind == CONVERTED:
        raise WeightsError(
            f"{source} is converted already: use it as it is, or check it with "
            f"python -m weights_converter verify {source}")
    if kind == SMALL:
        raise small_error(source)
    return kind


def _files_of(source: Path, kind: str) -> list[Path]:
    """All files of which a source consists: a TensorFlow.js model has shards."""
    return [source, *(tfjs.shards(source) if kind == TFJS else [])]


def is_among(path: Path, files: Iterable[Path]) -> bool:
    """Whether a path is one of these files, perhaps under another name."""
    return os.path.exists(path) and any(
        os.path.exists(file) and os.path.samefile(path, file) for file in files)


def _read(source: Path, kind: str, origin: str) -> tuple[Weights, Identity]:
    """Read weights into canonical form, and identify them."""
    with READERS[kind](source) as tensors:
        architecture, layers = select(source, tensors)
    identity = identify(source, *layers["conv1_1"])
    known = identity.network
    if architecture not in (known.architecture, None):
        raise WeightsError(
            f"{source} has the layers of {architecture.upper()}, but conv1_1 is that of "
            f"{known.title}")
    weights = Weights(
        layers=_canonical(layers, identity),
        **asdict(known.preprocessing),
        source=origin,
        source_sha256="",       # computed last, because the file may be large and wrong
        licence=known.licence,
        architecture=known.architecture,
        changes=_changes(identity),
        complete=len(layers) == len(vgg_spec.layers_of(known.architecture)),
    )
    return weights, replace(identity, orientation="upright", reversed_colors=False)


def _canonical(layers: Layers, identity: Identity) -> Layers:
    """Rotate the kernels upright, with input channels in the training's order."""
    rotate = INVERSE[identity.orientation]
    upright_layers = {name: (rotate(weight), bias) for name, (weight, bias) in layers.items()}
    if identity.reversed_colors:
        weight, bias = upright_layers["conv1_1"]
        upright_layers["conv1_1"] = weight[:, ::-1], bias
    return {name: (np.ascontiguousarray(weight), bias)
            for name, (weight, bias) in upright_layers.items()}


def _changes(identity: Identity) -> str:
    """The changes made by `_canonical`, in words."""
    changes = []
    if identity.reversed_colors:
        native = identity.network.preprocessing.color_order
        changes.append(f"input channels from {identity.color_order} to {native} order")
    if identity.orientation != "upright":
        changes.append(f"kernels that were {identity.orientation} turned upright")
    return "; ".join(changes)


def _truncated(source: Path, weights: Weights, last: str | None) -> Weights:
    """Drop the layers after `last`."""
    if last is None:
        return weights
    names = list(weights.layers)
    if last not in names:
        raise WeightsError(f"{source} has no layer {last}: it has {', '.join(names)}")
    first = names[: names.index(last) + 1]
    return replace(weights, layers={name: weights.layers[name] for name in first},
                   complete=len(first) == len(vgg_spec.layers_of(weights.architecture)))


def _stored_as(source: Path, weights: Weights, dtype: str) -> Weights:
    """Round the weights to `dtype`; the result is float32."""
    def rounded(array: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return array.astype(dtype).astype(np.float32)

    layers = {name: (rounded(w), rounded(b)) for name, (w, b) in weights.layers.items()}
    for name, pair in layers.items():
        if not all(np.isfinite(array).all() for array in pair):
            raise WeightsError(
                f"{source}: {name} has numbers beyond 65504, the limit of float16; "
                "leave out --dtype float16")
    return replace(weights, layers=layers, dtype=dtype)
