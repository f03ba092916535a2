"""Which GPU a run uses, how much of its memory, and in what precision; played by the host."""

import dataclasses
import threading

import host_kernels
import numpy as np
import pytest
import stand_in_cuda

import minigrad as mg
from minigrad import backend
from minigrad.errors import ArgumentError, FileError
from minigrad.kernels.cuda import blas, conv
from nst import Settings, stylize
from nst.config import settings
from nst.job import estimate, fitting, memory_model
from nst.job.checkpoint import CheckpointManager, load_checkpoint
from nst.job.transfer import prepare
from nst.model import weights
from nst.optimize.scales import Scale
from nst.output import words
from nst.system import free_memory, out_of_memory

pytestmark = pytest.mark.usefixtures("narrow_network")
needs_compiler = pytest.mark.skipif(host_kernels.COMPILER is None,
                                    reason="no C++ compiler to run the kernels on the host with")
TINY = {"size": 16, "content_layers": "relu1_2", "style_layers": "relu1_1",
        "weights": "random:0", "iterations": 2, "scales": 1}
TF32, FLOAT32 = 77, 68          # of cublasComputeType_t


@pytest.fixture
def cuda(monkeypatch):
    """Two GPUs, played by the host."""
    return stand_in_cuda.install(backend, monkeypatch, devices=2)


# ------------------------------------------------------------------------------ memory


def needed(case, tile):
    return memory_model.memory_needed(dataclasses.replace(
        case, settings=dataclasses.replace(case.settings, tile=tile)))


@needs_compiler
def test_tiles_are_chosen_so_that_the_run_fits_into_the_device(cuda, pictures, monkeypatch):
    made = []
    plain = mg.cuda.Recording.__init__
    monkeypatch.setattr(mg.cuda.Recording, "__init__",
                        lambda self, *args, **named: (plain(self, *args, **named),
                                                      made.append(self))[0])
    options = {**TINY, "device": "cuda", "precision": "highest"}   # the host plays TF32 slowly
    whole = prepare(*pictures, Settings(**options))
    assert whole.settings.tile is None
    cuda.limit = int((needed(whole.spec, None) + needed(whole.spec, 8)) / 2 / fitting.RESERVE)
    tiled = prepare(*pictures, Settings(**options))
    assert tiled.spec.tiled(tiled.spec.size) and "tiles of" in estimate.in_words(tiled.spec)
    there, here = tiled.run(), whole.run()
    assert there.ended == here.ended == "done" and there.settings.tile == tiled.settings.tile
    np.testing.assert_allclose([step.total for step in there.history],
                               [step.total for step in here.history], rtol=1e-4)
    assert len(made) > 2 and all(recording.recorded for recording in made), made[0].refusal
    cuda.limit = out_of_memory.BYTES_OVERHEAD // 2
    with pytest.raises(ArgumentError, match=r"even in tiles of .* MB are available; choose"):
        prepare(*pictures, Settings(**TINY, device="cuda"))


def test_what_is_said_to_fit_is_estimated_to_fit(whole_network):
    network = weights.load("random:0", "relu5_1", "cpu")
    for optimizer in ("adam", "lbfgs"):
        case = memory_model.RunSpec(network, Settings(optimizer=optimizer),
                             [Scale(0, 1.0, (1500, 1000), 10)], "cuda:0")
        assert memory_model.memory_needed(case) <= (out_of_memory.BYTES_OVERHEAD
                                                + 1500 * 1000 * out_of_memory.BYTES_PER_PIXEL)


def test_memory_is_asked_of_the_device_that_is_meant(cuda):
    rooms = {0: 1_000_000_000, 1: 4_000_000_000}
    cuda.cuda.runtime.memGetInfo = lambda: (rooms[cuda.current], 8_000_000_000)
    there, here = (free_memory.available(f"cuda:{device}") for device in (1, 0))
    assert there - here == 3_000_000_000
    for device in (0, 1):
        assert fitting.share_of_memory(Settings(), f"cuda:{device}", 2) < 0.55 * rooms[device]
        said = out_of_memory.in_words(MemoryError(), (100, 100), f"cuda:{device}")
        assert f"{rooms[device] / 1e9:g} GB of the device's 8 GB" in said
    assert cuda.current == 0


