"""Save state dicts of modules and optimizers in HDF5 files.

A file has the tree structure of a state dict: dicts, lists and tuples are groups; tensors, arrays
and single values are datasets. The attribute `kind` of each names its type. Any HDF5 viewer can
display it. Arrays are stored with checksums.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import backend, hdf5
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, FileError, MinigradError
from minigrad.files import check_space, replacing
from minigrad.kernels.boundary import guarded_names
from minigrad.kernels.element_types import NUMBERS
from minigrad.printable import printable

if TYPE_CHECKING:
    import h5py

FORMAT, VERSION = "minigrad-state", 1
MAX_DEPTH = 60
# Of HDF5's metadata in bytes: 20,000 numbers or arrays, which take five seconds. Fewer are written,
# because long keys count too.
MAX_METADATA = 36 << 20
MAX_VALUES = 15_000
MAX_REASON = 300        # letters; names in a file may be of any length
_VALUES = {"bool": bool, "int": int, "float": float, "str": str}
_STORED = {"bool": "b", "int": "iu", "float": "f"}      # kinds of element types
_SEQUENCES = {"list": list, "tuple": tuple}
# What the reader raises for a file that is damaged, or not supported.
_REFUSALS = (OSError, RuntimeError, KeyError, ValueError, TypeError, ArithmeticError, MemoryError,
             zlib.error, MinigradError)


def save_state(path: str | os.PathLike[str], state_dict: dict[str, Any]) -> None:
    """Write a state dict (of a module, an optimizer, or a dict of several) to an HDF5 file.

    The file gets its name when it is complete and on the disk. Until then, and if anything goes
    wrong, an older file of that name stays unchanged.

    Parameters
    ----------
    path : file to write; its folder must exist.
    state_dict : a dict with strings or whole numbers as keys, of tensors, arrays, numbers,
        strings, None, and dicts, lists and tuples of all these.

    Raises
    ------
    FileError : the folder is missing, or the file cannot be written.
    ArgumentError : something in the state dict cannot be saved, dicts and lists are nested
        deeper than 60, it has more than 15,000 values, an array has more than 8 dimensions, or
        `load_state` would refuse the file for another reason.
    """
    h5py = _h5py()
    _check_tree(state_dict)
    # From version 1.10 of the format on, names and shapes have checksums as well.
    with replacing(path) as temporary:
        # If HDF5 cannot write all of a file, it cannot close it either, and ends the process.
        check_space(temporary, _size(state_dict))
        with h5py.File(temporary, "x", libver="v110", track_order=True) as file:
            _label(file, format=FORMAT)
            file.attrs["version"] = VERSION
            _write(file, "state", state_dict, "the state dict")
        _check_readable(temporary)


def load_state(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file of `save_state`; tensors and arrays are on the host.

    Raises
    ------
    FileError : the file is missing, is not an HDF5 file, was written by another program or a newer
        version, is damaged, or holds no dict.
    """
    state = _read_file(path)
    if not isinstance(state, dict):
        raise FileError(f"cannot read {path}: it holds a {type(state).__name__}, not a state dict; "
                        f"read it with minigrad.io.load()")
    return state


def _read_file(path: str | os.PathLike[str]) -> Any:
    """What a file holds; the errors are those of `load_state`."""
    if not os.path.isfile(path):
        raise FileError(f"cannot read {path}: there is no such file")
    try:
        return _read(path)
    except FileError:
        raise
    except hdf5.UnsupportedError as error:
        raise FileError(f"cannot read {path}: {printable(str(error), MAX_REASON)}") from error
    except _REFUSALS as error:
        if hdf5.is_hdf5(path):
            raise FileError(f"cannot read {path}: it is damaged or was cut off "
                            f"({printable(str(error), MAX_REASON)}); use another copy") from error
        raise FileError(f"cannot read {path}: it is not an HDF5 file, or it was cut off; save the "
                        f"state again with save_state()") from error


def _read(path: str | os.PathLike[str], data: bool = True) -> Any:
    """The tree of a file; without `data`, arrays and numbers are only checked, and are None."""
    with hdf5.open_file(path, MAX_METADATA) as file:
        written_by, version = _labelled(file, "format"), file.attrs.get("version", 0)
        if written_by != FORMAT:
            raise FileError(f"cannot read {path}: its format is {written_by!r:.60}, but "
                            f"load_state reads {FORMAT!r}, which save_state writes")
        if version > VERSION:
            raise FileError(f"cannot read {path}: it has version {version} of the format, but "
                            f"this program reads {VERSION}; install a newer one")
        return _Reader(os.path.getsize(path), data).read(file["state"])


