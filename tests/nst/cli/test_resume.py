"""Processes that are killed, stopped and started again with --resume.

The full kill test takes some minutes and is marked slow; SLOW_TESTS=reduced does two of its ten.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

ROUNDS = 2 if os.environ.get("SLOW_TESTS") == "reduced" else 10
SMALL = ("--weights", "random:0", "--size", "48", "--margin", "4", "--scales", "3",
         "--content-layers", "relu2_1", "--style-layers", "relu1_1,relu2_1",
         "--device", "cpu", "--quiet")
OPTIMIZERS = ("lbfgs", "adam", "sgd")


@pytest.fixture
def start(environment, tmp_path, pictures):
    """Start nst.run in a folder; returns the process."""
    def call(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "nst.run", *map(str, pictures), "-o", "out.png", *SMALL,
             *map(str, arguments)], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
    return call


def finish(process):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert errors == ""


def wait_for(path, process):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def taken(folder):
    """The picture and the losses of a finished run; its files go."""
    picture = (folder / "out.png").read_bytes()
    report = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert not (folder / "out.checkpoint.h5").exists()
    for name in ("out.png", "out.json", "out.toml"):
        (folder / name).unlink()
    return picture, [entry["total"] for entry in report["iterations"]]


def test_killed_once_and_resumed(start, tmp_path):
    finish(start("--iterations", 40))
    whole = taken(tmp_path)
    process = start("--iterations", 40, "--checkpoint-every", 5)
    wait_for(tmp_path / "out.checkpoint.h5", process)
    process.kill()
    process.communicate()
    finish(start("--iterations", 40, "--checkpoint-every", 7, "--resume"))
    assert taken(tmp_path) == whole


@pytest.mark.parametrize("number, status, words", [
    (signal.SIGTERM, 143, "stopped by SIGTERM"),
    pytest.param(signal.SIGINT, 130, "interrupted", marks=pytest.mark.slow)])
def test_stopped_and_resumed(number, status, words, start, tmp_path):
    """Without regular checkpoints: the signal makes one, at whichever iteration it comes."""
    finish(start("--iterations", 40, "--optimizer", "lbfgs"))
    whole = taken(tmp_path)
    process = start("--iterations", 40, "--optimizer", "lbfgs", "--save-every", 10)
    wait_for(tmp_path / "out-10.png", process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status and "Traceback" not in errors
    assert f"{words}; out.png is the best picture so far" in errors
    assert errors.rstrip().endswith("; --resume continues from out.checkpoint.h5")
    summary = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["summary"]
    assert summary["ended"] == "interrupted" and summary["iterations"] >= 10
    finish(start("--iterations", 40, "--optimizer", "lbfgs", "--resume"))
    assert taken(tmp_path) == whole


def test_resume_tells_what_it_does(run_here, pictures, tmp_path):
    command = (*pictures, "-o", "out.png", *SMALL[:-1], "--iterations", 6)
    done = run_here(*command, "--resume")
    assert done.returncode == 0
    assert "there is no out.checkpoint.h5 to resume from" in done.stdout
    (tmp_path / "out.checkpoint.h5").write_text("no checkpoint")
    done = run_here(*command)
    assert done.returncode == 0
    assert "found a checkpoint of an earlier run, out.checkpoint.h5; starting over" in done.stdout
    done = run_here(*command, "--resume")
    assert done.returncode == 2
    assert done.stderr.startswith("nst.run: cannot read out.checkpoint.h5: it is not an HDF5 file")


def test_the_page_of_a_resumed_run_is_that_of_the_whole(start, tmp_path):
    """Curves, and all pictures in between, as if nothing had happened."""
    def page():
        text = (tmp_path / "run.html").read_text(encoding="utf-8")
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text,
                          re.DOTALL)
        return json.loads(found[1]), re.search(r'<pre id="command">(.*?)</pre>', text)[1]

    options = ("--iterations", 40, "--report", "run.html")
    finish(start(*options))
    whole, _ = page()
    taken(tmp_path)
    process = start(*options, "--checkpoint-every", 5)
    wait_for(tmp_path / "out.checkpoint.h5", process)
    process.kill()
    process.communicate()
    finish(start(*options, "--resume"))
    resumed, command = page()
    assert resumed == whole
    assert len(whole["frames"]) > 15 and len(whole["curves"][0]["x"]) == 41
    assert "--resume" not in command and "--report run.html" in command


@pytest.mark.slow
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_killed_at_random_moments(round_number, start, tmp_path):
    """SIGKILL some three times in a run, anywhere from the start of Python to the last byte."""
    random_numbers = random.Random(round_number)
    options = ("--iterations", 300, "--optimizer", OPTIMIZERS[round_number % 3],
               "--init", random_numbers.choice(["content", "random"]))
    began = time.monotonic()
    finish(start(*options))
    lasts = time.monotonic() - began
    whole = taken(tmp_path)
    kills = 0
    while kills < 20:
        process = start(*options, "--checkpoint-every", random_numbers.choice([1, 3, 10, 50]),
                        "--resume")
        try:
            _, errors = process.communicate(timeout=random_numbers.uniform(0, lasts / 2))
            assert process.returncode == 0, errors
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
    else:
        finish(start(*options, "--resume"))
    assert kills
    assert taken(tmp_path) == whole
    print(f"round {round_number}: {options[3]}, killed {kills} times, identical")
