"""Runs on a GPU that fails, or that cannot be used: what is said, and what is left of the picture.

The host plays the GPU, see stand_in_cuda.py; CuPys that cannot be used are those of fake_cupy.py.
"""

import sys

import fake_cupy
import host_kernels
import numpy as np
import pytest
import stand_in_cuda
from PIL import Image

import minigrad as mg
from minigrad import backend
from minigrad.errors import DeviceError
from nst import Settings, stylize
from nst.cli import run
from nst.job import checkpoint
from nst.job.transfer import prepare
from nst.optimize import host_copy
from nst.optimize.progress import Progress
from nst.output import words
from nst.system import device_errors

pytestmark = pytest.mark.usefixtures("narrow_network")
needs_compiler = pytest.mark.skipif(host_kernels.COMPILER is None,
                                    reason="no C++ compiler to run the kernels on the host with")
# In "highest", whose products are the host's own: the host plays tensor cores slowly.
SMALL = {"size": 16, "margin": 2, "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1",
         "weights": "random:0", "iterations": 6, "scales": 1, "precision": "highest"}
OPTIONS = ("--size", "16", "--margin", "2", "--content-layers", "relu2_1", "--style-layers",
           "relu1_1,relu2_1", "--weights", "random:0", "--scales", "1", "--iterations", "6",
           "--precision", "highest")
ILLEGAL = "cudaErrorIllegalAddress: an illegal memory access was encountered"


