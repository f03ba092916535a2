"""cuBLAS, played by NumPy at the same addresses; rounds as TF32 does where a caller asks for it."""

import functools

import numpy as np


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
        factor, plus = alpha._obj.value, beta._obj.value
        self.computed.append(compute)

        def again():
            x = left.swapaxes(1, 2) if turn_a else left
            y = right.swapaxes(1, 2) if turn_b else right
            if compute == 77:
                x, y = tf32(x), tf32(y)
            product = x @ y
            product *= factor
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
