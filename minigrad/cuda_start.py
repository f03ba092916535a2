"""Start CuPy, or explain in one sentence why it cannot be started.

CuPy loads the parts of CUDA only when it needs them, so a successful `import cupy` proves little.
Everything that the engine needs is therefore tried here once, up to running a kernel.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.cuda_faults import MEMORY, first_line, is_disk_error, is_of_cupy, mentions
from minigrad.errors import DeviceError

OLDEST = 14                 # supported version of CuPy
INSTALL = "run pip install -e '.[gpu]' (CUDA 13) or '.[gpu12]' (CUDA 12) in the checkout"
CPU = "use device 'cpu'"
# Parts of messages of CuPy, CUDA and NumPy, in lower case.
_NUMPY = ("numpy.core.multiarray", "numpy._core", "numpy.dtype size changed", "using numpy 1")
_DRIVER = ("insufficientdriver", "systemdrivermismatch", "unsupportedptxversion",
           "unsupported_ptx_version")
_ARCHITECTURE = ("gpu-architecture", "nokernelimage", "no_binary_for_gpu", "no kernel image")
_ABSENT = ("failure finding", "cannot open shared object", "cuda headers")

_failure = ""               # the message of the attempt that failed


class TemporaryError(DeviceError):
    """A failure that may pass, so that another attempt makes sense."""


def installed() -> bool:
    """Whether CuPy is installed, usable or not."""
    if "cupy" in sys.modules:
        return sys.modules["cupy"] is not None
    return importlib.util.find_spec("cupy") is not None


def start() -> Any:
    """Return CuPy, with a GPU that has run a kernel.

    A failure is remembered. The search for libraries takes a quarter of a second, and the remains
    of a failed import make the next import fail for another reason, which would hide the true one.
    Only failures that may pass are tried again: CuPy was not installed, or other programs used all
    of the GPU's memory.

    Raises
    ------
    DeviceError : something is missing or incompatible; the message says what, and the remedy.
    """
    global _failure
    if _failure:
        raise DeviceError(_failure)
    try:
        cupy = _imported()
        _check_device(cupy)
        _check_parts(cupy)
    except TemporaryError:
        raise
    except DeviceError as error:
        _failure = str(error)
        raise
    except Exception as error:
        if isinstance(error, MemoryError) and _is_host_error(error):
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
            raise TemporaryError("device 'cuda' needs CuPy, which is not installed; "
                               + INSTALL) from error
        raise _unusable("CuPy cannot be imported", error) from error
    version = str(getattr(cupy, "__version__", ""))
    major = version.partition(".")[0]
    if not major.isdigit():
        where = getattr(cupy, "__file__", None) or ", ".join(getattr(cupy, "__path__", ()))
        raise DeviceError(f"device 'cuda' cannot be used: {where} has CuPy's name but is not CuPy; "
                          f"rename it")
    if int(major) < OLDEST:
        raise DeviceError(f"device 'cuda' needs CuPy {OLDEST} or newer, but version {version} is "
                          f"installed; run pip install -U -e '.[gpu]' (CUDA 13) or '.[gpu12]' "
                          f"(CUDA 12) in the checkout")
    return cupy


def _check_device(cupy: Any) -> None:
    """Check that there is a driver and a GPU."""
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except MemoryError:
        raise
    except Exception as error:      # CuPy raises its own classes for a missing driver or library
        if mentions(error, _DRIVER):
            raise DeviceError(
                "device 'cuda' cannot be used: there is no NVIDIA driver, or it is older than the "
                "CUDA that CuPy was made for; update the driver, run pip install -e "
                f"'.[gpu12]' in the checkout if the driver supports CUDA 12, or {CPU}") from error
        raise _unusable("CuPy finds no CUDA driver or GPU", error, CPU) from error
    if not count:
        raise DeviceError(f"device 'cuda' cannot be used: this machine has no CUDA GPU; {CPU}")


def _check_parts(cupy: Any) -> None:
    """Check what CuPy loads only on first use: the compiler, cuBLAS, and a kernel's parts."""
    parts: dict[str, Callable[[], Any]] = {
        "CuPy cannot load NVRTC, the compiler": lambda: cupy.cuda.nvrtc.getVersion(),
        "CuPy cannot load cuBLAS": lambda: cupy.cuda.device.get_cublas_handle(),
        # The first time this compiles for 0.2 s; afterwards CuPy's cache has it.
        "the GPU cannot run a kernel": lambda: (cupy.zeros(1, np.float32) + 1).item()}
    for problem, attempt in parts.items():
        try:
            attempt()
        except Exception as error:
            if isinstance(error, MemoryError) and _is_host_error(error):
                raise
            raise _explained(cupy, problem, error) from error


def _is_host_error(error: MemoryError) -> bool:
    """Whether the host ran out of memory; CuPy has its own class for the device."""
    return not is_of_cupy(type(error).__module__)


def _explained(cupy: Any, problem: str, error: Exception) -> DeviceError:
    """The error to raise if trying a part of CUDA raised `error`."""
    if isinstance(error, MemoryError) or mentions(error, MEMORY):
        return TemporaryError(f"device 'cuda' cannot be used: other programs use all of the GPU's "
                              f"memory ({first_line(error)}); end one of them, or {CPU}")
    if not mentions(error, _ARCHITECTURE):
        return _unusable(problem, error)
    gpu, capability = _gpu(cupy)
    version = cupy.cuda.nvrtc.getVersion()
    reason = f"CUDA {'.'.join(map(str, version))} does not support {gpu} ({first_line(error)})"
    if version[0] < 13:
        return DeviceError(f"device 'cuda' cannot be used: {reason}; {CPU}, or run pip install -U "
                           f"-e '.[gpu]' in the checkout if the GPU is newer than that")
    if capability < (5, 0):
        return DeviceError(f"device 'cuda' cannot be used: {reason}, nor does any CUDA that CuPy "
                           f"{OLDEST} works with; {CPU}")
    return DeviceError(f"device 'cuda' cannot be used: {reason}, but CUDA 12 does; run pip "
                       f"uninstall cupy-cuda13x, then pip install -e '.[gpu12]' in the checkout")


def _unusable(problem: str, error: Exception, advice: str = "") -> DeviceError:
    """An error with the problem, its cause and a remedy."""
    if is_disk_error(error):
        problem += ", because CuPy's folder for compiled kernels cannot be written to"
        advice = "set the environment variable CUPY_CACHE_DIR to another folder, and start again"
    elif mentions(error, _NUMPY):
        problem += f", because it is not compatible with NumPy {np.__version__}"
        advice = "run pip install -U -e '.[gpu]' (or '.[gpu12]') in the checkout"
    elif mentions(error, _DRIVER):
        advice = f"update the NVIDIA driver, which is older than CuPy's CUDA, or {CPU}"
    elif mentions(error, _ABSENT):
        advice = INSTALL
    advice = advice or f"run pip install -U -e '.[gpu]' (or '.[gpu12]') in the checkout, or {CPU}"
    return DeviceError(f"device 'cuda' cannot be used: {problem} ({first_line(error)}); {advice}")


def _gpu(cupy: Any) -> tuple[str, tuple[int, int]]:
    """Name and compute capability of the first GPU."""
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    capability = properties["major"], properties["minor"]
    name = properties["name"].decode(errors="replace")
    return f"{name} (compute capability {capability[0]}.{capability[1]})", capability
