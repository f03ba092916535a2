"""Runs that meet a full disk, too little memory, NaN or a loss that falls no more."""

import json
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from minigrad import tensor, zeros
from nst import Settings
from nst.job.checkpoint import CheckpointManager, load_checkpoint
from nst.job.transfer import prepare
from nst.loss.objective import Losses
from nst.optimize.closure import MAX_ROLLBACKS
from nst.optimize.loop import optimize
from nst.optimize.patience import Patience
from nst.system.signals import Signals, check_interrupt, defer_interrupts

pytestmark = pytest.mark.usefixtures("narrow_network")

SMALL = ("--weights", "random:0", "--size", "64", "--margin", "4", "--scales", "1", "--iterations",
         "8", "--content-layers", "relu2_1", "--style-layers", "relu1_1,relu2_1", "--device", "cpu")


@pytest.fixture
def limited_run(environment, pictures, tmp_path):
    """Call nst.run with a limit of the operating system, see `resource`."""
    def call(limit, amount, *arguments, folder=tmp_path):
        return subprocess.run(
            [sys.executable, "-m", "nst.run", *map(str, pictures), "-o", str(folder / "out.png"),
             *SMALL, *map(str, arguments), "--quiet"],
            preexec_fn=lambda: resource.setrlimit(limit, (amount, amount)),
            cwd=tmp_path, env={**environment, "TMPDIR": str(tmp_path), "MINIGRAD_NUM_THREADS": "1"},
            capture_output=True, text=True, timeout=120)
    return call


@pytest.fixture
def small_disk(tmp_path):
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a disk of memory is not permitted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


# ---------------------------------------------------------------------------- the disk


