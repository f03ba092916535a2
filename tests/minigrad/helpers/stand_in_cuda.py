"""CuPy with a GPU, played by the host: the stand-in library, with CUDA's part of CuPy.

Kernels run in host_kernels.py, matrix products in host_cublas.py. Recording a CUDA graph collects
calls and refuses those that a GPU cannot record; launching the graph makes the calls again.
"""

import weakref

import numpy as np
import stand_in
from host_cublas import Cublas
from host_kernels import Module


class OutOfMemoryError(MemoryError):
    """As CuPy says it."""

    __module__ = "cupy.cuda.memory"

    def __init__(self, size, total, limit):
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} "
                         f"bytes, limit set to: {limit:,} bytes).")


class CUDARuntimeError(RuntimeError):
    """Of the driver; a pool gives its unused blocks back when it is short of memory."""

    __module__ = "cupy_backends.cuda.api.runtime"


class CudaLibrary(stand_in.Library):
    """What `import cupy` gives."""

    __version__ = "14.0.0 (played by the host)"

    def __init__(self, devices=1):
        super().__init__()
        self.ndarray.data = property(lambda array: stand_in._Namespace(
            ptr=array._host.ctypes.data))
        self.ndarray.device = property(lambda array: stand_in._Namespace(id=array.number))
        self.used = self.peak = 0
        self.limit = 1 << 40
        self.memory_hooks = []
        self.broken = ""            # an error that every call gives, as after an illegal address
        self.launches = 0
        self.stream = Stream(self, null=True)
        self.cuda = _cuda(self, devices)

    # -- memory

    def allocate(self, shape, dtype, order="C", number=None):
        self.check()
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if self.used + size > self.limit:
            raise OutOfMemoryError(size, self.used, self.limit)
        array = super().allocate(shape, dtype, order, number)
        self.used += size
        self.peak = max(self.peak, self.used)
        if self.stream.calls is not None:       # a graph's memory stays its own
            self.stream.memory.append(array._host)
        weakref.finalize(array, self._free, size).atexit = False
        for hook in self.memory_hooks:
            hook.malloc_postprocess(mem_size=size, mem_ptr=1)
        return array

    def _free(self, size):
        self.used -= size
        for hook in self.memory_hooks:
            hook.free_postprocess(mem_size=size, mem_ptr=1)

    def get_default_memory_pool(self):
        return Pool(self)

    # -- what fails, and recording

    def check(self):
        if self.broken:
            raise CUDARuntimeError(self.broken)

    def done(self, again):
        self.check()
        assert self.stream.number in (None, self.current), "on a stream of another device"
        if self.stream.calls is not None:
            self.stream.calls.append(again)

    def wait(self, what):
        self.check()
        super().wait(what)
        self._refuse_while_recording(f"{what}, which waits for the device,")

    def use(self, name):
        """CuPy refuses libraries in a recording; Thrust itself waits for the device."""
        if self.stream.calls is not None:
            raise NotImplementedError(f"calling {name} API during stream capture is currently "
                                      f"unsupported")

    def upload(self, host):
        self._refuse_while_recording(f"an upload of shape {host.shape}")

    def _refuse_while_recording(self, what):
        if self.stream.calls is not None:
            raise RuntimeError(f"{what} may not be recorded")

    # -- kernels

    def RawModule(self, *, code, options=()):
        return Module(self, code, options)


# ---------------------------------------------------------------- streams, graphs, devices


class Stream:
    def __init__(self, library=None, null=False, non_blocking=False):
        self.library = library
        self.calls = None           # a list while it records
        self.number = None if null else library.current
        self.ptr = 0 if null else id(self)

    def __enter__(self):
        if self.number not in (None, self.library.current):
            raise RuntimeError("The device that the stream is created on does not match")
        self.before, self.library.stream = self.library.stream, self
        return self

    def __exit__(self, *_):
        self.library.stream = self.before

    def begin_capture(self, mode=None):
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        self.calls, self.memory = [], []

    def end_capture(self):
        calls, self.calls = self.calls, None
        self.library.check()
        return Graph(self.library, calls, self.memory)

    def is_capturing(self):
        return self.calls is not None

    def synchronize(self):
        self.library.wait("synchronize")

    def record(self, event=None):
        return event or Event()


