"""Folders that `import cupy` finds: CuPys of one short file, each broken in a way of its own."""

import sys

from minigrad import backend, cuda_start

# Each {word} is a statement of a function that may raise; errors have the modules of CuPy's own.
SOURCE = '''
import types
{at_import}
__version__ = {version!r}


class ndarray:
    def __add__(self, other):
        {kernel}
        return self

    def item(self):
        return 1.0


def zeros(*_):
    return ndarray()


def count():
    {count}
    return {gpus}


def nvrtc():
    {nvrtc}
    return {cuda}


def cublas():
    {cublas}
    return 1


cuda = types.SimpleNamespace(
    runtime=types.SimpleNamespace(getDeviceCount=count, getDeviceProperties=lambda number: dict(
        name={gpu!r}, major={capability}[0], minor={capability}[1])),
    nvrtc=types.SimpleNamespace(getVersion=nvrtc),
    device=types.SimpleNamespace(get_cublas_handle=cublas))
'''
PARTS = {"at_import": "", "version": "14.2.0", "kernel": "pass", "count": "pass", "gpus": 1,
         "nvrtc": "pass", "cuda": (13, 5), "cublas": "pass", "gpu": b"NVIDIA TITAN V",
         "capability": (9, 0)}


def error(name, text, module="cupy_backends.cuda.api.runtime", base="RuntimeError"):
    """A statement that raises an error of one of CuPy's own classes."""
    return f"raise type({name!r}, ({base},), dict(__module__={module!r}))({text!r})"


ARCHITECTURE = error(
    "CompileException", "nvrtc: error: invalid value for --gpu-architecture (-arch)\n",
    "cupy.cuda.compiler", "Exception")
BANNER = """
try:
    raise ImportError("numpy.core.multiarray failed to import (auto-generated)")
except ImportError as error:
    raise ImportError("\\n=====\\nFailed to import CuPy.\\n=====\\n") from error
"""
UNWRITABLE = "raise PermissionError(13, 'Permission denied', '/home/x/.cupy/kernel_cache')"

# What is broken, and what is to be said of it.
BROKEN = {
    "a cache folder that cannot be made": (
        {"at_import": "import os; os.makedirs('/proc/no/cache')"},
        r"cannot be imported, because CuPy's folder .*'/proc/no.*set the environment variable "
        r"CUPY_CACHE_DIR"),
    "a cache folder that cannot be written to": (
        {"kernel": UNWRITABLE}, r"cannot run a kernel, because CuPy's folder .*Permission denied: "
        r"'/home/x/\.cupy/kernel_cache'\); .*CUPY_CACHE_DIR"),
    "no headers": ({"kernel": "raise RuntimeError('Failed to find CUDA headers')"},
                   r"cannot run a kernel \(Failed to find CUDA headers\); run pip install "
                   r"-e '\.\[gpu\]'"),
    "an old GPU": ({"kernel": ARCHITECTURE, "capability": (7, 0)},
                   r"CUDA 13\.5 does not support NVIDIA TITAN V \(compute capability 7\.0\) "
                   r"\(nvrtc: error: .*\), but CUDA 12 does; run pip uninstall cupy-cuda13x, "
                   r"then pip install -e '\.\[gpu12\]'"),
    "a very old GPU": ({"kernel": ARCHITECTURE, "capability": (3, 5)},
                       r"capability 3\.5\).* nor does any CUDA that CuPy 14 works with; use device "
                       r"'cpu'"),
    "a GPU that is too new": ({"kernel": ARCHITECTURE, "cuda": (12, 4), "capability": (12, 0)},
                              r"CUDA 12\.4 does not support .*12\.0\).*if the GPU is newer"),
    "an old CuPy": ({"version": "13.6.0"}, r"CuPy 14 or newer, but version 13\.6\.0.*gpu\]"),
    "another thing of that name": ({"version": ""}, r"__init__\.py has CuPy's name but is not"),
    "an old driver": (
        {"count": error("CUDARuntimeError", "cudaErrorInsufficientDriver: CUDA driver version is")},
        r"driver.*older than the CUDA.*\[gpu12\]"),
    "a driver that is older than the compiler": (
        {"kernel": error("CUDADriverError", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION: the PTX")},
        "cannot run a kernel .*update the NVIDIA driver"),
    "no GPU that works": (
        {"count": error("CUDARuntimeError", "cudaErrorNoDevice: no CUDA-capable device")},
        r"no CUDA driver or GPU \(cudaErrorNoDevice: no CUDA-capable device\); use device 'cpu'"),
    "no GPU": ({"gpus": 0}, "this machine has no CUDA GPU"),
    "no NVRTC": ({"nvrtc": "raise OSError('Failure finding \"libnvrtc.so.13\"\\n  listdir')"},
                 r'cannot load NVRTC, the compiler \(Failure finding "libnvrtc\.so\.13"\); run '
                 r"pip install -e '\.\[gpu\]'"),
    "no cuBLAS": ({"cublas": "raise ImportError('Failure finding \"libcublas.so.13\"\\nand more')"},
                  r"cannot load cuBLAS \(Failure.*13\"\); run pip install -e '"),
    "a NumPy that does not fit": (
        {"at_import": BANNER}, r"imported, because it is not compatible with NumPy \d.* "
        r"\(numpy\.core\.multiarray failed.*run pip install -U -e '\.\[gpu\]'"),
    "no library of the driver": (
        {"at_import": "raise ImportError('libcuda.so.1: cannot open shared object file: No such')"},
        r"cannot be imported \(libcuda\.so\.1: cannot open.*; run pip install"),
    "something unheard of at import": (
        {"at_import": "raise type('Strange', (Exception,), {})()"}, r"imported \(Strange\); run"),
    "something unheard of in a kernel": (
        {"kernel": "raise ZeroDivisionError('of all things')"}, r"run a kernel \(of all things\)"),
    "something unheard of behind it": ({"kernel": ARCHITECTURE, "capability": ()},
                                       "CuPy cannot be started"),
}


def write(folder, **parts):
    """A package `cupy` in ``folder``; each import adds a line to the file ``imports`` there."""
    package = folder / "cupy"
    package.mkdir(parents=True)
    note = f"print(file=open({str(folder / 'imports')!r}, 'a'))\n"
    (package / "__init__.py").write_text(note + SOURCE.format(**{**PARTS, **parts}))


def forget_cuda(monkeypatch):
    """As if CUDA had not been asked for yet, until the end of a test."""
    monkeypatch.setattr(backend, "_libraries", {
        kind: library for kind, library in backend._libraries.items() if not library.is_cuda})
    monkeypatch.setattr(cuda_start, "_failure", "")


def install(folder, monkeypatch, **parts):
    """Let this process import such a CuPy until the end of a test."""
    write(folder, **parts)
    forget_cuda(monkeypatch)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(sys.modules, "cupy", None)
    del sys.modules["cupy"]