def _check_readable(path: str | os.PathLike[str]) -> None:
    """Read a new file but for its data, so that an older file is not replaced by one in vain."""
    try:
        _read(path, data=False)
    except _REFUSALS as error:
        raise ArgumentError(f"the state dict cannot be saved, because load_state would refuse the "
                            f"file ({printable(str(error), MAX_REASON)}); use fewer values and "
                            f"shorter keys") from error


def state_digest(state_dict: dict[str, Any], key: bytes = b"") -> str:
    """Hash a state dict: the same before `save_state` and after `load_state`.

    Parameters
    ----------
    state_dict : what `save_state` accepts.
    key : at most 64 secret bytes, without which nobody can compute the hash.

    Returns
    -------
    str
        64 hexadecimal digits (BLAKE2b).

    Raises
    ------
    ArgumentError : as by `save_state`.
    """
    _check_tree(state_dict)
    digest = hashlib.blake2b(key=key, digest_size=32)
    _hash(digest, state_dict)
    return digest.hexdigest()


def save(obj: Any, f: str | os.PathLike[str]) -> None:
    """Write a tensor, a state dict or any tree of them to a file, see :func:`save_state`."""
    save_state(f, obj)


def load(f: str | os.PathLike[str], map_location: str | None = None) -> Any:
    """Read a file of :func:`save`; its tensors are on the host, or on the device `map_location`.

    Raises
    ------
    FileError : see :func:`load_state`.
    """
    return _moved(_read_file(f), map_location)


def _moved(value: Any, device: str | None) -> Any:
    if device is None:
        return value
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, device) for item in value)
    return value


# ------------------------------------------------------------------------------- the tree


def _check_tree(state_dict: Any) -> None:
    """Refuse what `load_state` would refuse as too deep, and what has no end.

    A dict that contains itself is infinitely deep. A list that contains another twice, which
    contains a third twice and so on, is small in memory and immense in a file.
    """
    left, level = MAX_VALUES, [state_dict]
    for _ in range(MAX_DEPTH + 1):
        inside = [value.values() if isinstance(value, dict) else value for value in level
                  if isinstance(value, (dict, list, tuple))]
        left -= sum(map(len, inside))
        if left < 0:
            raise ArgumentError(f"the state dict has more than {MAX_VALUES:,} values, and cannot "
                                f"be saved; join numbers to arrays")
        level = [item for values in inside for item in values]
    if level:
        raise ArgumentError(f"the state dict is nested deeper than {MAX_DEPTH} dicts and lists, or "
                            f"contains itself, and cannot be saved; use fewer levels")


