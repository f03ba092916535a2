"""Compile and launch the kernels of the `.cu` files.

NVRTC, which comes with CuPy, compiles a kernel when it is first used on a machine (one or two
seconds each). CuPy caches the result in the user's home folder.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from minigrad.cuda_faults import MEMORY, disk_error, first_line, is_disk_error, mentions
from minigrad.errors import DeviceError, OutOfMemoryError

BLOCK = 128         # threads in a block, a whole number of warps
WARP = 32
LARGE = 1 << 30     # at least this many elements or threads: indices are long long
NULL = np.uint64(0)
_REAL = {"f": "float", "d": "double"}
_functions: dict[tuple, Any] = {}


@lru_cache
def source(name: str, real: str = "f", extra: str = "", large: bool = False) -> str:
    """The complete program of `name`.cu.

    Parameters
    ----------
    real : "f" or "d", the type of the numbers.
    extra : definitions that the file expects before its text.
    large : whether arrays are too large for indices of type int.
    """
    folder = resources.files(__package__)
    texts = [(folder / file).read_text(encoding="utf-8") for file in ("common.cu", f"{name}.cu")]
    count = "long long" if large else "int"
    return "\n".join([f"typedef {_REAL[real]} real;", f"typedef {count} offset;", texts[0], extra,
                      texts[1]])


def launch(xp: Any, program: str, kernel: str, threads: int, *args: Any, real: str = "f",
           extra: str = "", block: int = BLOCK, shared: int = 0) -> None:
    """Launch `kernel` of `program`.cu with at least `threads` threads on the current stream.

    Arguments are arrays, None for a null pointer, and NumPy scalars of the type that the kernel
    declares. A plain int is passed as C's int, np.int64 as the kernels' `offset`. `shared` is the
    size of the kernel's `shared_memory` in bytes.
    """
    if not threads:
        return
    large = threads >= LARGE or any(getattr(value, "size", 0) >= LARGE for value in args)
    # The limit of shared memory is an attribute of a function on one device.
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
    """Compile a kernel, or load it from CuPy's cache.

    Raises
    ------
    OutOfMemoryError : the device has no room for the program.
    DeviceError : the compiler or the driver rejects the program; the message says which and why.
    """
    try:
        module = xp.RawModule(code=source(program, *definitions), options=("-std=c++14",))
        function = module.get_function(kernel)
        if shared:
            function.max_dynamic_shared_size_bytes = shared
            function.preferred_shared_memory_carveout = 100     # percent: as many blocks as fit
        return function
    except MemoryError:
        raise
    except Exception as error:      # CuPy's CompileException, NVRTCError, CUDADriverError, ...
        if mentions(error, MEMORY):
            raise OutOfMemoryError(f"the device has no room for the CUDA kernel {kernel} of "
                                   f"{program}.cu: {first_line(error)}") from error
        if is_disk_error(error):
            raise disk_error(error) from error
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = next((line for line in lines if "error" in line.lower()), lines[0])
        raise DeviceError(f"the CUDA kernel {kernel} of {program}.cu cannot be compiled or loaded "
                          f"here: {reason.strip()}; device 'cpu' needs no compiler") from error


def contiguous(xp: Any, x: Any) -> Any:
    """Images N×C×H×W as contiguous N×H×W×C: a view if a kernel made them."""
    return xp.ascontiguousarray(x.transpose(0, 2, 3, 1))


def warps(channels: int) -> int:
    """Round `channels` up to whole warps."""
    return -(-channels // WARP) * WARP
