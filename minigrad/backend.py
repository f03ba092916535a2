"""Which array library owns an array, where the array lives, and where chance comes from.

NumPy is imported; CuPy only when a CUDA device is asked for or a CuPy array is
handed in. Everything else in the engine asks :func:`array_module` for the library
(``xp``, as CuPy's users call it) and works on both.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from .errors import ArgumentError, DeviceError

# One entry per array type: the library it belongs to. Libraries join by `register_library`.
_libraries: dict[type, ModuleType] = {np.ndarray: np}
_device_names: dict[ModuleType, Any] = {np: lambda array: "cpu"}
_converters: dict[str, Any] = {}


def register_library(array_type: type, module: Any, device_of: Any, name: str,
                     convert: Any) -> None:
    """Let the engine work on another array library (CuPy does so, and the tests' stand-in).

    Parameters
    ----------
    array_type : the class of the library's arrays.
    module : the namespace with NumPy's function names.
    device_of : function from an array to its device string, such as ``"cuda:0"``.
    name : the first word of its device strings, such as ``"cuda"``.
    convert : function ``(numpy_array, device_string) -> array``.
    """
    _libraries[array_type] = module
    _device_names[module] = device_of
    _converters[name] = convert


def array_module(*values: Any) -> Any:
    """The library of the first array among ``values`` (NumPy when there is none)."""
    for value in values:
        module = _libraries.get(type(value))
        if module is not None:
            return module
        if type(value).__module__.partition(".")[0] == "cupy":
            _register_cupy()
            return _libraries.get(type(value), np)
    return np


def is_array(value: Any) -> bool:
    """Whether ``value`` is an array of NumPy or of a registered library."""
    return type(value) in _libraries or isinstance(value, np.ndarray) or (
        type(value).__module__.partition(".")[0] == "cupy" and hasattr(value, "shape"))


def device_of(array: Any) -> str:
    """``"cpu"``, or ``"cuda:0"`` and so on."""
    return _device_names[array_module(array)](array)


def to_device(array: Any, device: str) -> Any:
    """``array`` on ``device``; the same object if it is there already."""
    here = device_of(array)
    device = canonical_device(device)
    if here == device:
        return array
    host = array if here == "cpu" else array_module(array).asnumpy(array)
    return host if device == "cpu" else _converters[device.partition(":")[0]](host, device)


def canonical_device(device: str) -> str:
    """Check a device string and complete it: ``"cuda"`` means ``"cuda:0"``.

    Raises
    ------
    ArgumentError : the string names no kind of device that the engine knows.
    DeviceError : the device is not there, with what is missing.
    """
    kind, _, index = str(device).partition(":")
    if device == "cpu":
        return "cpu"
    if kind == "cuda" and kind not in _converters:
        _register_cupy()
    if kind not in _converters or (index and not index.isdigit()):
        raise ArgumentError(f"device {device!r} is not known; use 'cpu', 'cuda' or 'cuda:N'")
    if kind == "cuda":
        count = _libraries[_cupy_array_type()].cuda.runtime.getDeviceCount()
        if int(index or 0) >= count:
            raise DeviceError(f"device {device!r} does not exist: this machine has {count} GPU(s), "
                              f"numbered from 0")
    return f"{kind}:{index or 0}"


def _cupy_array_type() -> type:
    return sys.modules["cupy"].ndarray


def _register_cupy() -> None:
    """Import CuPy and make sure that it finds a GPU, or say in one sentence what is missing."""
    try:
        import cupy
    except ImportError as error:
        raise DeviceError("device 'cuda' needs CuPy, which is not installed; "
                          "pip install 'minigrad-nst[gpu]' (CUDA 13) or '[gpu12]' (CUDA 12) "
                          "brings it") from error
    if int(cupy.__version__.partition(".")[0]) < 13:
        raise DeviceError(f"device 'cuda' needs CuPy 13 or newer, but version {cupy.__version__} "
                          f"is installed; pip install -U 'minigrad-nst[gpu]' brings a newer one")
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy raises its own classes for a missing driver or library
        raise DeviceError("device 'cuda' was asked for, but CuPy finds no CUDA driver or GPU "
                          f"({type(error).__name__}); use device 'cpu'") from error
    if not count:
        raise DeviceError("device 'cuda' was asked for, but this machine has no CUDA GPU; "
                          "use device 'cpu'")

    def convert(array: np.ndarray, device: str) -> Any:
        with cupy.cuda.Device(int(device.partition(":")[2])):
            return cupy.asarray(array)

    register_library(cupy.ndarray, cupy, lambda array: f"cuda:{array.device.id}", "cuda", convert)


def cuda_is_available() -> bool:
    """Whether a CUDA device can be used; never raises."""
    try:
        canonical_device("cuda")
    except DeviceError:
        return False
    return True


# Random numbers are drawn on the host whatever the device, so that a seed means
# the same numbers on a CPU and on a GPU.
_generator: np.random.Generator | None = None      # made when first used: its import takes time


def manual_seed(seed: int | None) -> None:
    """Start the engine's random numbers from ``seed``, on every device alike (None: by chance)."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """The generator behind ``rand``, ``randn``, initialisers and dropout."""
    if _generator is None:
        manual_seed(None)
    return _generator
