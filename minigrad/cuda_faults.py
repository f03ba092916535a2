"""Translate errors of CUDA, cuBLAS and CuPy into minigrad's.

A GPU works asynchronously, so a fault is reported by some later call. After some faults (an illegal
address, a failed launch) CUDA refuses every further call of the process. Nothing on the device can
be read any more, so callers that need the data must keep a copy on the host.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.errors import DeviceError, MinigradError, OutOfMemoryError

PACKAGES = ("cupy", "cupy_backends", "cupyx")
# Parts of messages about insufficient memory, in lower case.
MEMORY = ("out of memory", "memoryallocation", "out_of_memory", "alloc_failed")


@contextmanager
def translated() -> Iterator[None]:
    """Context manager and decorator: raise errors of CUDA as minigrad's.

    Raises
    ------
    OutOfMemoryError : the device has too little memory.
    DeviceError : any other error of CUDA, cuBLAS, NVRTC or CuPy.
    """
    try:
        yield
    except MinigradError:
        raise
    except Exception as error:
        translation = _translate(error)
        if translation is None:
            raise
        raise translation from error


def _translate(error: Exception) -> MinigradError | None:
    """The error to raise instead of `error`; None if it does not come from CUDA."""
    if not (is_of_cupy(type(error).__module__) or _came_through_cupy(error)):
        return None
    if isinstance(error, MemoryError) or mentions(error, MEMORY):
        return OutOfMemoryError(f"the GPU does not have enough memory: {first_line(error)}")
    if is_disk_error(error):
        return disk_error(error)
    return DeviceError(f"the GPU cannot continue: {first_line(error)}; start the program again, "
                       f"and if that does not help, use device 'cpu'")


def is_of_cupy(module: str) -> bool:
    """Whether a module of this name belongs to CuPy."""
    return module.partition(".")[0] in PACKAGES


def _came_through_cupy(error: Exception) -> bool:
    """Whether a built-in error, about a file or a library, was raised inside CuPy."""
    if not isinstance(error, (OSError, ImportError, RuntimeError)):
        return False
    trace = error.__traceback__
    while trace is not None:
        if is_of_cupy(trace.tb_frame.f_globals.get("__name__", "")):
            return True
        trace = trace.tb_next
    return False


# ------------------------------------------------------------------ reading an error


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and the errors that caused it."""
    while error is not None:
        yield error
        error = error.__cause__


def mentions(error: BaseException, words: tuple[str, ...]) -> bool:
    """Whether one of `words` (lower case) occurs in the error or in one of its causes."""
    text = " ".join(f"{type(one).__name__} {one}" for one in chain(error)).lower()
    return any(word in text for word in words)


def is_disk_error(error: BaseException) -> bool:
    """Whether a file or folder caused the error (a missing library has no `errno`)."""
    return any(isinstance(one, OSError) and one.errno is not None for one in chain(error))


def disk_error(error: BaseException) -> DeviceError:
    """The error to raise if CuPy cannot write to its cache."""
    return DeviceError("CuPy cannot write to its folder for compiled kernels "
                       f"({first_line(error)}); set the environment variable "
                       f"CUPY_CACHE_DIR to another folder, and start again")


def first_line(error: BaseException) -> str:
    """The first line of the error's original cause."""
    *_, first = chain(error)
    line = next((line.strip() for line in str(first).splitlines() if line.strip()), "")
    return textwrap.shorten(line or type(first).__name__, 200, placeholder=" …")
