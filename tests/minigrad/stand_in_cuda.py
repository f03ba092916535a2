"""CuPy with a GPU, played by the host: the stand-in library, with CUDA's part of CuPy.

The kernels are the real ones: `RawModule` compiles the text that it is given for the host
(cuda_on_host.h) and runs every thread of every block. It checks what a GPU would not say: that
each argument has the type that the kernel declares, that nothing is written past the end of an
array, that no thread is missing where others wait for it. cuBLAS is NumPy at the same
addresses, with TF32's rounding where that is asked for. Recording a CUDA graph collects calls,
and refuses what may not be recorded; launching it makes them again.
"""

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path

import numpy as np
import stand_in

HERE = Path(__file__).parent
COMPILER = shutil.which("g++")
_C_TYPES = {"int": np.int32, "offset": None, "float": np.float32, "double": np.float64,
            "real": None}
COMPILE = ("-std=c++14", "-O1", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-U_FORTIFY_SOURCE")
# Compiled kernels of earlier runs and other processes. `pytest --cache-clear` removes them.
CACHE = HERE.parents[1] / ".pytest_cache" / "d" / "kernels"
WAITING = re.compile(r"\b(__syncthreads|store_bit|block_sums?|summed)\b")      # for other threads
_compiled = {}


class OutOfMemoryError(MemoryError):
    """As CuPy says it."""

    __module__ = "cupy.cuda.memory"

    def __init__(self, size, total, limit):
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} "
                         f"bytes, limit set to: {limit:,} bytes).")


class CUDARuntimeError(RuntimeError):
    """Of the driver; a pool gives its unused blocks back when it is short of memory."""

    __module__ = "cupy_backends.cuda.api.runtime"


class CompileException(Exception):
    __module__ = "cupy.cuda.compiler"


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

    def upload(self, host):
        self._refuse_while_recording(f"an upload of shape {host.shape}")

    def _refuse_while_recording(self, what):
        if self.stream.calls is not None:
            raise RuntimeError(f"{what} may not be recorded")

    # -- kernels

    def RawModule(self, *, code, options=()):
        return Module(self, code, options)


class Module:
    def __init__(self, library, code, options):
        assert all(option.startswith("-std=") for option in options)
        self.library, self.code = library, code

    def get_function(self, name):
        kernels = _kernels(self.code)
        binary = _compile(self.code, kernels)
        parameters = kernels[name][0]
        entry = getattr(binary, f"run_{name}")
        types = _types(self.code)

        def start(grid, block, args, shared):
            assert len(grid) == len(block) == 1 and 0 < block[0] <= 1024 and block[0] % 32 == 0
            assert 0 < grid[0] < 1 << 31
            assert len(args) == len(parameters), f"{name} takes {len(parameters)} arguments"
            self.library.check()
            values = [_value(name, parameter, value, types)
                      for parameter, value in zip(parameters, args)]
            for array in args:
                assert getattr(array, "number", self.library.current) == self.library.current, (
                    f"{name} was started on a device that does not have its arrays")

            def again():
                mistakes = entry(ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]),
                                 ctypes.c_uint(shared), *values)
                assert not mistakes, (f"{name}: threads wait for threads that have ended, a copy "
                                      f"is not aligned, or shared memory ends too soon")
                for array in args:
                    _check_guards(name, array)

            self.library.launches += 1
            again()
            self.library.done(lambda: (again(), args)[0])

        return Function(start)


class Function:
    """A kernel that can be started, with the attributes that CuPy's have."""

    __slots__ = ("max_dynamic_shared_size_bytes", "preferred_shared_memory_carveout", "start")

    def __init__(self, start):
        self.start = start
        self.max_dynamic_shared_size_bytes = 48 << 10

    def __call__(self, grid, block, args, *, shared_mem=0):
        assert shared_mem <= self.max_dynamic_shared_size_bytes <= 227 << 10
        self.start(grid, block, args, shared_mem)


def _types(code):
    """The typedefs that the loader writes: what `real`, `offset` and `mark` are."""
    found = dict(re.findall(r"^typedef (.+) (real|offset|mark);", code, re.M)[::-1])
    numpy_types = {"float": np.float32, "double": np.float64, "int": np.int32,
                   "long long": np.int64, "unsigned char": np.uint8}
    names = {name: numpy_types[kind] for kind, name in found.items()}
    for kind, name in re.findall(r"^typedef (.+) (real|offset|mark|byte);", code, re.M):
        names[name] = numpy_types[kind]
    return {**{kind: numpy_types[kind] for kind in ("int", "float", "double")}, **names}


def _kernels(code):
    """name -> (its parameters as (type, is a pointer), the declaration, whether threads wait)."""
    for name, text in re.findall(r"#define (\w+) ((?:.*\\\n)*.*)", code):
        code = re.sub(rf"\b{name}\b", text.replace("\\\n", " "), code)
    kernels = {}
    for name, declared, body in re.findall(
            r'extern "C" __global__ void (\w+)\(([^)]*)\) \{(.*?)\n\}', code, re.S):
        parameters = []
        for part in declared.split(","):
            words = part.replace("*", " * ").replace("const ", "").split()
            parameters.append((words[0], "*" in words, words[-1]))
        waits = bool(WAITING.search(body))
        kernels[name] = parameters, declared, waits
    return kernels


