"""What the tests need of the stand-in (stand_in_cuda.py), on the library of a real GPU.

The fixture `cuda` gives either: so one text of a test runs thread by thread on the host, and on
a card. What only the stand-in can say (how often the host waited, what a limit of memory does)
is for tests with the fixture `played`.
"""

from minigrad.kernels.cuda import blas, compiler

STAND_IN_ONLY = frozenset(("syncs", "limit", "used", "peak", "current", "number", "stream",
                           "broken", "done", "wait", "memory_hooks"))


class Cublas:
    """cuBLAS, and a list of the compute types that it was asked for."""

    def __init__(self, library):
        self.library = library
        self.computed = []

    def __getattr__(self, name):
        return getattr(self.library, name)

    def cublasGemmStridedBatchedEx(self, *args):
        self.computed.append(args[-2])
        return self.library.cublasGemmStridedBatchedEx(*args)


class RealCuda:
    """CuPy, which counts the launches of our kernels until the end of a test.

    Parameters
    ----------
    xp : the library of the device "cuda".
    monkeypatch : pytest's.
    """

    def __init__(self, xp, monkeypatch):
        self.xp = xp
        self.launches = 0
        self.cublas = Cublas(blas._library(xp))
        monkeypatch.setitem(blas._libraries, xp, self.cublas)
        monkeypatch.setattr(blas, "_state", blas._State())
        load = compiler._load

        def counting(*args):
            kernel = load(*args)

            def start(*given, **named):
                self.launches += 1
                kernel(*given, **named)
            return start

        monkeypatch.setattr(compiler, "_load", counting)
        monkeypatch.setattr(compiler, "_functions", {})

    def __getattr__(self, name):
        if name in STAND_IN_ONLY:
            raise AttributeError(f"only the stand-in has {name!r}: a test that uses it wants the "
                                 f"fixture `played`")
        return getattr(self.xp, name)
