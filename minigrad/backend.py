"""Which array library owns an array, where the array lives, and where chance comes from.

NumPy is imported; CuPy only when a CUDA device is asked for or a CuPy array is
handed in. Everything else in the engine asks :func:`array_module` for the library
(``xp``, as CuPy's users call it) and works on both.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DeviceError

# One entry per array type: the library it belongs to. Libraries join by `register_library`.
_libraries: dict[type, ModuleType] = {np.ndarray: np}
_device_names: dict[ModuleType, Any] = {np: lambda array: "cpu"}
_converters: dict[str, Any] = {}
_modules: dict[str, Any] = {}           # by the first word of their device strings
_counts: dict[str, Any] = {}
_several: set[type] = set()             # array types whose library has more than one device
_use: dict[type, Any] = {}              # by array type: work on the device of that name from now on
_cuda_types: set[type] = set()


def register_library(array_type: type, module: Any, device_of: Any, name: str,
                     convert: Any, count: Any = lambda: 1, use: Any = None) -> None:
    """Let the engine work on another array library (CuPy does so, and the tests' stand-in).

    Parameters
    ----------
    array_type : the class of the library's arrays.
    module : the namespace with NumPy's function names.
    device_of : function from an array to its device string, such as ``"cuda:0"``.
    name : the first word of its device strings, such as ``"cuda"``.
    convert : function ``(numpy_array, device_string) -> array``.
    count : function that gives the number of devices.
    use : function that makes a device, given as a string, the one that results are made on; for
        libraries whose results do not go where their operands are.
    """
    _libraries[array_type] = module
    _device_names[module] = device_of
    _converters[name] = convert
    _modules[name] = module
    _counts[name] = count
    if name == "cuda":
        _cuda_types.add(array_type)
    if count() > 1:
        _several.add(array_type)
        if use is not None:
            _use[array_type] = use


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


def is_cuda(array: Any) -> bool:
    """Whether an array is on a CUDA device, where the kernels of ``kernels/cuda`` work on it."""
    return type(array) in _cuda_types


def is_cuda_type(kind: type) -> bool:
    """Whether arrays of this type are on a CUDA device."""
    return kind in _cuda_types


def share_device(values: Any) -> bool:
    """Whether all arrays among ``values`` that are on GPUs are on one and the same.

    If so, that is where this thread works from now on. Arrays of one library that has a single
    device need no look: this is for machines with several. Arrays of two libraries are told apart
    by their types.
    """
    if not _several:
        return True
    found = {device_of(value): type(value) for value in values if type(value) in _several}
    for device, kind in found.items():
        if len(found) == 1 and kind in _use:
            _use[kind](device)
    return len(found) < 2


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


def beside(target: Any, value: Any) -> Any:
    """``value`` on the device of the array ``target``; numbers as they are, lists as arrays."""
    value = np.asarray(value) if isinstance(value, (list, tuple)) else value
    return to_device(value, device_of(target)) if is_array(value) else value


def names_device(value: Any) -> bool:
    """Whether ``value`` is a device string, as opposed to an element type."""
    kind = value.partition(":")[0] if isinstance(value, str) else None
    return kind in ("cpu", "cuda") or kind in _converters


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
        count = _counts[kind]()
        if int(index or 0) >= count:
            raise DeviceError(f"device {device!r} does not exist: this machine has {count} GPU(s), "
                              f"numbered from 0")
    return f"{kind}:{int(index or 0)}"


def cuda_library() -> Any:
    """CuPy, imported and checked.

    Raises
    ------
    DeviceError : there is no CuPy, no GPU, or something that CuPy needs; says what is missing,
        see :mod:`minigrad.kernels.cuda.start`.
    """
    if "cuda" not in _modules:
        _register_cupy()
    return _modules["cuda"]


def cuda_in_use() -> bool:
    """Whether something has been on a CUDA device yet, or could have been; asks no device."""
    return "cuda" in _modules


def _register_cupy() -> None:
    """Start CuPy, and let the engine know its arrays."""
    from minigrad.kernels.cuda.start import start
    cupy = start()

    def use(device: str) -> None:
        cupy.cuda.Device(int(device.partition(":")[2])).use()

    def convert(array: np.ndarray, device: str) -> Any:
        use(device)         # a thread goes on where it last moved something to
        return cupy.asarray(array)

    register_library(cupy.ndarray, cupy, lambda array: f"cuda:{array.device.id}", "cuda", convert,
                     cupy.cuda.runtime.getDeviceCount, use)


def cuda_is_available() -> bool:
    """Whether a CUDA device can be used; never raises."""
    try:
        cuda_library()
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