def _hash(digest: Any, value: Any) -> None:
    """Add a value and its kind to a hash."""
    kind = _kind(value, "the state dict")
    if kind == "dict" or kind in _SEQUENCES:
        digest.update(f"{kind} {len(value)};".encode())
        for key, item in value.items() if kind == "dict" else enumerate(value):
            digest.update(f"{len(str(key))} {key};".encode())
            _hash(digest, item)
        return
    array = _as_array(value, kind, "the state dict")
    digest.update(f"{kind} {array.dtype.str} {array.shape};".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _write(group: h5py.Group, name: str, value: Any, where: str) -> None:
    """Write `value` as `name` of `group`; errors call it `where`."""
    kind = _kind(value, where)
    longest = hdf5.MAX_PATH
    if len(f"{group.name}/{name}".encode("utf-8", "replace")) > longest:
        raise ArgumentError(f"{printable(where, MAX_REASON)} has keys that are too long: all those "
                            f"that lead to a value may have {longest:,} bytes together")
    if kind == "dict":
        node = group.create_group(name, track_order=True)
        keys = "int" if value and all(type(k) is int for k in value) else "str"
        _label(node, keys=keys)
        for key, item in value.items():
            _check_key(key, keys, where)
            _write(node, str(key), item, f"{where}[{key!r}]")
    elif kind in _SEQUENCES:
        node = group.create_group(name, track_order=True)
        for position, item in enumerate(value):
            _write(node, str(position), item, f"{where}[{position}]")
    else:
        array = _as_array(value, kind, where)
        node = _write_array(group, name, array)
    _label(node, kind=kind)


def _size(value: Any) -> int:
    """An upper bound for the bytes of the tree in a file."""
    if isinstance(value, dict):
        return 4096 + sum(_size(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return 4096 + sum(_size(item) for item in value)
    content = value.nbytes if hasattr(value, "nbytes") else 0
    if isinstance(value, Tensor):
        content = value.data.nbytes
    return 8192 + content + content // 50 + (4 * len(value) if isinstance(value, str) else 0)


def _write_array(group: h5py.Group, name: str, array: np.ndarray) -> h5py.Dataset:
    """Create a dataset with checksums, which HDF5 supports only with at least one dimension."""
    if not array.size:
        return group.create_dataset(name, data=array)
    node = group.create_dataset(name, data=array.reshape(array.shape or 1), chunks=True,
                                fletcher32=True)
    node.attrs["dimensions"] = array.ndim
    return node


def _as_array(value: Any, kind: str, where: str) -> np.ndarray:
    """A value as the array that stands for it in a file, in the byte order of this machine."""
    array = _host_array(value, kind)
    if array.dtype.kind not in NUMBERS:
        raise ArgumentError(f"{where} is an array of {array.dtype} (or a number too large for 64 "
                            f"bits), which cannot be saved")
    try:
        hdf5.check_shape(array.shape)
        hdf5.check_type(array.dtype)
    except hdf5.UnsupportedError as error:
        raise ArgumentError(f"{where} cannot be saved: {error}") from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _host_array(value: Any, kind: str) -> np.ndarray:
    if kind == "tensor":
        return value.numpy()
    if kind == "array":
        return backend.to_device(value, "cpu")
    if kind == "str":
        # Not as HDF5's own strings, which have no checksums.
        return np.frombuffer(value.encode(), np.uint8)
    return np.zeros(0, np.int8) if kind == "none" else np.asarray(value)


def _label(node: Any, **labels: str) -> None:
    """Set attributes to texts of fixed length, which the checksum of the node covers."""
    for name, text in labels.items():
        node.attrs[name] = np.bytes_(text)


def _labelled(node: Any, name: str) -> str | None:
    text = node.attrs.get(name)
    return text.decode() if isinstance(text, bytes) else text


def _kind(value: Any, where: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, Tensor):
        return "tensor"
    if isinstance(value, np.ma.MaskedArray):
        raise ArgumentError(f"{where} is a masked array, whose mask cannot be saved; save its data "
                            f"and its mask as two arrays")
    if backend.is_array(value):
        return "array"
    for kind, python_type in {"dict": dict, **_SEQUENCES, **_VALUES}.items():
        if isinstance(value, python_type):
            return kind
    raise ArgumentError(f"{where} is a {type(value).__name__}, which cannot be saved; a state dict "
                        f"holds tensors, arrays, numbers, strings, None, and dicts and lists of "
                        f"them")


def _check_key(key: Any, keys: str, where: str) -> None:
    if keys == "int":
        return
    if not isinstance(key, str) or "/" in key or "\0" in key or key in ("", ".", ".."):
        raise ArgumentError(f"{where} has the key {key!r}, which cannot be a name in a file; keys "
                            f"are strings without '/', or all of them whole numbers")


class _Reader:
    """Reads the tree back. Every array was written once, so all have at most the file's size."""

    def __init__(self, size: int, data: bool) -> None:
        self.left = size
        self.data = data

    def read(self, node: hdf5.Node, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"its dicts and lists are nested deeper than {MAX_DEPTH}")
        kind = _labelled(node, "kind")
        if isinstance(node, hdf5.Group):
            if kind == "dict":
                convert = _whole if _labelled(node, "keys") == "int" else _text
                return {convert(name): self.read(node[name], depth + 1) for name in node}
            if kind in _SEQUENCES:
                items = (self.read(node[str(position)], depth + 1) for position in range(len(node)))
                return _SEQUENCES[kind](items)
        if kind == "none":
            return None
        if kind not in ("tensor", "array", *_VALUES) or not isinstance(node, hdf5.Dataset):
            raise ValueError(f"it has a {type(node).__name__.lower()} of the kind {kind!r:.40}")
        return self._value(kind, node)

    def _value(self, kind: str, node: hdf5.Dataset) -> Any:
        self.left -= prod(node.shape) * node.dtype.itemsize
        if self.left < 0 or node.dtype.kind not in NUMBERS:
            raise ValueError(f"{node.name:.100} cannot be an array of {node.dtype} and shape "
                             f"{node.shape}")
        if not self.data:
            return node.check()
        array = node.read()
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if kind == "str":
            return array.tobytes().decode()
        if node.attrs.get("dimensions") == 0:
            array = array.reshape(())
        if kind in ("tensor", "array"):
            return Tensor(array) if kind == "tensor" else array
        if array.dtype.kind not in _STORED[kind] or array.size != 1:
            raise ValueError(f"{node.name:.100} cannot be a value of the kind {kind}")
        return _VALUES[kind](array)


def _text(name: str) -> str:
    """A key, which must be UTF-8; other bytes are decoded as surrogates."""
    if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
        raise ValueError(f"the name {name!r:.60} is not UTF-8")
    return name


def _whole(name: str) -> int:
    """A key that is a whole number, as it is written."""
    if str(number := int(name)) != name:
        raise ValueError(f"the name {name!r:.60} is not a whole number")
    return number


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise FileError("state files need h5py, which is not installed; run pip install "
                        "h5py") from error
    return h5py


globals().update(guarded_names(globals(), ("load", "load_state", "save", "save_state")))
