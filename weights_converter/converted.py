"""The project's own weights file: one writer, one reader.

Root attributes: format, version, architecture, layout, color_order, input_range, mean, std, source,
source_sha256, licence, layers, and `changes` if the source's kernels were changed. One group per
layer, named as in `vgg_spec.LAYERS`, with the datasets `weight` (out × in × height × width) and
`bias`, float32 or float16. A file may stop early; then it lists fewer layers. Text is UTF-8 of
fixed length, which is read as bytes.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.files import check_writable, replacing
from minigrad.hdf5 import Group
from minigrad.printable import escaped
from weights_converter import vgg_spec
from weights_converter.errors import CannotWriteError, WeightsError, enough_memory
from weights_converter.safe_hdf5 import (
    CONVERTED,
    find_dataset,
    get_attribute,
    holds_small,
    is_converted,
    open_hdf5,
    small_error,
    text,
)
from weights_converter.weights import (
    STORED_AS,
    Layers,
    Weights,
    check_finite,
    check_form,
    check_layer_names,
    check_preprocessing,
)

VERSION = 1
LAYOUT = "OIHW"
RESERVE = 32 << 20      # bytes for the HDF5 library itself


# ---------------------------------------------------------------- reading


def read_weights(path: str | Path, until: str | None = None) -> Weights:
    """Read a converted weights file.

    Parameters
    ----------
    path : str or Path
        A file made by `write_weights` or `python -m weights_converter`.
    until : str, optional
        The last layer to read ("conv5_1"); by default, all layers of the file are read.

    Returns
    -------
    Weights
        `layers` holds float32 arrays: weight O×I×H×W, bias O.

    Raises
    ------
    WeightsError
        The file is missing, damaged or of another kind, its attributes, shapes or values are
        wrong, or it has no layer `until`.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        header, names = _read_header(path, file)
        layers: Layers = {}
        dtypes: set[str] = set()
        for name in names[: _count_until(path, names, until)]:
            weight, bias = _read_layer(path, file, name)
            dtypes |= {str(weight.dtype), str(bias.dtype)}
            layers[name] = (weight.astype(np.float32, copy=False),
                            bias.astype(np.float32, copy=False))
    if len(dtypes) > 1:
        raise WeightsError(f"{path} has arrays of different types, {' and '.join(sorted(dtypes))}")
    complete = names == vgg_spec.layers_of(header["architecture"])
    return Weights(layers=layers, complete=complete, dtype=dtypes.pop(), **header)


def _count_until(path: Path, names: tuple[str, ...], until: str | None) -> int:
    if until is None:
        return len(names)
    if until not in names:
        raise WeightsError(f"{path} has no layer {until}: it has {', '.join(names)}")
    return names.index(until) + 1


def _read_layer(path: Path, file: Group, name: str) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = (find_dataset(path, file, f"{name}/{what}") for what in ("weight", "bias"))
    if weight is None or bias is None:
        raise WeightsError(
            f"{path} lists the layer {name}, but has no datasets {name}/weight and {name}/bias")
    # Checked before reading, because a wrong shape may be huge.
    check_form(path, name, weight, bias, STORED_AS)
    pair = weight.read(), bias.read()
    check_finite(path, name, *pair)
    return pair


