"""Errors of CUDA, cuBLAS and CuPy that come up while work is done, as errors of ours.

A GPU works behind the host's back, so a fault shows up in whatever call asks it next. After some
faults (an illegal address, a failed launch) CUDA refuses every further call of the process, so
that nothing that lies on the device can be had any more: whoever needs it keeps a copy.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.errors import DeviceError, MinigradError, OutOfMemoryError

PACKAGES = ("cupy", "cupy_backends", "cupyx")
# What messages about too little memory have in them, in small letters.
MEMORY = ("out of memory", "memoryallocation", "out_of_memory", "alloc_failed")


@contextmanager
def translated() -> Iterator[None]:
    """Within this context, and in functions that it decorates, CUDA's errors are ours.

    Raises
    ------
    OutOfMemoryError : in the place of whatever says that a device has too little memory.
    DeviceError : in the place of any other error of CUDA, cuBLAS, NVRTC or CuPy.
    """
    try:
        yield
    except MinigradError:
        raise
    except Exception as error:
        ours = _in_our_words(error)
        if ours is None:
            raise
        raise ours from error


def _in_our_words(error: Exception) -> MinigradError | None:
    """The error to raise for `error`; None if it has nothing to do with CUDA."""
    if not (is_of_cupy(type(error).__module__) or _came_through_cupy(error)):
        return None
    if isinstance(error, MemoryError) or says(error, MEMORY):
        return OutOfMemoryError(f"the GPU has not enough memory: {telling(error)}")
    if is_of_disk(error):
        return disk_error(error)
    return DeviceError(f"the GPU cannot go on: {telling(error)}; start the program again, and if "
                       f"that does not help, use device 'cpu'")


def is_of_cupy(module: str) -> bool:
    """Whether a module of this name belongs to CuPy."""
    return module.partition(".")[0] in PACKAGES


def _came_through_cupy(error: Exception) -> bool:
    """Whether CuPy could not do its work with files and libraries, which Python has errors for."""
    if not isinstance(error, (OSError, ImportError, RuntimeError)):
        return False
    trace = error.__traceback__
    while trace is not None:
        if is_of_cupy(trace.tb_frame.f_globals.get("__name__", "")):
            return True
        trace = trace.tb_next
    return False


# ------------------------------------------------------------------ what an error says


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


def says(error: BaseException, words: tuple[str, ...]) -> bool:
    """Whether one of `words` (in small letters) is in the error, or in what it came from."""
    said = " ".join(f"{type(one).__name__} {one}" for one in chain(error)).lower()
    return any(word in said for word in words)


def is_of_disk(error: BaseException) -> bool:
    """Whether a file or folder was the trouble (a library that is not found has no `errno`)."""
    return any(isinstance(one, OSError) and one.errno is not None for one in chain(error))


def disk_error(error: BaseException) -> DeviceError:
    """What to raise where CuPy cannot keep what it has compiled."""
    return DeviceError(f"CuPy cannot write to its folder for compiled kernels ({telling(error)}); "
                       f"name another in the environment variable CUPY_CACHE_DIR, and start again")


def telling(error: BaseException) -> str:
    """One line about an error: the first of what it began with."""
    *_, first = chain(error)
    line = next((line.strip() for line in str(first).splitlines() if line.strip()), "")
    return textwrap.shorten(line or type(first).__name__, 200, placeholder=" …")
