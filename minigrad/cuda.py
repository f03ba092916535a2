"""CUDA devices: whether there are any, memory, time, precision, and recorded work.

    import minigrad.cuda

    if minigrad.cuda.is_available():
        x = x.to("cuda")

Names follow ``torch.cuda`` where it has one. CuPy does the work, and is imported by the first
call that needs it.
"""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from minigrad import backend
from minigrad.errors import ArgumentError, DeviceError, MinigradError, OutOfMemoryError
from minigrad.kernels.cuda.blas import matmul_precision, precision
from minigrad.kernels.cuda.faults import translated
from minigrad.kernels.cuda.start import installed

__all__ = ["Event", "Recording", "device", "device_count", "device_name", "empty_cache", "explain",
           "installed", "is_available", "matmul_precision", "memory_allocated", "memory_available",
           "memory_reserved", "missing", "precision", "synchronize", "translated"]


def is_available() -> bool:
    """Whether a CUDA device can be used; never raises."""
    return not missing()


def missing() -> str:
    """What keeps CUDA from being used, in one sentence; empty if nothing does."""
    try:
        backend.cuda_library()
    except DeviceError as error:
        return str(error)
    return ""


def device_count() -> int:
    """How many CUDA devices there are; 0 where CUDA cannot be used."""
    return backend.cuda_library().cuda.runtime.getDeviceCount() if is_available() else 0


def device_name(device: str = "cuda") -> str:
    """What the maker calls a device."""
    properties = backend.cuda_library().cuda.runtime.getDeviceProperties(_number(device))
    return properties["name"].decode()


@contextmanager
def device(name: str) -> Iterator[None]:
    """Within ``with device("cuda:1"):`` that one is the current device of this thread.

    Where arrays are made, streams and memory pools belong, and memory is counted, if nothing else
    is said.
    """
    with backend.cuda_library().cuda.Device(_number(name)):
        yield


def _at(name: str | None) -> AbstractContextManager:
    return nullcontext() if name is None else device(name)


@translated()
def synchronize() -> None:
    """Wait until the current device has done all that it was given.

    Raises
    ------
    DeviceError : the device has failed in something that it was given before.
    """
    backend.cuda_library().cuda.runtime.deviceSynchronize()


def _number(device: str) -> int:
    kind, _, number = backend.canonical_device(device).partition(":")
    if kind != "cuda":
        raise ArgumentError(f"device {device!r} is not a CUDA device; use 'cuda' or 'cuda:N'")
    return int(number)


# ------------------------------------------------------------------------------ memory

_recordings: weakref.WeakSet[Recording] = weakref.WeakSet()


def memory_allocated(device: str | None = None) -> int:
    """Bytes that arrays take on a device, the current one by default."""
    with _at(device):
        return sum(pool.used_bytes() for pool in _pools())


def memory_reserved(device: str | None = None) -> int:
    """Bytes that memory pools hold: what arrays take, and what is kept for the next ones.

    After :func:`empty_cache` it grows to the most that was in use at one time, or little above.
    """
    with _at(device):
        return sum(pool.total_bytes() for pool in _pools())


def _pools() -> list[Any]:
    """CuPy's memory pool, and those of recordings; each counts for the current device."""
    return [backend.cuda_library().get_default_memory_pool(),
            *[recording._pool for recording in _recordings if recording._pool is not None]]


def memory_available(device: str | None = None) -> int:
    """Bytes that new arrays can have: what the device has left, and what the pool keeps."""
    xp = backend.cuda_library()
    pool = xp.get_default_memory_pool()
    with _at(device):
        return xp.cuda.runtime.memGetInfo()[0] + pool.total_bytes() - pool.used_bytes()


def explain(error: MemoryError, device: str | None = None) -> str:
    """What an array could not have on a device, and what there is: half a sentence."""
    asked = re.search(r"allocating ([\d,]+) bytes", str(error))
    asked_bytes = int(asked[1].replace(",", "")) if asked else 0
    wanted = f"{_size(asked_bytes)} were asked for, but " if asked_bytes else ""
    with _at(device):
        total = backend.cuda_library().cuda.runtime.memGetInfo()[1]
        return (f"{wanted}{_size(memory_available())} of the device's {_size(total)} are free and "
                f"{_size(memory_allocated())} in use here")


