"""The real kernels, run by the host: the `RawModule` of the stand-in for CuPy.

`RawModule` compiles its text for the host (cuda_on_host.h) and runs every thread of every block.
It checks what a GPU would not report: that each argument has the type that the kernel declares,
that nothing is written past the end of an array, that no thread is missing where others wait
for it.
"""

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import stand_in

HERE = Path(__file__).parent
COMPILER = shutil.which("g++")
COMPILE = ("-std=c++14", "-O1", "-w", "-fPIC", "-shared", "-ffp-contract=off", "-U_FORTIFY_SOURCE")
# Compiled kernels of earlier runs and other processes. `pytest --cache-clear` removes them.
CACHE = HERE.parents[2] / ".pytest_cache" / "d" / "kernels"
WAITING = re.compile(r"\b(__syncthreads|store_bit|block_sums?|summed)\b")      # for other threads
_compiled = {}


class CompileException(Exception):
    __module__ = "cupy.cuda.compiler"


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
