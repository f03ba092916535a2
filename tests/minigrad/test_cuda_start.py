"""What keeps CuPy from starting, said in one sentence; and errors of CUDA that come later."""

import sys

import fake_cupy
import pytest
import stand_in_cuda

import minigrad as mg
from minigrad import backend, cuda_start, errors, inspect
from minigrad.kernels.cuda import compiler


@pytest.mark.parametrize("name", fake_cupy.BROKEN)
def test_what_is_broken_is_said_in_one_sentence(monkeypatch, tmp_path, name):
    parts, expected = fake_cupy.BROKEN[name]
    fake_cupy.install(tmp_path, monkeypatch, **parts)
    for attempt in (lambda: mg.zeros(2, device="cuda"), lambda: mg.zeros(2).to("cuda:0")):
        with pytest.raises(errors.DeviceError, match=expected) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert not mg.cuda.is_available() and mg.cuda.device_count() == 0 and mg.cuda.installed()
    assert mg.cuda.missing() == str(caught.value)
    assert len((tmp_path / "imports").read_text().splitlines()) == 1       # it is remembered


def test_what_is_not_broken(monkeypatch, tmp_path):
    fake_cupy.install(tmp_path, monkeypatch)
    assert mg.cuda.is_available() and mg.cuda.missing() == ""


def test_a_folder_of_that_name(monkeypatch, tmp_path):
    fake_cupy.install(tmp_path, monkeypatch)
    (tmp_path / "cupy" / "__init__.py").unlink()
    assert "/cupy has CuPy's name but is not CuPy" in mg.cuda.missing()


def test_no_cupy(monkeypatch, tmp_path):
    fake_cupy.install(tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "cupy", None)      # what makes its import fail
    with pytest.raises(errors.DeviceError, match=r"needs CuPy, which is not installed.*\[gpu\]"):
        mg.zeros(2, device="cuda")
    assert not mg.cuda.installed()
    del sys.modules["cupy"]                             # it is installed meanwhile
    assert mg.cuda.installed() and mg.cuda.is_available()


def test_memory_that_others_have_may_come_back(monkeypatch, tmp_path):
    full = fake_cupy.error("OutOfMemoryError", "Out of memory allocating 512 bytes",
                           "cupy.cuda.memory", "MemoryError")
    fake_cupy.install(tmp_path, monkeypatch, kernel=full)
    assert "other programs use all of the GPU's memory (Out of" in mg.cuda.missing()
    sys.modules["cupy"].ndarray.__add__ = lambda self, other: self
    assert mg.cuda.is_available()


@pytest.mark.parametrize("part", ["at_import", "count", "kernel"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_what_does_not_concern_cuda_goes_through(monkeypatch, tmp_path, kind, part):
    fake_cupy.install(tmp_path, monkeypatch, **{part: f"raise {kind.__name__}"})
    with pytest.raises(kind):
        mg.cuda.is_available()
    assert not cuda_start._failure


def test_a_cupy_without_a_gpu_has_no_memory_to_count(monkeypatch, tmp_path):
    """It is imported by the question whether there is a GPU; its pools ask the driver."""
    fake_cupy.install(tmp_path, monkeypatch, gpus=0)
    assert not mg.cuda.is_available()
    with inspect.memory() as use:
        mg.ones(1000)
    assert use.peak >= 4000


# ---------------------------------------------------------------------- errors of CUDA


class NVRTCError(RuntimeError):
    __module__ = "cupy_backends.cuda.libs.nvrtc"


FULL_DISK = OSError(28, "No space left on device")
TRANSLATED = [
    (stand_in_cuda.OutOfMemoryError(4096, 0, 8192), errors.OutOfMemoryError,
     "not have enough memory: Out of memory allocating 4,096 bytes"),
    (stand_in_cuda.CUDARuntimeError("cudaErrorMemoryAllocation: out of memory"),
     errors.OutOfMemoryError, "the GPU does not have enough memory: cudaErrorMemory"),
    (stand_in_cuda.CUDARuntimeError("cudaErrorIllegalAddress: an illegal memory access"),
     errors.DeviceError, "cannot continue: cudaErrorIllegalAddress: an illegal memory access; "
     "start the program again"),
    (NVRTCError("NVRTC_ERROR_COMPILATION (6)\nand more"), errors.DeviceError,
     r"cannot continue: NVRTC_ERROR_COMPILATION \(6\); start"),
]


@pytest.mark.parametrize(("error", "kind", "expected"), TRANSLATED)
def test_errors_of_cuda_become_ours(error, kind, expected):
    with pytest.raises(kind, match=expected) as caught, mg.cuda.translated():
        raise error
    assert caught.value.__cause__ is error and "\n" not in str(caught.value)


@pytest.mark.parametrize(("error", "expected"), [
    (FULL_DISK, r"folder for compiled kernels \(.* No space left.*CUPY_CACHE_DIR"),
    (RuntimeError("Failed to find CUDA headers"), "cannot continue: Failed to find CUDA headers")])
def test_errors_of_python_are_ours_where_they_came_through_cupy(error, expected):
    def fail():
        raise error

    names = {"__name__": "cupy.cuda.compiler", "fail": fail}
    exec("def compile_it(): fail()", names)
    with pytest.raises(errors.DeviceError, match=expected), mg.cuda.translated():
        names["compile_it"]()


@pytest.mark.parametrize(("error", "kind", "expected"), [
    (FULL_DISK, errors.DeviceError, "No space left on device.*CUPY_CACHE_DIR"),
    (stand_in_cuda.CUDARuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
     errors.OutOfMemoryError,
     r"no room for the CUDA kernel pack of relu_mask\.cu: CUDA_ERROR_OUT")])
def test_a_kernel_that_cannot_be_loaded(error, kind, expected, monkeypatch):
    library = stand_in_cuda.install(backend, monkeypatch)

    def fail(**_):
        raise error

    monkeypatch.setattr(library, "RawModule", fail)
    with pytest.raises(kind, match=expected):
        compiler.launch(library, "relu_mask", "pack", 32)


@pytest.mark.parametrize("error", [
    FULL_DISK, RuntimeError("a mistake"), MemoryError(), ValueError(),
    errors.ShapeError("two shapes"), KeyboardInterrupt()])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, mg.cuda.translated():
        raise error.with_traceback(None)
    assert caught.value is error
