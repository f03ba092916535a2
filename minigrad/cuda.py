"""CUDA devices: availability, memory, timing, precision, and recorded work.

    import minigrad.cuda

    if minigrad.cuda.is_available():
        x = x.to("cuda")

Names follow `torch.cuda` where possible. CuPy does the work; it is imported by the first call
that needs it.
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
from minigrad.cuda_faults import translated
from minigrad.cuda_start import installed
from minigrad.errors import ArgumentError, DeviceError, MinigradError, OutOfMemoryError
from minigrad.kernels.cuda.blas import matmul_precision, precision

__all__ = ["Event", "Recording", "device", "device_count", "device_name", "empty_cache", "explain",
           "installed", "is_available", "matmul_precision", "memory_allocated", "memory_available",
           "memory_reserved", "missing", "precision", "synchronize", "translated"]


def is_available() -> bool:
    """Whether a CUDA device can be used; never raises."""
    return not missing()


def missing() -> str:
    """The reason why CUDA cannot be used, in one sentence; empty if it can."""
    try:
        backend.cuda_library()
    except DeviceError as error:
        return str(error)
    return ""


def device_count() -> int:
    """The number of CUDA devices; 0 if CUDA cannot be used."""
    return backend.cuda_library().cuda.runtime.getDeviceCount() if is_available() else 0


def device_name(device: str = "cuda") -> str:
    """The product name of a device."""
    properties = backend.cuda_library().cuda.runtime.getDeviceProperties(_number(device))
    return properties["name"].decode()


@contextmanager
def device(name: str) -> Iterator[None]:
    """Make a device the current one of this thread within `with device("cuda:1"):`.

    Arrays and streams are made on the current device, and memory is counted there by default.
    """
    with backend.cuda_library().cuda.Device(_number(name)):
        yield


def _at(name: str | None) -> AbstractContextManager[Any]:
    return nullcontext() if name is None else device(name)


@translated()
def synchronize() -> None:
    """Wait until the current device has finished all work in its queue.

    Raises
    ------
    DeviceError
        Earlier work on the device has failed.
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
    """Bytes that arrays occupy on a device, by default the current one."""
    with _at(device):
        return sum(pool.used_bytes() for pool in _pools())


def memory_reserved(device: str | None = None) -> int:
    """Bytes that memory pools hold, in use by arrays or free for new ones.

    After :func:`empty_cache` this grows to the peak usage, or slightly above.
    """
    with _at(device):
        return sum(pool.total_bytes() for pool in _pools())


def _pools() -> list[Any]:
    """CuPy's memory pool and those of recordings; each reports the current device."""
    return [backend.cuda_library().get_default_memory_pool(),
            *[recording._pool for recording in _recordings if recording._pool is not None]]


def memory_available(device: str | None = None) -> int:
    """Bytes available to new arrays: free on the device, or unused in the pool."""
    xp = backend.cuda_library()
    pool = xp.get_default_memory_pool()
    with _at(device):
        return xp.cuda.runtime.memGetInfo()[0] + pool.total_bytes() - pool.used_bytes()


def explain(error: MemoryError, device: str | None = None) -> str:
    """The request that failed and the memory of the device, as a clause for an error message."""
    match = re.search(r"allocating ([\d,]+) bytes", str(error))
    requested = int(match[1].replace(",", "")) if match else 0
    request = f"{_size(requested)} were requested, but " if requested else ""
    with _at(device):
        total = backend.cuda_library().cuda.runtime.memGetInfo()[1]
        return (f"{request}{_size(memory_available())} of the device's {_size(total)} are free and "
                f"{_size(memory_allocated())} in use by this program")