def _read_header(path: Path, file: Group) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of `Weights` that the root attributes give, and the names of the layers."""
    if not is_converted(path, file):
        raise WeightsError(_not_converted(path, file))
    if holds_small(path, file):
        raise small_error(path)
    attributes = _Attributes(path, file)
    attributes.check("version", VERSION)
    known = vgg_spec.ARCHITECTURES
    architecture = attributes.matching("architecture", "|".join(known), " or ".join(known))
    attributes.check("layout", LAYOUT)
    names = tuple(text(name) for name in np.ravel(attributes.get("layers")))
    check_layer_names(path, names, architecture)
    header: dict[str, Any] = {
        "architecture": architecture,
        "color_order": attributes.matching("color_order", "BGR|RGB", "BGR or RGB"),
        "input_range": attributes.numbers("input_range", 2),
        "mean": attributes.numbers("mean", 3),
        "std": attributes.numbers("std", 3),
        "source": attributes.matching("source", ".+", "the name of a file"),
        "source_sha256": attributes.matching(
            "source_sha256", "[0-9a-f]{64}", "64 hexadecimal digits"
        ),
        "licence": attributes.matching("licence", ".+", "the terms of use"),
        "changes": attributes.matching("changes", ".*", "words") if "changes" in file.attrs else "",
    }
    check_preprocessing(path, header["input_range"], header["mean"], header["std"])
    return header, names


def _not_converted(path: Path, file: Group) -> str:
    if "layer_names" in (file.get("model_weights") or file).attrs:
        return (f"{path} is an unconverted weights file of Keras: "
                f"run python -m weights_converter {path} DEST.h5 first")
    return (f"{path} is HDF5 but not a converted weights file: it has no format={CONVERTED!r}; "
            f"python -m weights_converter {path} DEST.h5 converts files of Keras")


class _Attributes:
    """Root attributes of a file; a wrong one raises an error that names it."""

    def __init__(self, path: Path, file: Group) -> None:
        self.path = path
        self.attributes = file.attrs

    def get(self, name: str) -> Any:
        value = get_attribute(self.path, self.attributes, name)
        if value is None:
            raise WeightsError(f"{self.path} lacks the attribute {name}; convert its source again")
        return value

    def check(self, name: str, expected: str | int) -> None:
        value = self.get(name)
        if text(value) != str(expected):
            raise self._error(name, value, str(expected))

    def matching(self, name: str, pattern: str, expected: str) -> str:
        value = self.get(name)
        if np.ndim(value) or not re.fullmatch(pattern, text(value), re.DOTALL):
            raise self._error(name, value, expected)
        return text(value)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        value = np.asarray(self.get(name))
        if value.shape != (count,) or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            raise self._error(name, value, f"{count} finite numbers")
        return tuple(float(number) for number in value)

    def _error(self, name: str, value: object, expected: str) -> WeightsError:
        shown = " ".join(text(value).split())[:60]
        return WeightsError(f"{self.path}: the attribute {name} is {shown!r}, not {expected}")


# ---------------------------------------------------------------- writing


def write_weights(path: str | Path, weights: Weights) -> None:
    """Write a converted weights file atomically; an existing file is replaced.

    Values are stored as `weights.dtype`, which must represent them exactly. A file may stop early.
    `weights.complete` is not stored, because it follows from the list of layers.

    Raises
    ------
    WeightsError
        A layer has the wrong name, shape, type or a value that is not finite, the file cannot be
        written, or there is too little memory. Nothing is left behind, and an existing file is
        unchanged.
    """
    path = Path(path)
    check_writable(path, CannotWriteError)
    check_layer_names(path, tuple(weights.layers), weights.architecture)
    for name, (weight, bias) in weights.layers.items():
        check_form(path, name, weight, bias)
        check_finite(path, name, weight, bias)
    with enough_memory(f"write {path}"), replacing(path, CannotWriteError) as temporary:
        temporary.write_bytes(_file_image(weights))
        _check_written(path, temporary, weights)


def _file_image(weights: Weights) -> memoryview:
    """The bytes of the HDF5 file.

    The file is built in memory, because HDF5 reports a full disk in many ways, some of them only
    on closing. The library's own file images are not used: before HDF5 2.0, their first block has a
    wrong checksum.

    A damaged file must be rejected and must never crash or hang the HDF5 library. Hence the HDF5
    1.10 format, whose metadata carry checksums; text of fixed length, because text of variable
    length lies in a heap without checksums; and a checksum for each array.
    """
    _check_memory(weights)
    import h5py

    dtype = np.dtype(weights.dtype)
    image = io.BytesIO()
    with h5py.File(image, "w", libver="v110") as file:
        for name, value in _attributes(weights).items():
            file.attrs[name] = _fixed_length(value)
        for name, (weight, bias) in weights.layers.items():
            for what, array in (("weight", weight), ("bias", bias)):
                # A checksum needs chunks; the whole array is one chunk.
                file.create_dataset(f"{name}/{what}", data=array.astype(dtype, copy=False),
                                    chunks=array.shape, fletcher32=True)
    return image.getbuffer()        # getvalue() would copy it


def _check_memory(weights: Weights) -> None:
    """Check that the file can be built in memory: HDF5 may crash if that ends halfway.

    The buffer grows by an eighth at a time; an array is copied for its type and its checksum.

    Raises
    ------
    MemoryError
    """
    sizes = [array.nbytes for pair in weights.layers.values() for array in pair]
    np.empty(sum(sizes) * 9 // 8 + 4 * max(sizes) + RESERVE, np.uint8)


def _fixed_length(value: Any) -> Any:
    """Convert text and lists of text to UTF-8 of fixed length; leave numbers unchanged."""
    import h5py

    if not isinstance(value, str | list):
        return value
    words = np.char.encode(value, "utf-8")
    return words.astype(h5py.string_dtype("utf-8", max(1, words.itemsize)))


def _attributes(weights: Weights) -> dict[str, Any]:
    """The attributes of the file; a text from another file, or its name, steers no terminal."""
    changes = {"changes": escaped(weights.changes)} if weights.changes else {}
    return {
        **changes,
        "format": CONVERTED,
        "version": VERSION,
        "architecture": weights.architecture,
        "layout": LAYOUT,
        "color_order": weights.color_order,
        "input_range": weights.input_range,
        "mean": weights.mean,
        "std": weights.std,
        "source": escaped(weights.source),
        "source_sha256": weights.source_sha256,
        "licence": escaped(weights.licence),
        "layers": list(weights.layers),
    }


def _check_written(path: Path, temporary: Path, weights: Weights) -> None:
    """Read the file again, and compare every attribute and every bit."""
    try:
        reread = read_weights(temporary)
    except WeightsError as error:  # the user does not know the temporary name
        raise WeightsError(str(error).replace(str(temporary), str(path))) from error
    same = _attributes(reread) == _attributes(weights) and all(
        np.array_equal(old, new)
        for name in weights.layers
        for old, new in zip(weights.layers[name], reread.layers[name])
    )
    if not same:
        raise WeightsError(f"cannot write {path}: the file read back differs from the data written")
