"""Signals to one process and to the whole group, as terminals and schedulers send them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")

ROUNDS = int(os.environ.get("SIGNAL_ROUNDS", 4 if os.environ.get("SLOW_TESTS") == "reduced"
                            else 20))
TILED = ("--weights", "random:0", "--size", "64", "--margin", "0", "--scales", "1", "--tile", "32",
         "--content-layers", "relu1_1", "--style-layers", "relu1_1", "--content-weight", "1",
         "--device", "cpu", "--optimizer", "adam", "--iterations", "100000")


@pytest.fixture
def start(environment, tmp_path, pictures):
    """Start nst.run as the leader of a group of its own, which ends with the test."""
    processes = []

    def call(*more):
        process = subprocess.Popen(
            [sys.executable, "-m", "nst.run", *map(str, pictures), "-o", "out.png", *TILED,
             "--checkpoint-every", "1", *more], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=hear)
        processes.append(process)
        return process

    yield call
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def hear():
    """Hear SIGHUP even if the tests run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_for(path, process):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def workers_of(process):
    """The processes that compute for another, by /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            command = (path.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue
        if parent == process.pid and "spawn_main" in command:
            found.append(int(path.parent.name))
    return found


def assert_ended(process, status, folder):
    """The run ended by a signal, with its status, picture and checkpoint, and without noise."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    assert "Traceback" not in errors and "race condition" not in errors, errors
    assert (folder / "out.png").exists() and (folder / "out.checkpoint.h5").exists()
    summary = json.loads((folder / "out.json").read_text(encoding="utf-8"))["summary"]
    assert summary["ended"] == "interrupted"
    return errors


@pytest.mark.parametrize("number, status", [
    (signal.SIGTERM, 143),
    pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow)])
def test_a_signal_to_the_group_is_no_lack_of_memory(start, tmp_path, number, status):
    process = start("--processes", "2")
    wait_for(tmp_path / "out.checkpoint.h5", process)
    os.killpg(process.pid, number)
    errors = assert_ended(process, status, tmp_path)
    assert f"stopped by {signal.Signals(number).name}" in errors


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_killed_worker_is_called_that(start, tmp_path):
    process = start("--processes", "2")
    wait_for(tmp_path / "out.checkpoint.h5", process)
    workers = workers_of(process)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 3 and "Traceback" not in errors
    assert "one of 2 worker processes was killed" in errors
    assert "not enough memory" not in errors
    assert (tmp_path / "out.png").exists() and (tmp_path / "out.checkpoint.h5").exists()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_stopped_worker_keeps_nobody_from_ending(start, tmp_path):
    process = start("--processes", "2")
    wait_for(tmp_path / "out.checkpoint.h5", process)
    os.kill(workers_of(process)[0], signal.SIGSTOP)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert_ended(process, 143, tmp_path)


def test_several_signals_at_once(start, tmp_path):
    process = start()
    wait_for(tmp_path / "out.checkpoint.h5", process)
    process.send_signal(signal.SIGSTOP)         # all of them wait until it goes on
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCONT):
        process.send_signal(number)
    process.wait(120)
    status = process.returncode
    assert status in (129, 130, 143)
    errors = assert_ended(process, status, tmp_path)
    name = {129: "stopped by SIGHUP", 130: "interrupted", 143: "stopped by SIGTERM"}[status]
    assert name in errors


@pytest.mark.slow
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_signals_at_random_moments(start, tmp_path, round_number):
    """Half of the rounds signal the whole group, a third have workers."""
    draw = random.Random(round_number)
    number = draw.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    process = start(*(["--processes", "2"] if round_number % 3 == 0 else []))
    wait_for(tmp_path / "out.checkpoint.h5", process)       # so the run had begun
    time.sleep(draw.uniform(0, 0.3))
    if round_number % 2:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert_ended(process, 128 + number, tmp_path)