def _size(count: int) -> str:
    """A number of bytes in readable units."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def empty_cache() -> None:
    """Return memory that no array uses to the device."""
    gc.collect()
    backend.cuda_library().get_default_memory_pool().free_all_blocks()


# -------------------------------------------------------------------------------- time


class Event:
    """A point in the queue of a device: `start.record(); …; stop.record(); start.until(stop)`."""

    def __init__(self) -> None:
        self._event = backend.cuda_library().cuda.Event()

    def record(self) -> None:
        """Put this event at the current end of the queue."""
        self._event.record()

    def synchronize(self) -> None:
        """Wait until the device has reached this event."""
        self._event.synchronize()

    def until(self, later: Event) -> float:
        """Seconds on the device from this event to a `later` one; waits for it."""
        later.synchronize()
        milliseconds = backend.cuda_library().cuda.get_elapsed_time(self._event, later._event)
        return milliseconds / 1000


# ----------------------------------------------------------------------- recorded work


class Recording:
    """Run a function once, then record it as a CUDA graph and replay that.

    A GPU can finish small operations faster than Python launches them. A recorded graph is
    launched as a whole: the host no longer executes the function.

    Parameters
    ----------
    function : Callable
        Takes no arguments, reads Tensors that keep their place in memory (their contents may
        change between calls), and returns a Tensor or a tuple of Tensors and Nones. It must do
        the same in every call, and must not read values on the host.
    device : str, optional
        Where it runs; by default on the current device.
    light : bool
        Whether the function needs little memory. If not, unused memory of the pools is released
        before the first run, which takes tens of milliseconds.

    Attributes
    ----------
    refusal : str
        The reason why it could not be recorded; every call then runs the function.

    Notes
    -----
    The results of a replayed call are overwritten by the next one. The memory of the function
    stays reserved while this object lives.
    """

    RUNS = 1        # before recording: compile kernels, and fill the pool

    def __init__(self, function: Callable[[], Any], device: str | None = None, *,
                 light: bool = False) -> None:
        self.function = function
        self.light = light
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
        """Whether calls replay a recorded graph by now."""
        return self._graph is not None

    def __call__(self) -> Any:
        """The function's results."""
        with translated(), self._device:
            return self._call()

    def _call(self) -> Any:
        if self._graph is None and not self.refusal:
            self._calls += 1
            if self._calls == self.RUNS:
                return self._first_run()
            if self._calls > self.RUNS:
                self._record()
        if self._graph is None:
            return self.function()
        self._graph.launch(self._xp.cuda.get_current_stream())
        return self._results

    def _first_run(self) -> Any:
        try:
            return self._run_aside(self.function)
        except MemoryError:
            if not self.light:
                raise
            empty_cache()
            return self._run_aside(self.function)

    def _run_aside(self, function: Callable[[], Any]) -> Any:
        """Run on the stream and with the memory pool of the recording."""
        cuda = self._xp.cuda
        synchronize()
        if self._stream is None:
            self._stream = cuda.Stream(non_blocking=True)
            self._pool = cuda.MemoryPool(partial(_new_block, cuda))
            _recordings.add(self)
            if not self.light:
                empty_cache()           # the pools may hold what this run needs
        with self._stream, cuda.using_allocator(self._pool.malloc):
            results = function()
        self._stream.synchronize()
        return results

    def _record(self) -> None:
        try:
            self._results, self._graph = self._run_aside(self._capture)
        except Exception as error:      # CUDA and CuPy refuse recording with many exceptions
            if isinstance(error, MinigradError) and not isinstance(error,
                                                                   (DeviceError, MemoryError)):
                raise
            self.refusal = f"{type(error).__name__}: {error}".splitlines()[0]
            self._stream = self._pool = None

    def _capture(self) -> tuple[Any, Any]:
        stream = self._xp.cuda.get_current_stream()
        with _without_collector():
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


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector from running: a finalizer could call CUDA while it records."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _new_block(cuda: Any, size: int) -> Any:
    """Allocate memory on the device for the pool of a recording.

    A pool that gets no memory frees its unused blocks and tries again. It must not do
    so while a graph is being recorded: operations recorded before will write to these blocks.
    """
    try:
        return cuda.MemoryPointer(cuda.Memory(size), 0)
    except cuda.runtime.CUDARuntimeError as error:
        if not cuda.get_current_stream().is_capturing():
            raise
        raise OutOfMemoryError(f"a recording needs {_size(size)} of memory, more than is left"
                               ) from error
