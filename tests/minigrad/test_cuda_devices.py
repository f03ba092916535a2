"""Devices: two GPUs, memory, time, errors, recorded work."""

import gc
import io
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import host_kernels
import numpy as np
import pytest
import stand_in
import stand_in_cuda

import minigrad as mg
import minigrad.functional as F
from minigrad import backend, errors, optim
from minigrad.kernels.cuda import blas

needs_compiler = pytest.mark.skipif(host_kernels.COMPILER is None,
                                    reason="no C++ compiler to run the kernels on the host with")


def test_a_device_that_does_not_exist(cuda):
    with pytest.raises(errors.DeviceError,
                       match=rf"'cuda:99' does not exist.* {mg.cuda.device_count()} GPU"):
        mg.zeros(2, device="cuda:99")
    for name in ("gpu", "cuda:x", "cuda:-1", "tpu:0", "cuda:²", "cuda:" + "1" * 4400):
        with pytest.raises(errors.ArgumentError, match="'cuda' or 'cuda:N'"):
            mg.zeros(2, device=name)


def test_importing_never_imports_cupy():
    program = ("import sys, minigrad, minigrad.cuda, minigrad.kernels.cuda.conv, nst; "
               "sys.exit('cupy' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# -------------------------------------------------------------------------- two GPUs


@needs_compiler
def test_arrays_of_two_gpus(monkeypatch):
    stand_in_cuda.install(backend, monkeypatch, devices=2)
    assert mg.cuda.device_count() == 2
    first = mg.ones(2, 2, device="cuda:0", requires_grad=True)
    second = mg.ones(2, 2, device="cuda:1", requires_grad=True)
    image, weight = mg.ones(1, 1, 4, 4, device="cuda:0"), mg.ones(1, 1, 3, 3, device="cuda:1")
    for name, operation in {
            "multiply": lambda: first * second, "matrix_product": lambda: first @ second,
            "concatenate": lambda: mg.cat([first, second]), "add": lambda: second + first,
            "convolve": lambda: F.conv2d(image, weight)}.items():
        with pytest.raises(errors.MixedDeviceError, match=f"{name} was given arrays on cuda:0 and "
                                                          r"cuda:1; move them.*\.to\(device\)"):
            operation()
    with pytest.raises(errors.MixedDeviceError, match=r"on cuda:0, but .* on cuda:1"):
        (second * 2).backward(mg.ones(2, 2, device="cuda:0"))
    (first * second.to("cuda:0")).sum().backward()
    assert (first.grad.device, second.grad.device) == ("cuda:0", "cuda:1")


@needs_compiler
def test_work_goes_where_the_arrays_are(monkeypatch):
    """Not where something was moved to last: a kernel cannot read the memory of another GPU."""
    library = stand_in_cuda.install(backend, monkeypatch, devices=2)
    weight = mg.ones(4, 2, 3, 3, device="cuda:0", requires_grad=True)
    far = mg.ones(1, 4, 3, 3, device="cuda:1", requires_grad=True)
    image = mg.ones(1, 2, 5, 5, device="cuda:0")
    mg.ones(2).to("cuda:1")
    assert library.current == 1
    features = F.conv2d_relu(image, weight)
    assert features.device == "cuda:0" and library.current == 0
    loss = (features.to("cuda:1") * far).sum()
    mg.ones(2).to("cuda:1")
    loss.backward()
    assert (weight.grad.device, far.grad.device) == ("cuda:0", "cuda:1")
    for last in ("cuda:0", "cuda:1"):
        optimiser = optim.Adam([weight, far])
        mg.ones(2).to(last)
        optimiser.step()
        for parameter in (weight, far):
            assert backend.device_of(optimiser.state[parameter]["exp_avg"]) == parameter.device


def test_devices_of_another_library_are_told_apart(monkeypatch):
    stand_in.install(backend, monkeypatch, stand_in.Library(), "stand", devices=2)
    with pytest.raises(errors.MixedDeviceError, match="stand:0 and stand:1"):
        mg.ones(2, device="stand:0") + mg.ones(2, device="stand:1")


# ------------------------------------------------------------- memory, time, precision


def test_memory_and_time(played):
    before = mg.cuda.memory_allocated()
    x = mg.zeros(250_000, device="cuda")
    assert mg.cuda.memory_allocated() - before >= x.numel() * 4
    assert mg.cuda.memory_reserved() >= mg.cuda.memory_allocated()
    assert 0 < mg.cuda.memory_available() <= 1 << 40
    del x
    mg.cuda.empty_cache()
    assert mg.cuda.memory_allocated() <= before + 8
    start, stop = mg.cuda.Event(), mg.cuda.Event()
    start.record()
    stop.record()
    assert start.until(stop) == pytest.approx(1e-3)      # in seconds
    assert mg.cuda.device_name() == "the host"
    with pytest.raises(errors.ArgumentError, match="'cpu' is not a CUDA device"):
        mg.cuda.device_name("cpu")


def test_the_cublas_of_cupy_comes_first(played, monkeypatch):
    """PyTorch for another CUDA may have loaded its own."""
    maps = "".join(f"7f00-7f01 r-xp 00000000 08:01 12   {path}\n" for path in (
        "/a/libcublas.so.12", "/b/libcublasLt.so.13", "/c/libcublas.so.13.0.2"))
    monkeypatch.setattr("builtins.open", lambda *_, **__: io.StringIO(maps))
    tried = []

    def load(name):
        tried.append(name)
        raise OSError

    monkeypatch.setattr(blas.ctypes, "CDLL", load)
    with pytest.raises(errors.DeviceError, match="pip install nvidia-cublas"):
        blas.open_library(played)
    assert list(dict.fromkeys(tried)) == ["/c/libcublas.so.13.0.2", "/a/libcublas.so.12",
                                          "libcublas.so.13", "cublas64_13.dll"]


def test_out_of_memory_in_words(played):
    played.limit = played.used + 5_000_000
    with pytest.raises(MemoryError) as caught:
        mg.zeros(3_000_000, device="cuda")
    assert mg.cuda.explain(caught.value).startswith("12 MB were requested, but 5 MB of the ")
    assert "are free and" in mg.cuda.explain(MemoryError())


# ------------------------------------------------------------------------ recorded work


def image_task(rng):
    """A loss of an image that changes, as a function without arguments."""
    x = mg.tensor(rng.standard_normal((1, 8, 9, 7)).astype("f"), requires_grad=True, device="cuda")
    weight = mg.tensor(rng.standard_normal((16, 8, 3, 3)).astype("f"), device="cuda")

    def evaluate():
        x.grad = None
        h = F.max_pool2d(F.conv2d_relu(x, weight, padding=1), 2)
        loss = F.mse_loss(F.gram_matrix(h), F.gram_matrix(0.5 * h), reduction="sum")
        loss.backward()
        return loss, x.grad, None

    return x, evaluate


@pytest.fixture
def task(cuda, rng):
    return image_task(rng)


def test_recorded_work_gives_what_the_function_gives(task, cuda):
    x, evaluate = task
    recording = mg.cuda.Recording(evaluate)
    launches = []
    for call in range(6):
        before = cuda.launches
        loss, gradient, nothing = recording()
        launches.append(cuda.launches - before)
        results = loss.item(), gradient.numpy()
        assert recording.recorded == (call >= 1) and not recording.refusal and nothing is None
        expected = evaluate()
        assert results[0] == expected[0].item()
        np.testing.assert_array_equal(results[1], expected[1].numpy())
        with mg.no_grad():
            x.add_(gradient, alpha=-1e-7)
    assert launches[2:] == [0, 0, 0, 0]         # nothing is started one by one any more


@pytest.mark.parametrize("spoil", [lambda loss: loss.item(), lambda loss: loss + mg.tensor(
    [1.0, 2.0], device="cuda"), lambda loss: bool(loss > 0)], ids=["item", "upload", "bool"])
def test_what_cannot_be_recorded_runs_as_it_is(task, spoil):
    _, evaluate = task

    def spoiled():
        loss, gradient, _ = evaluate()
        spoil(loss)
        return loss, gradient

    recording = mg.cuda.Recording(spoiled)
    values = [recording()[0].item() for _ in range(5)]
    assert len(set(values)) == 1 and not recording.recorded
    assert recording.refusal and "\n" not in recording.refusal


def test_a_mistake_of_the_user_is_not_a_refusal(cuda):
    calls = []

    def mistaken():
        calls.append(1)
        if len(calls) > 1:
            raise errors.ShapeError("two shapes")

    recording = mg.cuda.Recording(mistaken)
    recording()
    with pytest.raises(errors.ShapeError):
        recording()


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_while_a_graph_is_recorded(cuda, enabled):
    """The finalizer of some garbage could call CUDA."""
    seen = []
    recording = mg.cuda.Recording(lambda: seen.append(gc.isenabled()), light=True)
    if not enabled:
        gc.disable()
    try:
        for _ in range(3):
            recording()
        assert recording.recorded and seen == [enabled, False] and gc.isenabled() == enabled
    finally:
        gc.enable()


def test_a_light_function_gets_the_memory_that_nothing_uses_if_it_needs_it(played, monkeypatch):
    calls, released = [], []
    monkeypatch.setattr(mg.cuda, "empty_cache", lambda: released.append(len(calls)))

    def short_of_memory():
        calls.append(1)
        if not released:
            played.empty(2 * played.limit, np.uint8)
        return mg.Tensor(played.ones((2,)))

    recording = mg.cuda.Recording(short_of_memory, light=True)
    assert [recording().tolist() for _ in range(3)] == [[1.0, 1.0]] * 3
    assert released == [1] and recording.recorded
    released.clear()
    with pytest.raises(MemoryError):
        mg.cuda.Recording(lambda: played.empty(2 * played.limit, np.uint8))()


@needs_compiler
def test_without_room_for_a_recording_the_function_runs_as_it_is(played, rng):
    _, evaluate = image_task(rng)
    calls, spare = [], []

    def greedy():
        calls.append(1)
        if len(calls) == 2:             # while it is recorded, and only then
            spare.append(played.empty(played.limit, np.uint8))
        return evaluate()

    recording = mg.cuda.Recording(greedy)
    values = [recording()[0].item() for _ in range(4)]
    assert len(set(values)) == 1 and not recording.recorded and not spare
    assert recording.refusal.startswith("OutOfMemoryError: Out of memory allocating")


def test_a_recording_keeps_the_memory_that_is_recorded(played):
    """CuPy's pools give blocks back for an error of the driver, but not for ours.

    A real pool does not tell where it has its blocks from.
    """
    recording = mg.cuda.Recording(lambda: None)
    recording(), recording()
    make_block, stream = recording._pool.allocator, recording._stream
    assert make_block(4096).mem.size == 4096
    too_large = 1 << 45             # 35 TB
    with stream:
        with pytest.raises(played.cuda.runtime.CUDARuntimeError):
            make_block(too_large)
        stream.begin_capture()
        with pytest.raises(errors.OutOfMemoryError, match=r"recording needs .* GB of memory"):
            make_block(too_large)
        recording._abandon(stream)


# ------------------------------------------------- optimisers: no waiting but what is needed


def valley(played, rng, make):
    """An optimiser on the device, its closure, and how often the host waits in a step."""
    x = mg.tensor(1 + rng.random(40), requires_grad=True, device="cuda")
    optimiser = make([x])

    def closure():
        optimiser.zero_grad()
        loss = (x * x * x * x).sum()
        loss.backward()
        return loss

    before = played.syncs
    optimiser.step(closure)
    return optimiser, played.syncs - before


@needs_compiler
@pytest.mark.parametrize("make", [optim.Adam, optim.AdamW, optim.RMSprop,
                                  lambda p: optim.SGD(p, lr=1e-3, momentum=0.9)])
def test_steps_that_never_wait(played, rng, make):
    assert valley(played, rng, make)[1] == 0


@needs_compiler
def test_lbfgs_waits_for_what_it_must_know(played, rng):
    """The loss of each trial, and five numbers of the way there together; the slope ahead."""
    optimiser, waits = valley(played, rng, lambda p: optim.LBFGS(p, max_iter=12, max_eval=30))
    assert optimiser.iterations == 12
    assert waits <= 2 * optimiser.evaluations + optimiser.iterations + 1


# ------------------------------------------------------------------------ cuBLAS handles


def product(cuda):
    x = mg.ones(4, 4, device="cuda")
    return blas.multiply(cuda, x.data[None], x.data[None], cuda.empty((1, 4, 4), np.float32))


def test_threads_that_end_give_their_handles_back(played):
    product(played)
    assert played.cublas.handles == 1
    held = []
    thread = threading.Thread(target=lambda: (product(played), held.append(played.cublas.handles)))
    thread.start()
    thread.join()
    assert held == [2] and played.cublas.handles == 1
    played.broken = "cudaErrorIllegalAddress: a device that has failed must not disturb the end"
    blas._state.handles.clear()
    assert played.cublas.handles == 0


def test_a_stream_is_kept_by_the_handle_that_uses_it(played):
    """Another one at its address would be taken for it."""
    stream = played.cuda.Stream(non_blocking=True)
    with stream:
        product(played)
        product(played)
    alive = weakref.ref(stream)
    del stream
    assert alive() is not None and played.cublas.streams == [alive().ptr]
    product(played)
    assert alive() is None and len(played.cublas.streams) == 2


def test_at_the_end_of_the_program_no_handle_is_given_back():
    """CUDA may be gone by then."""
    program = """
import sys
import threading
import weakref
sys.path[:0] = [{here!r}, {root!r}]
import pytest
import stand_in_cuda
from minigrad import backend
from minigrad.kernels.cuda import blas
cuda = stand_in_cuda.install(backend, pytest.MonkeyPatch())
def gone(handle):
    print("given back")
    raise SystemError("CUDA is gone")
cuda.cublas.cublasDestroy_v2 = gone
x = cuda.ones((1, 2, 2), "f")
blas.multiply(cuda, x, x, cuda.empty((1, 2, 2), "f"))
print("done")
"""
    here = Path(__file__).parent / "helpers"
    done = subprocess.run(
        [sys.executable, "-c", program.format(here=str(here), root=str(here.parents[2]))],
        capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