@pytest.fixture
def cuda(monkeypatch):
    """A GPU, played by the host."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)      # it may be exchanged
    return stand_in_cuda.install(backend, monkeypatch)


@pytest.fixture
def always_copied(monkeypatch):
    """Every best picture is copied to the host, however quick the iterations are."""
    monkeypatch.setattr(host_copy, "SHARE", np.inf)


class Watch:
    """Observes a run, and lets the device fail after an iteration."""

    def __init__(self, cuda, last, fail=ILLEGAL):
        self.cuda, self.last, self.fail = cuda, last, fail
        self.best = {}

    def __call__(self, progress):
        self.best[progress.best_iteration] = progress.best.numpy()
        if len(progress.history) - 1 == self.last:
            self.cuda.broken = self.fail


def numbers(job, result, best):
    """What the picture of a result must be if ``best`` was the best of its tensors."""
    return job.picture(mg.tensor(best)).pixels, result.picture.pixels


@needs_compiler
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_best_picture_outlives_the_device(cuda, always_copied, pictures, optimizer):
    job = prepare(*pictures, Settings(**SMALL, device="cuda", optimizer=optimizer))
    watch = Watch(cuda, 3)
    result = job.run(watch)
    assert result.ended == "fault" and len(result.history) == 4
    assert result.cause == (f"the GPU cannot continue: {ILLEGAL}; start the program again, and if "
                            f"that does not help, use device 'cpu'")
    assert result.best_iteration == max(watch.best) > 0
    np.testing.assert_array_equal(*numbers(job, result, watch.best[result.best_iteration]))


@needs_compiler
def test_pictures_that_were_not_copied_are_said_to_be_lost(cuda, pictures, monkeypatch):
    monkeypatch.setattr(host_copy, "SHARE", 1e-9)           # one copy, and then none for hours
    job = prepare(*pictures, Settings(**SMALL, device="cuda"))
    watch = Watch(cuda, 3)
    result = job.run(watch)
    assert result.best_iteration == 0
    assert result.cause.endswith(f"; better pictures, up to iteration {max(watch.best)}, are lost")
    np.testing.assert_array_equal(*numbers(job, result, watch.best[0]))


@needs_compiler
def test_copies_take_a_hundredth_of_the_time(cuda, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(host_copy.time, "perf_counter", lambda: now[0])
    best = mg.zeros(1, 3, 4, 4, device="cuda")
    monkeypatch.setattr(type(best), "to", lambda self, device: (
        now.__setitem__(0, now[0] + 0.5), mg.Tensor(self.numpy()))[1])

    progress, host = Progress(best), host_copy.HostCopy()
    copies = []
    for progress.best_iteration in range(1000):
        host.update(progress)
        copies.append(host.iteration)
        now[0] += 1.0                                   # an iteration
    assert len(set(copies)) == 20                       # half a second, then 50 of the run
    host.update(progress, force=True)
    assert host.iteration == 999


@needs_compiler
def test_a_copy_that_finds_no_room_does_not_end_the_run(cuda, pictures, monkeypatch):
    def no_room(array):
        raise stand_in_cuda.OutOfMemoryError(4096, 0, 0)

    monkeypatch.setattr(cuda, "asnumpy", no_room)
    host = host_copy.HostCopy()
    host.update(Progress(best=mg.zeros(1, 3, 4, 4, device="cuda")))
    assert host.best is None and host.iteration == -1


@needs_compiler
def test_a_fault_that_shows_after_the_last_iteration(cuda, always_copied, pictures):
    result = stylize(*pictures, Settings(**SMALL, device="cuda"), Watch(cuda, 6))
    assert result.ended == "fault" and "IllegalAddress" in result.cause
    assert len(result.history) == 7 and result.best_iteration > 0


@needs_compiler
def test_a_fault_between_two_scales(cuda, pictures, monkeypatch):
    """While the second is prepared: the best picture is on the host since the first one ended."""
    from nst.job.transfer import Job
    work, watch = Job._run_scale, Watch(cuda, -1)

    def work_and_fail(job, scale, *args):
        cuda.broken = ILLEGAL if scale.number == 1 else ""
        return work(job, scale, *args)

    monkeypatch.setattr(Job, "_run_scale", work_and_fail)
    settings = {**SMALL, "scales": 2, "size": 32}
    result = stylize(*pictures, Settings(**settings, device="cuda"), watch)
    assert result.ended == "fault" and result.best_iteration == max(watch.best) > 0
    assert len(result.history) == 4 and max(result.picture.size) == 32


@needs_compiler
def test_a_product_that_fails_leaves_the_picture_itself(cuda, pictures, monkeypatch):
    """The device still answers, so nothing is lost though nothing was copied."""
    monkeypatch.setattr(host_copy, "SHARE", 1e-9)
    monkeypatch.setattr("minigrad.cuda.Recording.RUNS", 100)
    job = prepare(*pictures, Settings(**SMALL, device="cuda"))
    watch = Watch(cuda, 3, "")

    def observe(progress):
        watch(progress)
        cuda.cublas.status = 13 if len(progress.history) == 4 else 0

    result = job.run(observe)
    assert result.ended == "fault" and "the status EXECUTION_FAILED" in result.cause
    assert "lost" not in result.cause and result.best_iteration == max(watch.best)
    np.testing.assert_array_equal(*numbers(job, result, watch.best[result.best_iteration]))


@needs_compiler
def test_without_room_for_a_graph_the_run_goes_on(cuda, pictures, monkeypatch):
    end = stand_in_cuda.Stream.end_capture

    def no_room(stream):
        end(stream)
        raise stand_in_cuda.CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")

    monkeypatch.setattr(stand_in_cuda.Stream, "end_capture", no_room)
    assert stylize(*pictures, Settings(**SMALL, device="cuda")).ended == "done"


@needs_compiler
def test_an_error_of_the_driver_that_means_memory(cuda, pictures):
    def observe(progress):
        if len(progress.history) == 4:
            cuda.broken = "cudaErrorMemoryAllocation: out of memory"

    result = stylize(*pictures, Settings(**SMALL, device="cuda"), observe)
    assert result.ended == "fault"
    assert "cuda:0 does not have enough memory for 16×12 pixels" in result.cause


# --------------------------------------------------------------------- the command line


@needs_compiler
def test_the_command_line_saves_the_best_picture(cuda, always_copied, pictures, tmp_path, capsys,
                                                 monkeypatch):
    watched = run.ProgressBar.__call__
    monkeypatch.setattr(run.ProgressBar, "__call__", lambda bar, progress: (
        watched(bar, progress), Watch(cuda, 3)(progress)))
    output = tmp_path / "out.png"
    status = run.main([*map(str, pictures), "-o", str(output), *OPTIONS, "--device", "cuda",
                       "--checkpoint-every", "2"])
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("nst.run:")]
    assert status == run.FAULT and Image.open(output).size == (16, 12)
    assert len(said) == 1 and "IllegalAddress" in said[0] and "is the best picture" in said[0]
    assert f"--resume continues from {checkpoint.checkpoint_path(output)}" in said[0]


@needs_compiler
def test_a_device_that_fails_before_the_first_iteration(cuda, pictures, tmp_path, capsys):
    cuda.broken = ILLEGAL
    output = tmp_path / "out.png"
    status = run.main([*map(str, pictures), "-o", str(output), *OPTIONS, "--device", "cuda"])
    assert status == 2 and not output.exists()
    assert capsys.readouterr().err.count("nst.run: the GPU cannot continue: cudaErrorIll") == 1
    cuda.broken = ""
    job = prepare(*pictures, Settings(**SMALL, device="cuda"))
    cuda.cublas.status = 14
    with pytest.raises(DeviceError, match="INTERNAL_ERROR"):
        job.run()


def test_finalisers_of_a_device_that_has_failed_are_not_heard(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: reported.append(found.exc_type))
    device_errors.silence_device(DeviceError("the GPU cannot continue"))

    class Owner:
        def __init__(self, error):
            self.error = error

        def __del__(self):
            raise self.error

    for error in (stand_in_cuda.CUDARuntimeError(ILLEGAL), ValueError("of ours")):
        owner = Owner(error)
        del owner
    assert reported == [ValueError]


def test_auto_says_why_it_takes_the_cpu(pictures, monkeypatch, tmp_path):
    settings = Settings(**SMALL)
    fake_cupy.forget_cuda(monkeypatch)
    monkeypatch.setitem(sys.modules, "cupy", None)
    line = words.beginning_in_words(prepare(*pictures, settings))
    assert line.endswith("device cpu (chosen by auto: no usable GPU)")
    fake_cupy.install(tmp_path, monkeypatch, gpus=0)
    line = words.beginning_in_words(prepare(*pictures, settings))
    assert "device cpu (chosen by auto: device 'cuda' cannot be used: this machine has no" in line


@pytest.mark.slow
@pytest.mark.parametrize("name", fake_cupy.BROKEN)
def test_runs_with_a_cupy_that_cannot_be_used(nst_run, environment, pictures, tmp_path, name):
    parts, _ = fake_cupy.BROKEN[name]
    fake_cupy.write(tmp_path / "packages", **parts)
    paths = f"{tmp_path / 'packages'}:{environment['PYTHONPATH']}"
    failed = nst_run(*pictures, "-o", "out.png", *OPTIONS, "--device", "cuda", PYTHONPATH=paths)
    assert failed.returncode == 2 and failed.stderr.count("\n") == 1, failed.stderr
    assert failed.stderr.startswith("nst.run: device 'cuda' ")
    done = nst_run(*pictures, "-o", "out.png", *OPTIONS, PYTHONPATH=paths)
    assert done.returncode == 0 and "device cpu (chosen by auto: device 'cuda' " in done.stdout