def _size(count: int) -> str:
    """Bytes for people."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def empty_cache() -> None:
    """Give the memory that no array uses back to the device."""
    gc.collect()
    backend.cuda_library().get_default_memory_pool().free_all_blocks()


# -------------------------------------------------------------------------------- time


class Event:
    """A point in the queue of a device: ``start.record(); …; stop.record(); start.until(stop)``."""

    def __init__(self) -> None:
        self._event = backend.cuda_library().cuda.Event()

    def record(self) -> None:
        """Put it at the end of the queue, as it is now."""
        self._event.record()

    def synchronize(self) -> None:
        """Wait until the device has come to it."""
        self._event.synchronize()

    def until(self, later: Event) -> float:
        """Seconds on the device from here to a ``later`` event; waits for it."""
        later.synchronize()
        milliseconds = backend.cuda_library().cuda.get_elapsed_time(self._event, later._event)
        return milliseconds / 1000


# ----------------------------------------------------------------------- recorded work


class Recording:
    """A function that is run a few times, then recorded as a CUDA graph, and replayed from then on.

    A GPU can work faster than Python can give it work. A recorded graph is started as a whole:
    nothing of the function is executed on the host any more.

    Parameters
    ----------
    function : takes no arguments, reads Tensors that lie still in memory (their contents may
        change between calls), and returns a Tensor or a tuple of Tensors and Nones. It must do
        the same in every call, and must not look at values on the host.
    device : where it works; by default on the device that is current now.

    Attributes
    ----------
    refusal : str
        Why it was not recorded, if it could not be; then every call runs the function.

    Notes
    -----
    The results of a replayed call are overwritten by the next one. Memory that the function
    needs stays reserved while this object lives.
    """

    RUNS = 2        # before recording: the first compiles kernels, the second fills the pool

    def __init__(self, function: Callable[[], Any], device: str | None = None) -> None:
        self.function = function
        self.refusal = ""
        self._xp = backend.cuda_library()
        self._device = self._xp.cuda.Device(None if device is None else _number(device))
        self._calls = 0
        self._graph: Any = None
        self._results: Any = None
        self._stream: Any = None
        self._pool: Any = None

    @property
    def recorded(self) -> bool:
        """Whether calls replay a graph by now."""
        return self._graph is not None

    def __call__(self) -> Any:
        """The function's results."""
        with translated(), self._device:
            return self._call()

    def _call(self) -> Any:
        if self._graph is None and not self.refusal:
            self._calls += 1
            if self._calls == self.RUNS:
                return self._run_aside(self.function)
            if self._calls > self.RUNS:
                self._record()
        if self._graph is None:
            return self.function()
        self._graph.launch(self._xp.cuda.get_current_stream())
        return self._results

    def _run_aside(self, function: Callable[[], Any]) -> Any:
        """Run on the stream, and with the memory, that will be recorded with."""
        cuda = self._xp.cuda
        synchronize()
        if self._stream is None:
            self._stream = cuda.Stream(non_blocking=True)
            self._pool = cuda.MemoryPool(partial(_new_block, cuda))
            _recordings.add(self)
            empty_cache()               # what the first run needed, it needs here again
        with self._stream, cuda.using_allocator(self._pool.malloc):
            results = function()
        self._stream.synchronize()
        return results

    def _record(self) -> None:
        try:
            self._results, self._graph = self._run_aside(self._capture)
        except Exception as error:      # CUDA and CuPy have many names for "not while recording"
            if isinstance(error, MinigradError) and not isinstance(error,
                                                                   (DeviceError, MemoryError)):
                raise
            self.refusal = f"{type(error).__name__}: {error}".splitlines()[0]
            self._stream = self._pool = None

    def _capture(self) -> tuple[Any, Any]:
        stream = self._xp.cuda.get_current_stream()
        gc.collect()            # so that no finaliser calls CUDA in between
        stream.begin_capture()
        try:
            results = self.function()
        except BaseException:
            self._abandon(stream)
            raise
        return results, stream.end_capture()

    @staticmethod
    def _abandon(stream: Any) -> None:
        try:
            stream.end_capture()        # also ends a recording that has failed
        except Exception:
            return


def _new_block(cuda: Any, size: int) -> Any:
    """Memory from the device for the pool of a recording.

    Where the device has none left, a pool gives its unused blocks back and tries again. While a
    graph is recorded that must not be: what has been recorded already will write to them.
    """
    try:
        return cuda.MemoryPointer(cuda.Memory(size), 0)
    except cuda.runtime.CUDARuntimeError as error:
        if not cuda.get_current_stream().is_capturing():
            raise
        raise OutOfMemoryError(f"a recording needs {_size(size)} more than the device has left"
                               ) from error
