"""Loading and launching what the `.cu` files hold.

A kernel is compiled when it is first used on a machine (a second or two each) by NVRTC, which
comes with CuPy; CuPy keeps the result in a cache in the user's home folder.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from minigrad.errors import DeviceError, OutOfMemoryError
from minigrad.kernels.cuda.faults import MEMORY, disk_error, is_of_disk, says, telling

BLOCK = 128         # threads in a block, a whole number of warps
WARP = 32
LARGE = 1 << 30     # numbers or threads that are counted as long long, with room to spare
NULL = np.uint64(0)
_REAL = {"f": "float", "d": "double"}
_functions: dict[tuple, Any] = {}


@lru_cache
def source(name: str, real: str = "f", extra: str = "", large: bool = False) -> str:
    """The complete program of `name`.cu.

    Parameters
    ----------
    real : "f" or "d", the type of the numbers.
    extra : definitions that the file wants in front of it.
    large : whether arrays have so many numbers that an int cannot count them.
    """
    folder = resources.files(__package__)
    texts = [(folder / file).read_text(encoding="utf-8") for file in ("common.cu", f"{name}.cu")]
    count = "long long" if large else "int"
    return "\n".join([f"typedef {_REAL[real]} real;", f"typedef {count} offset;", texts[0], extra,
                      texts[1]])


def launch(xp: Any, program: str, kernel: str, threads: int, *args: Any, real: str = "f",
           extra: str = "", block: int = BLOCK, shared: int = 0) -> None:
    """Start `kernel` of `program`.cu with at least `threads` threads on the current stream.

    Arguments are arrays, None for a null pointer, and NumPy scalars of the type that the kernel
    declares; plain ints stand for C's int, np.int64 for the kernels' `offset`. `shared` is the
    size of the kernel's `shared_memory` in bytes.
    """
    if not threads:
        return
    large = threads >= LARGE or any(getattr(value, "size", 0) >= LARGE for value in args)
    # More shared memory than usual is an attribute that a function has on one device.
    key = (xp, program, kernel, real, extra, large,
           xp.cuda.runtime.getDevice() if shared else None)
    function = _functions.get(key)
    if function is None:
        function = _functions[key] = _load(xp, kernel, shared, program, real, extra, large)
    function((-(-threads // block),), (block,),
             tuple([_argument(value, large) for value in args]), shared_mem=shared)


def _argument(value: Any, large: bool) -> Any:
    kind = type(value)
    if kind is int or kind is bool or (kind is np.int64 and not large):
        return np.int32(value)
    return NULL if value is None else value


def _load(xp: Any, kernel: str, shared: int, program: str, *definitions: Any) -> Any:
    """Compile, or take from CuPy's cache.

    Raises
    ------
    OutOfMemoryError : the device has no room for the program.
    DeviceError : the compiler or the driver refuses the program; says which, and why.
    """
    try:
        module = xp.RawModule(code=source(program, *definitions), options=("-std=c++14",))
        function = module.get_function(kernel)
        if shared:
            function.max_dynamic_shared_size_bytes = shared
            function.preferred_shared_memory_carveout = 100     # per cent: as many blocks as fit
        return function
    except MemoryError:
        raise
    except Exception as error:      # CuPy's CompileException, NVRTCError, CUDADriverError, ...
        if says(error, MEMORY):
            raise OutOfMemoryError(f"the device has no room for the CUDA kernel {kernel} of "
                                   f"{program}.cu: {telling(error)}") from error
        if is_of_disk(error):
            raise disk_error(error) from error
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said = next((line for line in lines if "error" in line.lower()), lines[0])
        raise DeviceError(f"the CUDA kernel {kernel} of {program}.cu cannot be compiled or loaded "
                          f"here: {said.strip()}; device 'cpu' needs no compiler") from error


def contiguous(xp: Any, x: Any) -> Any:
    """Images N×C×H×W as N×H×W×C without gaps: a view if a kernel made them."""
    return xp.ascontiguousarray(x.transpose(0, 2, 3, 1))


def warps(channels: int) -> int:
    """`channels` rounded up to whole warps."""
    return -(-channels // WARP) * WARP
