"""Content and style from single layers: PSNR, the sheets, the figures, what is left out."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples import common, reconstruct, session
from nst.model import small, weights
from nst.pictures.picture import Picture

load = weights.load
TINY = ["--weights", "random:0", "--size", "32", "--iterations", "4"]


@pytest.fixture
def run(monkeypatch, tmp_path, capsys, load_narrow):
    """``run("--size", "32")`` gives (exit status, output, errors)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "load", load_narrow)

    def call(*arguments):
        status = common.run("reconstruct", reconstruct.program, [str(a) for a in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err
    return call


def test_psnr(rng):
    """10 log₁₀ of 255²/MSE: 20 dB for a tenth of the range everywhere."""
    grey = np.full((5, 7, 3), 100.0, np.float32)
    assert session.psnr(Picture(grey + 25.5), Picture(grey)) == pytest.approx(20)
    assert session.psnr(Picture(grey), Picture(grey)) == np.inf
    noisy = Picture(grey + rng.normal(0, 25.5, grey.shape).astype(np.float32))
    assert session.psnr(noisy, Picture(grey)) == pytest.approx(20, abs=1)


def test_both_sheets_with_their_figures(run, tmp_path):
    status, out, err = run(*TINY)
    assert (status, err) == (0, "")
    content = json.loads((tmp_path / "reconstruct" / "content.json").read_text())
    assert [one["label"] for one in content["pictures"]] == [
        "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "pool1", "pool2", "pool3"]
    for one in content["pictures"]:
        assert one["settings"]["content_layers"] == {one["label"]: 1.0}
        assert one["settings"]["style_weight"] == 0 and "init" not in one["settings"]  # noise
        assert len(one["curves"]["total"]) == 5 and one["best_loss"] < one["first_loss"]
        assert f"{one['label']}: psnr {one['psnr']:.3g}" in out
    style = json.loads((tmp_path / "reconstruct" / "style.json").read_text())
    assert [list(one["settings"]["style_layers"]) for one in style["pictures"]] == [
        ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"][:n] for n in range(1, 6)]
    assert [one["label"][:3] for one in style["pictures"]] == ["(a)", "(b)", "(c)", "(d)", "(e)"]
    for name in ("content", "style"):
        with Image.open(tmp_path / "reconstruct" / f"{name}.png") as sheet:
            assert sheet.width > 5 * session.MIN_CELL and sheet.height > 200


def test_the_first_layer_brings_the_picture_back(run, monkeypatch, tmp_path):
    """Even with random filters: 64 of them see every pixel. Deeper layers know less."""
    monkeypatch.setattr(weights, "load", load)
    monkeypatch.setattr(reconstruct, "CONTENT_LAYERS", ("relu1_1", "relu2_1", "relu3_1"))
    monkeypatch.setattr(reconstruct, "POOLINGS", ())
    status, _, _ = run("--weights", "random:0", "--size", "24", "--iterations", "30")
    assert status == 0
    figures = json.loads((tmp_path / "reconstruct" / "content.json").read_text())["pictures"]
    psnr = {one["label"]: one["psnr"] for one in figures}
    assert psnr["relu1_1"] > 30 and psnr["relu1_1"] > psnr["relu2_1"] > psnr["relu3_1"]


def test_the_small_network_has_no_poolings(run, tmp_path):
    """Its sheet has the five layers, and a sentence says why."""
    status, out, _ = run(*TINY, "--weights", small.SMALL)
    assert status == 0
    assert "pool1, pool2, pool3 are left out: only the full network has them" in out
    figures = json.loads((tmp_path / "reconstruct" / "content.json").read_text())["pictures"]
    assert [one["label"] for one in figures] == list(reconstruct.CONTENT_LAYERS)


@pytest.mark.parametrize("arguments, message", [
    (("--content", "none.jpg"), "none.jpg"),
    (("--size", "0"), "'0' is not a whole number of at least 1"),
    (("--size", "9"), "needs at least 16 pixels"),
    (("--weights", "none.h5"), "none.h5"),
    (("--weights", "random:x"), "random: must be followed by a whole number"),
    (("--out", "none/here"), "there is no folder none"),
    (("--out", __file__), "is a file; name a folder"),
])
def test_mistakes_are_one_sentence(run, arguments, message, tmp_path):
    status, _, err = run(*TINY, *arguments)
    assert status == 2 and message in err and err.count("\n") == 1
    assert err.startswith("examples.reconstruct: ") and list(tmp_path.iterdir()) == []


def test_an_interrupted_sheet_has_what_is_finished(run, monkeypatch, tmp_path):
    """Ctrl-C in the third picture: two are whole, the third is the best until then."""
    calls = []
    bar = common.progress

    def progress(work, name):
        calls.append(name)
        made = bar(work, name)
        if len(calls) == 3:
            def stop(n=1):
                raise KeyboardInterrupt
            made.update = stop
        return made
    monkeypatch.setattr(common, "progress", progress)
    status, _, err = run(*TINY)
    assert status == 130 and err == "examples.reconstruct: interrupted\n"
    figures = json.loads((tmp_path / "reconstruct" / "content.json").read_text())["pictures"]
    assert [one["ended"] for one in figures] == ["done", "done", "interrupted"]
    assert not (tmp_path / "reconstruct" / "style.png").exists()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_in_a_process_of_its_own(tmp_path):
    """A real signal, in the second picture: exit status 130, and a sheet of both."""
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.reconstruct", "--weights", "random:0", "--size", "32",
         "--iterations", "400"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8",
                                          "PYTHONPATH": str(Path(__file__).resolve().parents[2])})
    try:
        for line in process.stdout:
            if line.startswith("relu1_1: "):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and err == "examples.reconstruct: interrupted\n"
    figures = json.loads((tmp_path / "reconstruct" / "content.json").read_text())["pictures"]
    assert figures[0]["label"] == "relu1_1" and figures[0]["ended"] in ("done", "converged")
    assert len(figures) < 8
