"""Runs that end otherwise: interrupted, without a finite loss, or without room for the picture."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import FileError
from nst.cli import run
from nst.model import weights
from nst.pictures import tensors
from nst.system.signals import Signals
from tests.helpers.quick_runs import QUICK, pixels
from weights_converter import Weights, write_weights


def test_ctrl_c_leaves_the_best_picture(environment, pictures, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "nst.run", *map(str, pictures), "-o", "out.png",
         *map(str, QUICK), "--iterations", "1000000", "--save-every", "2"], cwd=tmp_path,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "out-0000002.png").exists():      # two iterations are done
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "nst.run: interrupted; out.png is the best picture so far" in errors
    assert "Traceback" not in errors
    assert pixels(tmp_path / "out.png").shape == (24, 32, 3)
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert report["summary"]["ended"] == "interrupted"
    assert len(report["iterations"]) >= 3
    best = min(report["iterations"], key=lambda entry: entry["total"])
    assert best["iteration"] == report["summary"]["best_iteration"] > 0


def test_nan_ends_with_the_last_good_picture(nst_run, pictures, tmp_path):
    """Gradient descent with an absurd step: the second evaluation overflows."""
    done = nst_run(*pictures, "-o", "out.png", *QUICK, "--optimizer", "sgd", "--no-clamp",
                   "--learning-rate", "1e30", "--iterations", 9, "--init", "content")
    assert done.returncode == 3
    assert done.stderr.count("back to iteration 0, with a tenth of the step") == 3
    assert "choose a smaller learning-rate than 1e+30" in done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (report["summary"]["ended"], report["summary"]["best_iteration"]) == ("fault", 0)
    assert "learning-rate" in report["summary"]["cause"]
    # The last good picture is the initial one: the scaled content.
    scaled = Image.open(pictures[0]).convert("RGB").resize((32, 24), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), np.asarray(scaled))


def test_overflowing_weights_end_with_the_initial_picture(run_here, pictures, tmp_path):
    """A weights file with finite but absurd numbers."""
    layers = {name: (pair[0] * np.float32(1e25), pair[1])
              for name, pair in weights.random_weights(0, "conv2_1").layers.items()}
    write_weights(tmp_path / "absurd.h5", Weights(**{
        **vars(weights.random_weights(0, "conv2_1")), "layers": layers,
        "source_sha256": "0" * 64}))
    done = run_here(*pictures, "-o", "out.png", *QUICK[2:], "--weights", "absurd.h5")
    assert done.returncode == 3
    assert "check the weights file" in done.stderr
    assert (tmp_path / "out.png").exists() and (tmp_path / "out.json").exists()


@pytest.mark.parametrize("arguments, status, sentence", [
    (["--learning-rate", "1e30", "--optimizer", "sgd", "--no-clamp", "--iterations", 9], 3,
     "; the best picture before that (iteration 0) could not be saved"),
    ([], 3, "the run is done, but the picture could not be saved"),
], ids=["fault", "done"])
def test_a_picture_that_cannot_be_saved(here, pictures, monkeypatch, arguments, status, sentence):
    """Nowhere: neither at its place, nor in the folder of temporary files, nor at home."""
    def full(picture, path, settings=None):
        raise FileError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(tensors, "save", full)
    done, error = here(*pictures, "-o", "out.png", *QUICK, *arguments, "--quiet")
    *_, said, last = error.splitlines()
    assert done == status
    assert said == "nst.run: cannot write out.png: No space left on device"
    assert last.endswith(sentence), error


@pytest.mark.parametrize("written, sentence", [
    (Path("out.png"), "interrupted; out.png is the best picture so far (iteration 7)"),
    (None, "interrupted; the best picture so far (iteration 7) could not be saved"),
])
def test_an_interrupted_run_says_where_the_picture_is(capsys, written, sentence):
    result = SimpleNamespace(ended="interrupted", best_iteration=7, history=[], cause="")
    checkpoints = SimpleNamespace(last_saved=8, path=Path("out.checkpoint.h5"))
    status = run._report_end(result, written, checkpoints, written is None, print, Signals())
    assert status == 130
    assert capsys.readouterr().err == (
        f"nst.run: {sentence}; --resume continues from out.checkpoint.h5\n")
