"""Starting CuPy, or saying in one sentence what keeps it from starting.

CuPy finds the parts of CUDA that it needs only when it needs them: a good `import cupy` says
little. So everything that the engine will ask of it is tried here once, down to a kernel.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import DeviceError
from minigrad.kernels.cuda.faults import MEMORY, is_of_cupy, is_of_disk, says, telling

OLDEST = 14                 # version of CuPy
BRINGS = "pip install -e '.[gpu]' (CUDA 13) or '.[gpu12]' (CUDA 12) in the checkout brings it"
CPU = "use device 'cpu'"
# What the messages of CuPy, CUDA and NumPy have in them, in small letters.
_NUMPY = ("numpy.core.multiarray", "numpy._core", "numpy.dtype size changed", "using numpy 1")
_DRIVER = ("insufficientdriver", "systemdrivermismatch", "unsupportedptxversion",
           "unsupported_ptx_version")
_ARCHITECTURE = ("gpu-architecture", "nokernelimage", "no_binary_for_gpu", "no kernel image")
_ABSENT = ("failure finding", "cannot open shared object", "cuda headers")

_failure = ""               # what kept CuPy from starting


class PassingError(DeviceError):
    """What may be otherwise when it is tried again."""


def installed() -> bool:
    """Whether there is a CuPy, be it usable or not."""
    if "cupy" in sys.modules:
        return sys.modules["cupy"] is not None
    return importlib.util.find_spec("cupy") is not None


def start() -> Any:
    """CuPy, with a GPU that has run a kernel.

    A failure is remembered: the search for libraries takes a quarter of a second, and what an
    import that failed has left behind makes the next one fail for another reason, which would
    hide the true one. Tried again is only what may pass: CuPy was not installed, or other
    programs had all of the GPU's memory.

    Raises
    ------
    DeviceError : something is missing or does not fit; says what, and what would be right.
    """
    global _failure
    if _failure:
        raise DeviceError(_failure)
    try:
        cupy = _imported()
        _check_device(cupy)
        _check_parts(cupy)
    except PassingError:
        raise
    except DeviceError as error:
        _failure = str(error)
        raise
    except Exception as error:
        if isinstance(error, MemoryError) and _is_of_host(error):
            raise
        raise _unusable("CuPy cannot be started", error) from error
    return cupy


def _imported() -> Any:
    try:
        import cupy
    except MemoryError:
        raise
    except Exception as error:      # its cache folder cannot be made, NumPy does not fit, …
        if sys.modules.get("cupy") is None and getattr(error, "name", None) == "cupy":
            raise PassingError("device 'cuda' needs CuPy, which is not installed; "
                               + BRINGS) from error
        raise _unusable("CuPy cannot be imported", error) from error
    version = str(getattr(cupy, "__version__", ""))
    major = version.partition(".")[0]
    if not major.isdigit():
        where = getattr(cupy, "__file__", None) or ", ".join(getattr(cupy, "__path__", ()))
        raise DeviceError(f"device 'cuda' cannot be used: {where} has CuPy's name but is not CuPy; "
                          f"give it another one")
    if int(major) < OLDEST:
        raise DeviceError(f"device 'cuda' needs CuPy {OLDEST} or newer, but version {version} is "
                          f"installed; pip install -U -e '.[gpu]' (CUDA 13) or '.[gpu12]' "
                          f"(CUDA 12) in the checkout brings a newer one")
    return cupy


def _check_device(cupy: Any) -> None:
    """There must be a driver, and a GPU."""
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except MemoryError:
        raise
    except Exception as error:      # CuPy raises its own classes for a missing driver or library
        if says(error, _DRIVER):
            raise DeviceError(
                "device 'cuda' cannot be used: there is no NVIDIA driver, or it is older than the "
                "CUDA that CuPy was made for; update the driver, pip install -e "
                f"'.[gpu12]' in the checkout for a driver of CUDA 12, or {CPU}") from error
        raise _unusable("CuPy finds no CUDA driver or GPU", error, CPU) from error
    if not count:
        raise DeviceError(f"device 'cuda' cannot be used: this machine has no CUDA GPU; {CPU}")


def _check_parts(cupy: Any) -> None:
    """What CuPy loads only when it is needed: the compiler, cuBLAS, and all that a kernel takes."""
    parts: dict[str, Callable[[], Any]] = {
        "CuPy cannot load NVRTC, the compiler": lambda: cupy.cuda.nvrtc.getVersion(),
        "CuPy cannot load cuBLAS": lambda: cupy.cuda.device.get_cublas_handle(),
        # The first time it is compiled, for 0.2 s; then it is in CuPy's cache.
        "the GPU cannot run a kernel": lambda: (cupy.zeros(1, np.float32) + 1).item()}
    for trouble, attempt in parts.items():
        try:
            attempt()
        except Exception as error:
            if isinstance(error, MemoryError) and _is_of_host(error):
                raise
            raise _explained(cupy, trouble, error) from error


def _is_of_host(error: MemoryError) -> bool:
    """Whether the host ran out of memory: CuPy has a class of its own for the device."""
    return not is_of_cupy(type(error).__module__)


def _explained(cupy: Any, trouble: str, error: Exception) -> DeviceError:
    """The error to raise where ``error`` came up while a part of CUDA was tried."""
    if isinstance(error, MemoryError) or says(error, MEMORY):
        return PassingError(f"device 'cuda' cannot be used: other programs have all of the GPU's "
                            f"memory ({telling(error)}); end one of them, or {CPU}")
    if not says(error, _ARCHITECTURE):
        return _unusable(trouble, error)
    gpu, capability = _gpu(cupy)
    version = cupy.cuda.nvrtc.getVersion()
    said = f"CUDA {'.'.join(map(str, version))} makes no code for {gpu} ({telling(error)})"
    if version[0] < 13:
        return DeviceError(f"device 'cuda' cannot be used: {said}; {CPU}, or pip install -U -e "
                           f"'.[gpu]' in the checkout if the GPU is newer than that")
    if capability < (5, 0):
        return DeviceError(f"device 'cuda' cannot be used: {said}, nor does any CUDA that CuPy "
                           f"{OLDEST} works with; {CPU}")
    return DeviceError(f"device 'cuda' cannot be used: {said}, but CUDA 12 does; pip uninstall "
                       f"cupy-cuda13x, then pip install -e '.[gpu12]' in the checkout")


def _unusable(trouble: str, error: Exception, advice: str = "") -> DeviceError:
    """``trouble``, its cause, and what to do about it."""
    if is_of_disk(error):
        trouble += ", because CuPy's folder for compiled kernels cannot be written to"
        advice = "name another in the environment variable CUPY_CACHE_DIR, and start again"
    elif says(error, _NUMPY):
        trouble += f", because it does not fit NumPy {np.__version__}"
        advice = "pip install -U -e '.[gpu]' (or '.[gpu12]') in the checkout brings two that fit"
    elif says(error, _DRIVER):
        advice = f"update the NVIDIA driver, which is older than CuPy's CUDA, or {CPU}"
    elif says(error, _ABSENT):
        advice = BRINGS
    advice = advice or f"pip install -U -e '.[gpu]' (or '.[gpu12]') in the checkout, or {CPU}"
    return DeviceError(f"device 'cuda' cannot be used: {trouble} ({telling(error)}); {advice}")


def _gpu(cupy: Any) -> tuple[str, tuple[int, int]]:
    """The first GPU in words, and its compute capability."""
    found = cupy.cuda.runtime.getDeviceProperties(0)
    capability = found["major"], found["minor"]
    name = found["name"].decode(errors="replace")
    return f"{name} (compute capability {capability[0]}.{capability[1]})", capability