def _value(kernel, parameter, value, types):
    """A ctypes value for one argument, if it is of the type that the kernel declares."""
    kind, pointer, name = parameter
    expected = np.dtype(types[kind])
    if not pointer:
        assert type(value) is expected.type, \
            f"{kernel}: {name} is {kind} ({expected}), but a {type(value).__name__} came"
        return np.ctypeslib.as_ctypes_type(expected)(value.item())
    if not isinstance(value, stand_in.Array):
        assert type(value) is np.uint64 and value == 0, f"{kernel}: {name} is no array"
        return ctypes.c_void_p(None)
    assert value.dtype == expected, f"{kernel}: {name} points to {expected}, not {value.dtype}"
    assert _dense(value), f"{kernel}: {name} has gaps between its elements"
    return ctypes.c_void_p(value._host.ctypes.data)


def _dense(array):
    """Whether the elements fill a stretch of memory, in whatever order."""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return array._host.transpose(order).flags.c_contiguous


def _check_guards(kernel, array):
    if not isinstance(array, stand_in.Array):
        return
    root = array._host
    while isinstance(root.base, np.ndarray):
        root = root.base
    intact = (root[:stand_in.GUARD] == stand_in.POISON).all() and (
        root[-stand_in.GUARD:] == stand_in.POISON).all()
    assert intact, f"{kernel} wrote past the end of an array of shape {array.shape}"


def _compile(code, kernels):
    """The program as a library of the host."""
    if code not in _compiled:
        wrappers = []
        for name, (parameters, declared, waits) in kernels.items():
            names = ", ".join(parameter for _, _, parameter in parameters)
            wrappers.append(
                f'extern "C" int run_{name}(unsigned grid_, unsigned block_, unsigned shared_, '
                f"{declared}) {{ return host::launch(grid_, block_, shared_, "
                f"{str(waits).lower()}, [=] {{ {name}({names}); }}); }}")
        header = (HERE / "cuda_on_host.h").read_text(encoding="utf-8")
        _compiled[code] = ctypes.CDLL(str(_library_of("\n".join([header, code, *wrappers]))))
    return _compiled[code]


def _library_of(text):
    """Path of the compiled text, which is compiled only if no process has done so before."""
    key = hashlib.sha256("\0".join([text, _compiler_version(), *COMPILE]).encode()).hexdigest()
    library = _cache_folder() / f"{key[:32]}.so"
    if not library.exists():
        # Under a name of its own until it is whole: other processes may compile the same text.
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            part = Path(folder) / "part.so"
            result = subprocess.run([COMPILER, *COMPILE, "-x", "c++", "-o", part, "-"],
                                    input=text, capture_output=True, text=True)
            if result.returncode:
                raise CompileException(result.stderr)
            os.replace(part, library)
    return library


@functools.cache
def _compiler_version():
    return subprocess.run([COMPILER, "--version"], capture_output=True, text=True).stdout


@functools.cache
def _cache_folder():
    """`CACHE`, or a temporary folder where that may not be written."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        if os.access(CACHE, os.W_OK):
            return CACHE
    except OSError:
        pass
    _cache_folder.temporary = tempfile.TemporaryDirectory(prefix="kernels")
    return Path(_cache_folder.temporary.name)


# ------------------------------------------------------------------------------ cuBLAS


class Cublas:
    """The four functions of cuBLAS that are used, on memory of the host."""

    def __init__(self, library):
        self.library = library
        self.streams = []
        self.computed = []          # compute types asked for
        self.handles = 0            # that are in use
        self.status = 0             # that a product gives

    def cublasCreate_v2(self, handle):
        self.handles += 1
        handle._obj.value = self.handles
        return 0

    def cublasDestroy_v2(self, handle):
        assert handle.value
        self.handles -= 1
        return 0

    def cublasSetStream_v2(self, handle, stream):
        self.streams.append(stream.value)
        return 0

    def cublasSetWorkspace_v2(self, handle, workspace, size):
        return 0 if size.value == 32 << 20 and workspace.value else 7

    def cublasGemmStridedBatchedEx(
            self, handle, turn_a, turn_b, m, n, k, alpha, a, a_type, lda, a_step, b, b_type, ldb,
            b_step, beta, c, c_type, ldc, c_step, batch, compute, algorithm):
        if self.status:
            return self.status
        kind = {0: np.float32, 1: np.float64}[a_type]
        if not a_type == b_type == c_type or (compute == 70) != (a_type == 1):
            return 15
        if lda.value < (k if turn_a else m) or ldb.value < (n if turn_b else k) or ldc.value < m:
            return 7
        left = _column_major(a, kind, (k, m) if turn_a else (m, k), lda, a_step, batch)
        right = _column_major(b, kind, (n, k) if turn_b else (k, n), ldb, b_step, batch)
        result = _column_major(c, kind, (m, n), ldc, c_step, batch)
        plus = beta._obj.value
        self.computed.append(compute)

        def again():
            x = left.swapaxes(1, 2) if turn_a else left
            y = right.swapaxes(1, 2) if turn_b else right
            if compute == 77:
                x, y = tf32(x), tf32(y)
            product = x @ y
            result[...] = product if plus == 0 else product + result

        again()
        self.library.done(again)
        return 0


@functools.cache        # ctypes' types are garbage that only the collector frees
def _array_type(kind, length):
    return np.ctypeslib.as_ctypes_type(kind) * length


def _column_major(address, kind, shape, leading, step, batch):
    """A view of a batch of matrices as cuBLAS counts: along columns."""
    item = np.dtype(kind).itemsize
    rows, columns = shape
    length = (batch - 1) * step.value + (columns - 1) * leading.value + rows
    memory = np.frombuffer(_array_type(kind, length).from_address(address.value), kind)
    return np.lib.stride_tricks.as_strided(
        memory, (batch, rows, columns), (step.value * item, item, leading.value * item))


def tf32(array):
    """float32 cut to the 10 bits after the point that tensor cores take (so an H100 does)."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


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
