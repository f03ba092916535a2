"""Matrix products by direct calls of cuBLAS.

There are three reasons not to call it through CuPy: CuPy refuses cuBLAS while a CUDA graph is
being recorded, its batched `matmul` does not support TF32, and it copies transposed operands. We
use the cuBLAS library that CuPy has loaded.

TF32 is the format in which tensor cores multiply float32: operands are truncated to 10 mantissa
bits, sums stay float32. It is about eight times as fast, with errors of about 3·10⁻⁴ in a product.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DeviceError, OutOfMemoryError

PRECISIONS = ("highest", "high")
WORKSPACE = 32 << 20            # bytes, as cuBLAS recommends for compute capability 9.0
# From cublas_api.h and library_types.h: cudaDataType, cublasComputeType_t, cublasOperation_t.
_DATA = {"f": 0, "d": 1}
_COMPUTE = {("f", "highest"): 68, ("f", "high"): 77, ("d", "highest"): 70, ("d", "high"): 70}
_SCALARS = {"f": ctypes.c_float, "d": ctypes.c_double}
_DEFAULT_ALGORITHM = -1
_STATUS = {1: "NOT_INITIALIZED", 3: "ALLOC_FAILED", 7: "INVALID_VALUE", 8: "ARCH_MISMATCH",
           11: "MAPPING_ERROR", 13: "EXECUTION_FAILED", 14: "INTERNAL_ERROR", 15: "NOT_SUPPORTED"}


class _State(threading.local):
    """State of one thread: cuBLAS handles must not be shared."""

    def __init__(self) -> None:
        self.precision = "highest"
        self.handles: dict[int, _Handle] = {}


_state = _State()


def precision() -> str:
    """How this thread multiplies float32: `"highest"` (float32) or `"high"` (TF32)."""
    return _state.precision


@contextmanager
def matmul_precision(name: str) -> Iterator[None]:
    """Set the precision of float32 products within a `with` block; float64 is not affected.

    Parameters
    ----------
    name : `"highest"` (the default) multiplies in float32, `"high"` may use TF32.

    Raises
    ------
    ArgumentError : the name is unknown.
    """
    if name not in PRECISIONS:
        raise ArgumentError(f"matmul_precision takes {' and '.join(PRECISIONS)}, not {name!r}")
    before = _state.precision
    _state.precision = name
    try:
        yield
    finally:
        _state.precision = before


class _Handle:
    """A cuBLAS handle of one thread and device, with its own workspace.

    With its own workspace cuBLAS never allocates, as recording a CUDA graph requires. The handle is
    destroyed when nothing refers to it, for example after its thread has ended. It is not destroyed
    at the end of the program, when CUDA may have shut down already.
    """

    def __init__(self, xp: Any, library: Any) -> None:
        self.library = library
        self.handle = ctypes.c_void_p()
        check(library.cublasCreate_v2(ctypes.byref(self.handle)), "cublasCreate")
        device = xp.cuda.Device(xp.cuda.runtime.getDevice())
        weakref.finalize(self, _destroy, library, self.handle, device).atexit = False
        self.workspace = xp.empty(WORKSPACE, dtype=np.uint8)
        self.stream: Any = None         # held, so that no new stream reuses its address

    def use(self, stream: Any) -> None:
        """Run products on this stream from now on."""
        if self.stream is None or stream.ptr != self.stream.ptr:
            check(self.library.cublasSetStream_v2(self.handle, ctypes.c_void_p(stream.ptr)),
                  "cublasSetStream")
            check(self.library.cublasSetWorkspace_v2(
                self.handle, ctypes.c_void_p(self.workspace.data.ptr),
                ctypes.c_size_t(WORKSPACE)), "cublasSetWorkspace")
            self.stream = stream


def _destroy(library: Any, handle: ctypes.c_void_p, device: Any) -> None:
    with suppress(Exception), device:       # a failed device has nothing left to destroy
        library.cublasDestroy_v2(handle)


def check(status: int, function: str) -> None:
    """Raise an error for any status but success.

    Raises
    ------
    OutOfMemoryError, DeviceError : with the name of the status in cublas_api.h.
    """
    if status:
        kind = OutOfMemoryError if status == 3 else DeviceError
        name = _STATUS.get(status, f"of number {status}")
        raise kind(f"cuBLAS refused {function} with the status {name}; see cublasStatus_t in its "
                   f"manual")


def _handle(xp: Any) -> _Handle:
    device = xp.cuda.runtime.getDevice()
    handle = _state.handles.get(device)
    if handle is None:
        handle = _state.handles[device] = _Handle(xp, _library(xp))
    handle.use(xp.cuda.get_current_stream())
    return handle


_libraries: dict[Any, Any] = {}


def _library(xp: Any) -> Any:
    """The cuBLAS library, opened once per process."""
    if xp not in _libraries:
        _libraries[xp] = open_library(xp)
    return _libraries[xp]


def open_library(xp: Any) -> Any:
    """Load the cuBLAS that CuPy uses, or one that the system finds by name.

    Raises
    ------
    DeviceError : cuBLAS is not found.
    """
    xp.cuda.device.get_cublas_handle()          # makes CuPy load it, wherever it is
    # PyTorch may have loaded one for another version of CUDA, so try CuPy's first.
    major = xp.cuda.runtime.runtimeGetVersion() // 1000
    for name in [*_loaded(f"libcublas.so.{major}"), *_loaded("libcublas.so"),
                 f"libcublas.so.{major}", f"cublas64_{major}.dll"]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise DeviceError("cuBLAS cannot be loaded; run pip install nvidia-cublas")


def _loaded(name: str) -> list[str]:
    """Paths of loaded shared libraries whose file name begins with `name` (Linux)."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except OSError:
        return []
    return sorted(path for path in paths if path.rpartition("/")[2].startswith(name))


