"""Signals to one process and to the whole group, as terminals and schedulers send them."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked_runs import ForkedRuns

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")

ROUNDS = int(os.environ.get("SIGNAL_ROUNDS", 10 if os.environ.get("SLOW_TESTS") == "reduced"
                            else 100))
TILED = ("--weights", "random:0", "--size", "64", "--margin", "0", "--scales", "1", "--tile", "32",
         "--content-layers", "relu1_1", "--style-layers", "relu1_1", "--content-weight", "1",
         "--device", "cpu", "--optimizer", "adam", "--iterations", "100000")


@pytest.fixture
def launch(environment, tmp_path):
    """Start a program as the leader of a group of its own, which ends with the test."""
    processes = []

    def call(*command, **options):
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], cwd=tmp_path, env=environment, text=True,
            start_new_session=True, preexec_fn=hear,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
        processes.append(process)
        return process

    yield call
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def start(launch, pictures):
    """Start nst.run, which goes on until it is stopped."""
    return lambda *more, **options: launch(
        "-m", "nst.run", *pictures, "-o", "out.png", *TILED, "--checkpoint-every", "1", *more,
        **options)


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


@pytest.mark.slow
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
def test_a_second_ctrl_c_and_more(start, tmp_path):
    """Ten of them, while the picture is being saved and the program ends."""
    process = start()
    wait_for(tmp_path / "out.checkpoint.h5", process)
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert_ended(process, 130, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="controls a terminal")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_terminal_that_is_closed(launch, pictures, tmp_path, processes):
    """The whole group gets SIGHUP, and nobody reads what is written from then on."""
    ours, theirs = os.openpty()
    command = ["-m", "nst.run", *pictures, "-o", "out.png", *TILED, "--checkpoint-every", "1",
               "--processes", processes, "--quiet"]
    process = launch("-c", TAKE_TERMINAL, *command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    wait_for(tmp_path / "out.checkpoint.h5", process)
    os.close(ours)
    assert process.wait(120) == 129
    assert (tmp_path / "out.png").exists() and (tmp_path / "out.checkpoint.h5").exists()


# The leader of a session takes its terminal, and becomes the program.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_the_group_of_a_batch(launch, pictures, tmp_path, processes, number, status):
    for folder, picture in zip(("photos", "paintings"), pictures):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            shutil.copy(picture, tmp_path / folder / f"{name}{Path(picture).suffix}")
    process = launch("-m", "nst.batch", "photos", "paintings", "-o", "out", *TILED,
                     "--checkpoint-every", "1", "--processes", processes)
    wait_for(tmp_path / "out" / "a--a.checkpoint.h5", process)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    assert "Traceback" not in errors and "not enough memory" not in errors
    assert f"stopped by {signal.Signals(number).name}; repeat the command to resume" in errors
    summary = json.loads((tmp_path / "out" / "batch.json").read_text(encoding="utf-8"))
    assert summary["results"][0]["ended"] == "interrupted"
    assert (tmp_path / "out" / "a--a.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_the_group_of_a_comparison(launch, pictures, tmp_path, processes, number,
                                               status):
    process = launch("-m", "nst.compare", *pictures, "-o", "s.png", *TILED[:-1], "2", "--vary",
                     "seed", *range(1000), "--processes", processes, stderr=subprocess.STDOUT)
    assert process.stdout.readline().startswith("1 of 1000")        # so the first is finished
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == status, said
    assert "Traceback" not in said and "not enough memory" not in said
    name = signal.Signals(number).name
    assert f"stopped by {name}; the sheet contains all finished pictures" in said
    assert (tmp_path / "s.png").exists() and json.loads((tmp_path / "s.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", ["run", "evaluate"])
def test_a_signal_while_a_program_is_imported(launch, pictures, program, number):
    """At moments from the first import to the end of the last."""
    for round_number in range(IMPORTS):
        process = launch("-c", ANNOUNCE, program, *pictures[:1], *pictures, "--weights", "small",
                         *(["--iterations", "100000", "-o", "out.png"] if program == "run" else []))
        assert process.stdout.readline() == "ready\n"
        # A measurement of pictures so small ends soon after the last import.
        time.sleep((1.0 if program == "run" else 0.3) * round_number / IMPORTS)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 128 + number, errors
        assert "Traceback" not in errors and errors.count(f"nst.{program}: ") == 1
        assert ("interrupted" if number == signal.SIGINT else "stopped by SIGTERM") in errors


IMPORTS = 3 if os.environ.get("SLOW_TESTS") == "reduced" else 25
ANNOUNCE = """
import sys
from nst.system import entry
name, load = sys.argv.pop(1), entry.import_module
entry.import_module = lambda module: (print("ready", flush=True), load(module))[1]
entry.run_program(name)
"""


@pytest.mark.slow
def test_signals_at_random_moments(environment, tmp_path, pictures):
    """Half of the rounds signal the whole group; every tenth has workers."""
    with ForkedRuns(environment) as runs:
        for number in range(ROUNDS):
            folder = tmp_path / "round"
            signal_round(runs, folder, pictures, number)
            shutil.rmtree(folder)
    print(f"{ROUNDS} rounds, {ROUNDS // 2} of them to the group")


def signal_round(runs, folder, pictures, number):
    draw = random.Random(number)
    sent = draw.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    workers = ["--processes", 2] if number % 10 == 0 else ["--processes", 1]
    process = runs.start(folder, *pictures, "-o", "out.png", *TILED, "--checkpoint-every", 1,
                         *workers)
    deadline = time.monotonic() + 300
    while not (folder / "out.checkpoint.h5").exists():          # so the run had begun
        assert time.monotonic() < deadline, (folder / "errors").read_text()
        time.sleep(0.005)
    time.sleep(draw.uniform(0, 0.1))
    (os.killpg if number % 2 else os.kill)(process, sent)
    status, errors = runs.wait(process), (folder / "errors").read_text()
    assert status == 128 + sent, (number, errors)
    assert "Traceback" not in errors and "race condition" not in errors, (number, errors)
    assert (folder / "out.png").exists() and (folder / "out.checkpoint.h5").exists(), number
    summary = json.loads((folder / "out.json").read_text(encoding="utf-8"))["summary"]
    assert summary["ended"] == "interrupted", number
