"""Array libraries and devices: which library an array belongs to, and where it lives.

NumPy is always imported, CuPy only when a CUDA device is requested or a CuPy array is passed in.
Everything else in the engine gets the library (`xp`, as CuPy's users call it) from
:func:`array_module` and works on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.cuda_start import start
from minigrad.errors import ArgumentError, DeviceError


@dataclass(frozen=True)
class ArrayLibrary:
    """A library whose arrays the engine works on.

    Attributes
    ----------
    name : str
        The first word of its device strings, such as `"cuda"`.
    array_type : type
        The class of its arrays.
    module : module
        The namespace with NumPy's function names.
    device_of : Callable
        Function from an array to its device string, such as `"cuda:0"`.
    convert : Callable
        Function `(numpy_array, device_string) -> array`.
    count : Callable
        Function that returns the number of devices.
    use : Callable, optional
        Function that makes a device, given as a string, the current one of this thread; for
        libraries that make results on the current device, not where the operands are.
    is_cuda : bool
        Whether its arrays are on CUDA devices; follows from the name.
    several : bool
        Whether it has more than one device; counted when it is registered.
    """

    name: str
    array_type: type
    module: Any
    device_of: Callable[[Any], str]
    convert: Callable[[np.ndarray, str], Any]
    count: Callable[[], int] = lambda: 1
    use: Callable[[str], None] | None = None
    is_cuda: bool = False
    several: bool = False


_NUMPY = ArrayLibrary("cpu", np.ndarray, np, lambda array: "cpu", lambda array, device: array)
_libraries: dict[type, ArrayLibrary] = {np.ndarray: _NUMPY}     # by the type of their arrays


def register_library(array_type: type, module: Any, device_of: Callable[[Any], str], name: str,
                     convert: Callable[[np.ndarray, str], Any],
                     count: Callable[[], int] = lambda: 1,
                     use: Callable[[str], None] | None = None) -> None:
    """Let the engine work on another array library; parameters as in :class:`ArrayLibrary`."""
    _libraries[array_type] = ArrayLibrary(name, array_type, module, device_of, convert, count, use,
                                          name == "cuda", count() > 1)


def _named(name: str) -> ArrayLibrary | None:
    """The library whose device strings begin with `name`."""
    latest_first = reversed(_libraries.values())
    return next((library for library in latest_first if library.name == name), None)


def _of(array: Any) -> ArrayLibrary:
    """The library of an array; NumPy for anything else."""
    library = _libraries.get(type(array))
    if library is not None:
        return library
    if type(array).__module__.partition(".")[0] == "cupy":
        _register_cupy()
        return _libraries.get(type(array), _NUMPY)
    return _NUMPY


# --------------------------------------------------------------------- questions about arrays


def array_module(*values: Any) -> Any:
    """The module of the first array among `values` (NumPy's if there is none)."""
    for value in values:
        library = _libraries.get(type(value))
        if library is not None:
            return library.module
        if type(value).__module__.partition(".")[0] == "cupy":
            return _of(value).module
    return np


def is_array(value: Any) -> bool:
    """Whether `value` is an array of NumPy or of a registered library."""
    return type(value) in _libraries or isinstance(value, np.ndarray) or (
        type(value).__module__.partition(".")[0] == "cupy" and hasattr(value, "shape"))


def is_cuda(array: Any) -> bool:
    """Whether an array is on a CUDA device, where the kernels of `kernels/cuda` work on it."""
    return is_cuda_type(type(array))


def is_cuda_type(array_type: type) -> bool:
    """Whether arrays of this type are on a CUDA device."""
    library = _libraries.get(array_type)
    return library is not None and library.is_cuda


def device_of(array: Any) -> str:
    """`"cpu"`, or `"cuda:0"` and so on."""
    return _of(array).device_of(array)


def has_several_devices(array_type: type) -> bool:
    """Whether arrays of this type can be on different devices."""
    library = _libraries.get(array_type)
    return library is not None and library.several


def on_one_device(values: Iterable[Any]) -> bool:
    """Whether all arrays among `values` whose library has several devices are on the same one."""
    return len({device_of(value) for value in values if has_several_devices(type(value))}) < 2


# --------------------------------------------------------------------------- moving to devices


def use_device_of(array: Any) -> None:
    """Make the device of `array` the current one of this thread, if its library has several."""
    library = _libraries.get(type(array))
    if library is not None and library.several and library.use is not None:
        library.use(library.device_of(array))


def to_device(array: Any, device: str) -> Any:
    """`array` on `device`; the same object if it is there already."""
    library = _of(array)
    here = library.device_of(array)
    device = canonical_device(device)
    if here == device:
        return array
    host = array if here == "cpu" else library.module.asnumpy(array)
    target = _named(device.partition(":")[0])
    assert target is not None       # or the string would not be canonical
    return target.convert(host, device)


def on_device_of(target: Any, value: Any) -> Any:
    """`value` on the device of the array `target`; numbers as they are, lists as arrays."""
    value = np.asarray(value) if isinstance(value, (list, tuple)) else value
    return to_device(value, device_of(target)) if is_array(value) else value


# ------------------------------------------------------------------------------ device strings


def names_device(value: Any) -> bool:
    """Whether `value` is a device string, as opposed to an element type."""
    kind = value.partition(":")[0] if isinstance(value, str) else None
    return kind is not None and (kind == "cuda" or _named(kind) is not None)


def canonical_device(device: str) -> str:
    """Check a device string and complete it: `"cuda"` means `"cuda:0"`.

    Raises
    ------
    ArgumentError
        The string names no known kind of device.
    DeviceError
        The device does not exist or cannot be used; says what is missing.
    """
    if device == "cpu":
        return "cpu"
    kind, _, index = str(device).partition(":")
    if kind == "cuda" and _named(kind) is None:
        _register_cupy()
    library = _named(kind)
    if library is None or library is _NUMPY or not f"0{index}".isdecimal() or len(index) > 9:
        raise ArgumentError(f"device {device!r} is not known; use 'cpu', 'cuda' or 'cuda:N'")
    if library.is_cuda and int(index or 0) >= library.count():
        raise DeviceError(f"device {device!r} does not exist: this machine has "
                          f"{library.count()} GPU(s), numbered from 0")
    return f"{kind}:{int(index or 0)}"


# ------------------------------------------------------------------------------------- CuPy


def cuda_library() -> Any:
    """CuPy, imported and checked.

    Raises
    ------
    DeviceError
        There is no CuPy, no GPU, or something that CuPy needs is missing; the message says
        what, see :mod:`minigrad.cuda_start`.
    """
    library = _named("cuda") or _register_cupy()
    return library.module


def cuda_in_use() -> bool:
    """Whether CuPy has been started; does not touch the device."""
    return _named("cuda") is not None


def _register_cupy() -> ArrayLibrary:
    """Start CuPy and register its arrays."""
    cupy = start()

    def use(device: str) -> None:
        cupy.cuda.Device(int(device.partition(":")[2])).use()

    def convert(array: np.ndarray, device: str) -> Any:
        use(device)         # the device of the last transfer stays the current one
        return cupy.asarray(array)

    register_library(cupy.ndarray, cupy, lambda array: f"cuda:{array.device.id}", "cuda", convert,
                     cupy.cuda.runtime.getDeviceCount, use)
    return _libraries[cupy.ndarray]