# ------------------------------------------------------------------------- which device


@needs_compiler
def test_all_of_a_run_is_on_the_device_that_is_meant(cuda, pictures, monkeypatch):
    numbers, streams = set(), set()
    allocate, stream = cuda.allocate, cuda.cuda.Stream
    monkeypatch.setattr(cuda, "allocate", lambda *args, **named: noted(
        numbers, allocate(*args, **named)))
    monkeypatch.setattr(cuda.cuda, "Stream", lambda **named: noted(streams, stream(**named)))
    job = prepare(*pictures, Settings(**TINY, device="cuda:1"))
    cuda.current = 0                        # whatever the program did in between
    result = job.run(lambda progress: setattr(cuda, "current", 0))
    assert result.device == "cuda:1" and result.ended == "done"
    assert numbers == streams == {1} and set(blas._state.handles) == {1}
    assert cuda.current == 0
    line = words.beginning_in_words(job)
    assert line.endswith("device cuda:1 with precision high")


def noted(numbers, thing):
    numbers.add(thing.number)
    return thing


def test_a_recording_keeps_to_its_device(cuda):
    recording = mg.cuda.Recording(lambda: mg.Tensor(cuda.ones((2,))), "cuda:1")
    for current in (0, 1, 0, 1):
        cuda.current = current
        assert recording().device == "cuda:1" and cuda.current == current
    assert recording.recorded
    with mg.cuda.device("cuda:1"):
        assert mg.Tensor(cuda.ones((2,))).device == "cuda:1"
    with pytest.raises(ArgumentError, match="'cpu' is not a CUDA device"), mg.cuda.device("cpu"):
        pass


# ---------------------------------------------------------------------------- precision


@needs_compiler
@pytest.mark.parametrize(("precision", "tile", "expected"), [
    ("high", None, True), ("high", 8, True), ("highest", None, False),
    ("auto", None, settings.AUTO_PRECISION == "high")])
def test_precision_holds_in_all_of_a_run(cuda, pictures, precision, expected, tile, monkeypatch):
    monkeypatch.setattr(conv, "MAX_IMPLICIT", 0)     # all by cuBLAS
    chosen = Settings(**{**TINY, "iterations": 1}, device="cuda", precision=precision, tile=tile)
    results = []
    thread = threading.Thread(target=lambda: results.append(stylize(*pictures, chosen)))
    thread.start()
    thread.join()
    products = cuda.cublas.computed
    assert (TF32 in products) == expected and FLOAT32 in products       # Gram matrices
    assert results[0].precision == ("high" if expected else "highest")
    assert mg.cuda.precision() == "highest"


def test_precision_has_three_names():
    with pytest.raises(ArgumentError,
                       match="precision must be one of auto, highest, high, not 'tf32'"):
        Settings(precision="tf32")


def test_on_a_cpu_every_precision_is_the_same(pictures, tmp_path):
    jobs = [prepare(*pictures, Settings(**TINY, device="cpu", precision=precision))
            for precision in ("high", "auto")]
    jobs[0].run(checkpoints=CheckpointManager(tmp_path / "kept.h5", jobs[0], every=2))
    assert jobs[0].precision == "highest"
    assert load_checkpoint(tmp_path / "kept.h5", jobs[1]) is not None


@needs_compiler
def test_a_run_is_resumed_in_its_precision_or_not_at_all(cuda, pictures, tmp_path):
    jobs = {precision: prepare(*pictures, Settings(**TINY, device="cuda", precision=precision))
            for precision in ("high", "highest")}
    path = tmp_path / "kept.h5"
    jobs["high"].run(checkpoints=CheckpointManager(path, jobs["high"], every=2))
    with pytest.raises(FileError, match="precision was high, but now it is highest; use the same"):
        load_checkpoint(path, jobs["highest"])
    assert load_checkpoint(path, jobs["high"]) is not None