def test_a_disk_that_fills_up_during_the_run(small_disk, environment, pictures, tmp_path):
    """Checkpoints and intermediate pictures fail, the run does not, the picture goes elsewhere."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nst.run", *map(str, pictures), "-o", str(small_disk / "out.png"),
         *SMALL, "--iterations", "40", "--checkpoint-every", "5", "--save-every", "2", "--quiet"],
        env={**environment, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (small_disk / "out-02.png").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    fill(small_disk)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3 and "Traceback" not in errors
    assert "No space left on device" in errors and "no checkpoint at iteration" in errors
    assert f"the picture is in {tmp_path}/nst-" in errors
    found, = tmp_path.glob("nst-*/out.png")
    assert Image.open(found).size == (64, 48)
    assert not (small_disk / "out.png").exists() and not list(small_disk.glob(".*.part"))


def fill(disk):
    with open(disk / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_disk_that_is_full_already_is_found_before_the_work(small_disk, limited_run):
    fill(small_disk)
    done = limited_run(resource.RLIMIT_CORE, 0, folder=small_disk)
    assert done.returncode == 2
    assert "cannot write" in done.stderr or "has 0.0 MB of free space, but" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_limit_on_the_size_of_files(limited_run, tmp_path):
    """Nothing of more than 4 kB can be written anywhere: not even the picture."""
    done = limited_run(resource.RLIMIT_FSIZE, 4096, "--checkpoint-every", 3)
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert "File too large" in done.stderr
    assert "the run is done, but the picture could not be saved" in done.stderr
    assert not list(tmp_path.glob(".*.part"))


# -------------------------------------------------------------------------- the memory


def test_a_limit_on_memory(limited_run, tmp_path):
    """What an evaluation at 800 pixels needs is more than there is."""
    done = limited_run(resource.RLIMIT_AS, 700_000_000, "--size", 800, "--iterations", 2,
                       "--scales", 2, "--max-memory", "64GB", "--style-layers", "relu1_1",
                       "--content-layers", "relu1_2")
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert "there is not enough memory for " in done.stderr
    assert Image.open(tmp_path / "out.png").size == (800, 600)
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert report["summary"]["ended"] == "fault" and report["iterations"]


# ------------------------------------------------------------------------ NaN and stalls


def bowl(curvature, cliff):
    """½·k·x², and NaN beyond the cliff."""
    def objective(x):
        total = (x * x).sum(dtype=np.float64) * (curvature / 2)
        if float(abs(x.numpy()).max()) > cliff:
            total = total * np.nan
        return Losses(total, total, None, 0 * total)
    return objective


def start(value):
    return tensor(np.full((1, 3, 4, 4), value, "f")).requires_grad_()


def test_a_step_into_nan_is_taken_back_and_named():
    """The first step of gradient descent is ten times too long; a tenth of it leads down."""
    settings = Settings(optimizer="sgd", learning_rate=6.0, iterations=30, average=0, clamp=False)
    progress = optimize(bowl(1.0, 100.0), start(30.0), settings)
    assert progress.ended == "done"
    rollback, = progress.rollbacks
    assert (rollback.iteration, rollback.back_to) == (1, 0)
    assert rollback.cause.startswith("the content loss is not finite")
    assert progress.history[-1].total < 1e-3 * progress.history[0].total


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_nan_wherever_it_goes_ends_with_the_last_good_picture(optimizer):
    def objective(x):
        good = float(abs(x.numpy() - 3).max()) == 0
        total = (x * x).sum(dtype=np.float64) * (1.0 if good else np.nan)
        return Losses(total, total, None, 0 * total)

    progress = optimize(objective, start(3.0), Settings(optimizer=optimizer, iterations=50))
    assert (progress.ended, len(progress.rollbacks)) == ("fault", MAX_ROLLBACKS)
    np.testing.assert_array_equal(progress.best.numpy(), 3)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_patience_ends_where_nothing_falls(optimizer):
    def flat(x):
        total = (x * 0.0).sum(dtype=np.float64) + 5.0
        return Losses(total, total, None, 0 * total)

    settings = Settings(optimizer=optimizer, iterations=200, patience=6)
    progress = optimize(flat, zeros(1, 3, 4, 4).requires_grad_(), settings)
    assert progress.ended == "converged" and len(progress.history) <= 9


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_min_delta_ends_sooner(optimizer):
    def evaluations(**more):
        settings = Settings(optimizer=optimizer, iterations=400, average=0, clamp=False,
                            learning_rate=None if optimizer == "lbfgs" else 0.02, **more)
        return len(optimize(long_valley, start(50.0), settings).history)

    assert 5 < evaluations(patience=4, min_delta=0.2) < evaluations(patience=4, min_delta=0.002)


def long_valley(x):
    curvature = tensor(np.geomspace(0.01, 30, 48, dtype="f").reshape(1, 3, 4, 4))
    total = (curvature * x * x).sum(dtype=np.float64) + 1.0
    return Losses(total, total, None, 0 * total)


def test_patience_counts():
    patience = Patience(2, 0.1)
    for total, over in ((10, False), (9.5, False), (8.9, False), (8.5, False), (8.02, True)):
        patience.add(total)
        assert patience.is_over == over
    assert str(patience) == "the loss has not fallen by 10 % for 2 iterations"
    assert not Patience(None, 0.0).is_over


def test_patience_in_a_run(run_here, pictures, tmp_path):
    """Every scale is left early; the end says why."""
    done = run_here(*pictures, "-o", "out.png", *SMALL, "--scales", 2, "--iterations", 60,
                    "--patience", 3, "--min-delta", 0.5)
    assert done.returncode == 0, done.stderr
    assert "the loss has not fallen by 50 % for 3 iterations, so the run ended early" in \
        done.stdout
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    scales = [entry["scale"] for entry in report["iterations"]]
    assert report["summary"]["ended"] == "converged"
    assert set(scales) == {0, 1} and len(scales) < 40


# ---------------------------------------------------------------------------- signals


def test_a_signal_waits_until_what_must_be_finished_is():
    done = []
    with pytest.raises(KeyboardInterrupt), Signals() as signals, signals.shield():
        signal.raise_signal(signal.SIGTERM)
        done.append(1)
    assert done == [1] and (signals.status, signals.name) == (143, "stopped by SIGTERM")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_signal_is_told_once():
    """Saving what it has interrupted is not interrupted again."""
    with Signals() as signals:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with signals.shield():
            signal.raise_signal(signal.SIGTERM)
    assert (signals.status, signals.name) == (130, "interrupted")


def test_a_signal_is_heard_only_where_it_does_no_harm():
    """Threads that wait for each other must not be left by an exception from nowhere."""
    done = []
    with Signals():
        with defer_interrupts():
            signal.raise_signal(signal.SIGINT)
            done.append(1)
            with defer_interrupts():           # one within another changes nothing
                done.append(2)
            done.append(3)
        with pytest.raises(KeyboardInterrupt):
            check_interrupt()
    assert done == [1, 2, 3]


def test_a_signal_is_heard_between_tiles():
    with pytest.raises(KeyboardInterrupt), Signals(), defer_interrupts():
        check_interrupt()
        signal.raise_signal(signal.SIGINT)
        check_interrupt()
        pytest.fail("the next tile was begun")


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_signal_between_two_evaluations_leaves_no_half_step(optimizer, tmp_path, pictures):
    """It comes while the optimiser steps: the step is finished, and a checkpoint made of it."""
    settings = Settings(optimizer=optimizer, size=32, scales=1, iterations=6, weights="random:0",
                     content_layers="relu2_1", style_layers="relu2_1", device="cpu")
    whole = prepare(*pictures, settings).run()

    def at_the_third(progress):
        if len(progress.history) == 3:
            signal.raise_signal(signal.SIGTERM)

    job = prepare(*pictures, settings)
    checkpoints = CheckpointManager(tmp_path / "one", job)
    with Signals():
        assert job.run(at_the_third, checkpoints).ended == "interrupted"
    assert checkpoints.last_saved == 3                 # all that was evaluated
    again = prepare(*pictures, settings)
    resumed = load_checkpoint(tmp_path / "one", again)
    checkpoints = CheckpointManager(tmp_path / "one", again, resumed=resumed)
    result = again.run(None, checkpoints, resumed.state)
    np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)
    assert [one.total for one in result.history] == [one.total for one in whole.history]


def test_a_signal_after_the_last_iteration_changes_nothing(pictures):
    settings = Settings(size=32, scales=1, iterations=4, weights="random:0", device="cpu",
                     content_layers="relu2_1", style_layers="relu2_1")

    def at_the_last(progress):
        if len(progress.history) == 5:
            signal.raise_signal(signal.SIGTERM)

    with Signals() as signals:
        result = prepare(*pictures, settings).run(at_the_last)
        assert (result.ended, signals.received) == ("done", signal.SIGTERM)


def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