class Graph:
    def __init__(self, library, calls, memory):
        self.library, self.calls, self.memory = library, calls, memory

    def launch(self, stream=None):
        self.library.check()
        for call in self.calls:
            call()


class Event:
    def record(self, stream=None):
        pass

    def synchronize(self):
        pass


class Pool:
    """CuPy's memory pool: the default one counts for all others here."""

    def __init__(self, library, allocator=None):
        self.library = library
        self.allocator = allocator      # where a real one has its blocks from

    def malloc(self, size):
        raise AssertionError("the stand-in allocates by itself")

    def used_bytes(self):
        return self.library.used if self.allocator is None else 0

    def total_bytes(self):
        return self.library.peak if self.allocator is None else 0

    def free_all_blocks(self):
        self.library.peak = self.library.used


def _memory_hook(library):
    """The class whose methods are called with each allocation within a `with`."""
    class MemoryHook:
        def __enter__(self):
            library.memory_hooks.append(self)
            return self

        def __exit__(self, *_):
            library.memory_hooks.remove(self)

    return MemoryHook


class Device:
    def __init__(self, library, number=None):
        self.library = library
        self.id = library.current if number is None else number

    compute_capability = "90"
    mem_info = property(lambda self: self.library.cuda.runtime.memGetInfo())

    def use(self):
        self.library.current = self.id

    def synchronize(self):
        self.library.wait("synchronize")

    def __enter__(self):
        self.before = self.library.current
        self.use()
        return self

    def __exit__(self, *_):
        self.library.current = self.before


class _Allocator:
    def __init__(self, malloc):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def _cuda(library, devices):
    make = stand_in._Namespace
    def memory(size):
        if library.used + size > library.limit:
            raise CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")
        return make(size=size)

    runtime = make(
        CUDARuntimeError=CUDARuntimeError,
        getDevice=lambda: library.current, getDeviceCount=lambda: devices,
        memGetInfo=lambda: (library.limit - library.peak, library.limit),
        deviceSynchronize=lambda: library.wait("synchronize"),
        getDeviceProperties=lambda number: {"name": b"the host", "multiProcessorCount": 1,
                                            "major": 9, "minor": 0, "totalGlobalMem": 1 << 40},
        runtimeGetVersion=lambda: 13000, driverGetVersion=lambda: 13000)
    return make(
        runtime=runtime, device=make(get_cublas_handle=lambda: 1),
        nvrtc=make(getVersion=lambda: (13, 0)), memory=make(OutOfMemoryError=OutOfMemoryError),
        Stream=lambda null=False, non_blocking=False: Stream(library, null, non_blocking),
        get_current_stream=lambda: library.stream, Event=lambda: Event(),
        MemoryHook=_memory_hook(library),
        get_elapsed_time=lambda start, end: 1.0, using_allocator=_Allocator,
        MemoryPool=lambda allocator=None: Pool(library, allocator), Memory=memory,
        MemoryPointer=lambda memory, offset: make(mem=memory, offset=offset),
        Device=lambda number=None: Device(library, number))


def install(backend, monkeypatch, devices=1):
    """A GPU until the end of a test: the device "cuda" is the host."""
    from minigrad.kernels.cuda import blas
    library = CudaLibrary(devices)
    stand_in.install(backend, monkeypatch, library, "cuda", devices)
    library.cublas = Cublas(library)
    monkeypatch.setattr(blas, "_libraries", {library: library.cublas})
    monkeypatch.setattr(blas, "_state", blas._State())
    return library