def multiply(xp: Any, a: Any, b: Any, out: Any, *, transpose_a: bool = False,
             transpose_b: bool = False, add: bool = False, exact: bool = False,
             factor: float = 1.0) -> Any:
    """out ← f·A·B, or out + f·A·B, for each matrix of a batch; A or B may be transposed.

    Parameters
    ----------
    a, b, out : float32 or float64 arrays, batch×rows×columns. The elements of a row must be
        adjacent; rows may have gaps between them (a slice of the columns of a wider matrix).
    transpose_a, transpose_b : use Aᵀ or Bᵀ.
    add : add to the contents of `out`.
    exact : multiply float32 as float32, whatever the precision in force.
    factor : f.

    Returns
    -------
    `out`
    """
    kind = out.dtype.char
    batch, rows, columns = out.shape
    inner = a.shape[1] if transpose_a else a.shape[2]
    if not out.size:
        return out
    if not inner:
        if not add:
            out[...] = 0
        return out
    number = _SCALARS[kind]
    scale, keep = number(factor), number(1 if add else 0)
    handle = _handle(xp)
    # cuBLAS is column-major: it reads a row-major matrix as its transpose, so compute
    # outᵀ = Bᵀ·Aᵀ.
    check(handle.library.cublasGemmStridedBatchedEx(
        handle.handle, int(transpose_b), int(transpose_a), columns, rows, inner,
        ctypes.byref(scale), *_operand(b, kind), *_operand(a, kind),
        ctypes.byref(keep), *_operand(out, kind), batch,
        _COMPUTE[kind, "highest" if exact else _state.precision], _DEFAULT_ALGORITHM),
        "cublasGemmStridedBatchedEx")
    return out


def _operand(array: Any, kind: str) -> tuple:
    """Address, type, and strides between rows and between matrices, as cuBLAS takes them."""
    item = array.itemsize
    rows, columns = array.shape[1:]
    step = array.strides[1] // item if rows > 1 else columns
    apart = array.strides[0] // item if array.shape[0] > 1 else rows * step
    return (ctypes.c_void_p(array.data.ptr), _DATA[kind], ctypes.c_int(step),
            ctypes.c_longlong(apart))
