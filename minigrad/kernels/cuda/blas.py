"""Matrix products by cuBLAS, called directly.

Not through CuPy, for three reasons: CuPy refuses cuBLAS while a CUDA graph is recorded; its
batched `matmul` knows nothing of TF32; and it copies a transposed operand first. cuBLAS is
the copy that CuPy itself has loaded.

TF32 is how tensor cores multiply float32: operands are cut to 10 bits after the point, sums
stay float32. About eight times the rate, for errors of about 3·10⁻⁴ in a product.
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
WORKSPACE = 32 << 20            # bytes; what cuBLAS recommends for compute capability 9.0
# From cublas_api.h and library_types.h: cudaDataType, cublasComputeType_t, cublasOperation_t.
_DATA = {"f": 0, "d": 1}
_COMPUTE = {("f", "highest"): 68, ("f", "high"): 77, ("d", "highest"): 70, ("d", "high"): 70}
_SCALARS = {"f": ctypes.c_float, "d": ctypes.c_double}
_DEFAULT_ALGORITHM = -1
_STATUS = {1: "NOT_INITIALIZED", 3: "ALLOC_FAILED", 7: "INVALID_VALUE", 8: "ARCH_MISMATCH",
           11: "MAPPING_ERROR", 13: "EXECUTION_FAILED", 14: "INTERNAL_ERROR", 15: "NOT_SUPPORTED"}


class _State(threading.local):
    """What belongs to a thread: cuBLAS handles must not be shared."""

    def __init__(self) -> None:
        self.precision = "highest"
        self.handles: dict[int, _Handle] = {}


_state = _State()


def precision() -> str:
    """`"highest"` (float32) or `"high"` (TF32): how this thread multiplies float32."""
    return _state.precision


@contextmanager
def matmul_precision(name: str) -> Iterator[None]:
    """Within `with matmul_precision("high"):` products of float32 may use TF32.

    Products of float64 stay what they are. `"highest"` is the default, and is exact float32.

    Raises
    ------
    ArgumentError : another name.
    """
    if name not in PRECISIONS:
        raise ArgumentError(f"matmul_precision knows {' and '.join(PRECISIONS)}, not {name!r}")
    before = _state.precision
    _state.precision = name
    try:
        yield
    finally:
        _state.precision = before


class _Handle:
    """A cuBLAS handle of one thread and device, with memory of its own to work in.

    With its own workspace cuBLAS never allocates, which recording a CUDA graph needs. It is given
    back when nothing refers to it any more, as when its thread has ended; but not at the end of
    the program, when CUDA may be gone already.
    """

    def __init__(self, xp: Any, library: Any) -> None:
        self.library = library
        self.handle = ctypes.c_void_p()
        check(library.cublasCreate_v2(ctypes.byref(self.handle)), "cublasCreate")
        device = xp.cuda.Device(xp.cuda.runtime.getDevice())
        weakref.finalize(self, _give_back, library, self.handle, device).atexit = False
        self.workspace = xp.empty(WORKSPACE, dtype=np.uint8)
        self.stream: Any = None         # kept, so that no other stream comes to its address

    def use(self, stream: Any) -> None:
        """Multiply on this stream from now on."""
        if self.stream is None or stream.ptr != self.stream.ptr:
            check(self.library.cublasSetStream_v2(self.handle, ctypes.c_void_p(stream.ptr)),
                  "cublasSetStream")
            check(self.library.cublasSetWorkspace_v2(
                self.handle, ctypes.c_void_p(self.workspace.data.ptr),
                ctypes.c_size_t(WORKSPACE)), "cublasSetWorkspace")
            self.stream = stream


def _give_back(library: Any, handle: ctypes.c_void_p, device: Any) -> None:
    with suppress(Exception), device:       # the device may have failed: then there is nothing left
        library.cublasDestroy_v2(handle)


def check(status: int, function: str) -> None:
    """Raise for a status other than success.

    Raises
    ------
    OutOfMemoryError, DeviceError : with the status' name in cublas_api.h.
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
    """cuBLAS, as a shared library that this process has loaded."""
    if xp not in _libraries:
        _libraries[xp] = open_library(xp)
    return _libraries[xp]


def open_library(xp: Any) -> Any:
    """Load cuBLAS: the file that CuPy uses, or one that the system finds by name.

    Raises
    ------
    DeviceError : there is none.
    """
    xp.cuda.device.get_cublas_handle()          # makes CuPy load it, wherever it lies
    # PyTorch may have loaded another one, made for another CUDA: CuPy's comes first.
    major = xp.cuda.runtime.runtimeGetVersion() // 1000
    for name in [*_loaded(f"libcublas.so.{major}"), *_loaded("libcublas.so"),
                 f"libcublas.so.{major}", f"cublas64_{major}.dll"]:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise DeviceError("cuBLAS cannot be loaded; pip install nvidia-cublas brings it")


def _loaded(name: str) -> list[str]:
    """Paths of loaded shared libraries whose file name begins with `name` (Linux)."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except OSError:
        return []
    return sorted(path for path in paths if path.rpartition("/")[2].startswith(name))


def multiply(xp: Any, a: Any, b: Any, out: Any, *, turn_a: bool = False, turn_b: bool = False,
             add: bool = False, exact: bool = False) -> Any:
    """out ← A·B, or out + A·B, for each matrix of a batch; A or B may be turned (transposed).

    Parameters
    ----------
    a, b, out : float32 or float64, batch×rows×columns. Rows must be without gaps, but may lie
        apart (a slice of the columns of a wider matrix).
    turn_a, turn_b : use Aᵀ or Bᵀ.
    add : add to what `out` holds.
    exact : multiply float32 as float32, whatever the precision in force.

    Returns
    -------
    `out`.
    """
    kind = out.dtype.char
    batch, rows, columns = out.shape
    inner = a.shape[1] if turn_a else a.shape[2]
    if not out.size:
        return out
    if not inner:
        if not add:
            out[...] = 0
        return out
    number = _SCALARS[kind]
    one, zero = number(1), number(1 if add else 0)
    handle = _handle(xp)
    # cuBLAS counts along columns: seen that way a row-major matrix is its own transpose, so
    # outᵀ = Bᵀ·Aᵀ is what it is asked for.
    check(handle.library.cublasGemmStridedBatchedEx(
        handle.handle, int(turn_b), int(turn_a), columns, rows, inner,
        ctypes.byref(one), *_operand(b, kind), *_operand(a, kind),
        ctypes.byref(zero), *_operand(out, kind), batch,
        _COMPUTE[kind, "highest" if exact else _state.precision], _DEFAULT_ALGORITHM),
        "cublasGemmStridedBatchedEx")
    return out


def _operand(array: Any, kind: str) -> tuple:
    """Address, type, distance of rows and of matrices, as cuBLAS takes them."""
    item = array.itemsize
    rows, columns = array.shape[1:]
    step = array.strides[1] // item if rows > 1 else columns
    apart = array.strides[0] // item if array.shape[0] > 1 else rows * step
    return (ctypes.c_void_p(array.data.ptr), _DATA[kind], ctypes.c_int(step),
            ctypes.c_longlong(apart))
