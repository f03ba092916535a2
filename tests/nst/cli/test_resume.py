"""Processes that are killed, stopped and started again with --resume.

The kill test is marked slow: 20 configurations, four with SLOW_TESTS=reduced, or KILL_ROUNDS.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from forked_runs import ForkedRuns

ROUNDS = int(os.environ.get("KILL_ROUNDS", 4 if os.environ.get("SLOW_TESTS") == "reduced" else 20))
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
    done = run_here(*command, "--overwrite")
    assert done.returncode == 0
    assert "found a checkpoint of an earlier run, out.checkpoint.h5; starting over" in done.stdout
    done = run_here(*command, "--resume")
    assert done.returncode == 2
    assert "a file of that name that nst.run did not write; choose another" in done.stderr
    (tmp_path / "out.checkpoint.h5").write_bytes(b"\x89HDF\r\n\x1a\n minigrad-state, cut off")
    done = run_here(*command, "--resume")
    assert done.returncode == 2
    assert done.stderr.startswith("nst.run: cannot read out.checkpoint.h5: it is damaged or was ")


def page(path):
    """What a page shows, and the command that it prints."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1]), re.search(r'<pre id="command">(.*?)</pre>', text)[1]


def test_killed_once_and_resumed(start, tmp_path):
    """The picture, losses, curves and all pictures in between, as if nothing had happened."""
    options = ("--iterations", 40, "--report", "run.html")
    finish(start(*options))
    whole, (shown, _) = taken(tmp_path), page(tmp_path / "run.html")
    (tmp_path / "run.html").unlink()
    process = start(*options, "--checkpoint-every", 5)
    wait_for(tmp_path / "out.checkpoint.h5", process)
    process.kill()
    process.communicate()
    finish(start(*options, "--checkpoint-every", 7, "--resume"))
    assert taken(tmp_path) == whole
    resumed, command = page(tmp_path / "run.html")
    assert resumed == shown
    assert len(shown["frames"]) > 15 and len(shown["curves"][0]["x"]) == 41
    assert "--resume" not in command and "--report run.html" in command


@pytest.mark.slow
def test_killed_at_random_moments(environment, tmp_path, pictures):
    """SIGKILL some times in a run of a random configuration; the bytes are those of a whole run."""
    kills = 0
    with ForkedRuns(environment) as runs:
        for number in range(ROUNDS):
            folder = tmp_path / "round"
            kills += kill_round(runs, folder, pictures, number)
            shutil.rmtree(folder)
    print(f"{ROUNDS} configurations, {kills} kills, identical")


def kill_round(runs, folder, pictures, number):
    """Return how often the run was killed."""
    draw = random.Random(number)
    options = [*pictures, "-o", "out.png", *SMALL, *configuration(draw)]
    began = time.monotonic()
    assert runs.wait(runs.start(folder, *options)) == 0, (options, folder.joinpath("errors"))
    lasts = time.monotonic() - began
    whole = taken(folder)
    kills, status = 0, None
    while status != 0:
        more = ["--checkpoint-every", draw.choice([1, 2, 5])] if kills < 20 else []
        process = runs.start(folder, *options, *more, "--resume")
        if kills < 20:
            time.sleep(draw.uniform(0, lasts * 0.7))
            os.killpg(process, signal.SIGKILL)
        status = runs.wait(process)
        assert status in (0, -signal.SIGKILL), (options, (folder / "errors").read_text())
        kills += status != 0
    for name in folder.glob(".*.lock"):
        name.unlink()
    assert taken(folder) == whole, options
    return kills


def configuration(draw):
    """Options of nst.run, at random."""
    options = {"--iterations": draw.choice([12, 20, 30]), "--optimizer": draw.choice(OPTIMIZERS),
               "--init": draw.choice(["content", "random", "recolored", "style"]),
               "--variable": draw.choice(["pyramid", "pixels"]), "--seed": draw.randrange(99),
               "--style-loss": draw.choice(["w2", "gram", "swd", "remd"]),
               "--content-loss": draw.choice(["features", "features", "selfsim"]),
               "--colors": draw.choice(["style", "luminance", "affine", "histogram"]),
               "--pooling": draw.choice(["max", "avg"]), "--scales": draw.choice([1, 2, 3]),
               "--lr-schedule": draw.choice(["constant", "cosine"]),
               "--result": draw.choice(["mean", "best"]), "--average": draw.choice([0, 0.9])}
    if options["--optimizer"] == "lbfgs":           # its line search finds its own steps
        options["--lr-schedule"] = "constant"
    sampled = options["--style-loss"] in ("swd", "remd") or options["--content-loss"] == "selfsim"
    if not sampled and draw.random() < 0.3:
        options["--tile"] = 32
    if draw.random() < 0.3:
        options["--patience"] = 4
    return [part for pair in options.items() for part in pair]
