"""`nst.run --report`: a page that tells what the run did."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from nst import Settings
from nst.cli import run
from nst.job.transfer import prepare
from nst.output import run_page
from nst.output.page import html

pytestmark = pytest.mark.usefixtures("narrow_network")

QUICK = {"size": 48, "iterations": 5, "scales": 2, "weights": "random:0", "device": "cpu",
         "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}
ARGUMENTS = [part for name, value in QUICK.items()
             for part in (f"--{name.replace('_', '-')}", str(value))]


def data_of(text):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1])


def finished(content, styles, **settings):
    job = prepare(content, styles, Settings(**{**QUICK, **settings}))
    recorder = run_page.Recorder(job)
    return job, job.run(recorder), recorder


def page(names, *done):
    job, result, recorder = done
    return run_page.page_of(job, result, recorder.frames, names, {"size": 48},
                            Path("out.png"), "")


def test_from_the_command_line(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [*map(str, pictures), "-o", "out.png", "--report", "run.html", "--quiet",
                 *ARGUMENTS]
    assert run.main(arguments) == 0
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    history = json.loads((tmp_path / "out.json").read_text())["iterations"]
    data = data_of(text)
    assert (data["width"], data["height"]) == (48, 36)
    assert [frame["iteration"] for frame in data["frames"]] == [0, 1, 2, 3, 4, 5, 5]
    assert data["frames"][0]["label"] == "iteration 0, 34×25"
    assert data["frames"][-1]["label"] == "result"
    assert [curve["name"] for curve in data["curves"]] == [
        "total", "content", "style", "palette", "tv", "relu1_1", "relu2_1"]
    assert data["curves"][0]["y"] == pytest.approx([one["total"] for one in history], rel=1e-4)
    assert data["curves"][5]["y"] == pytest.approx(
        [one["style_layers"]["relu1_1"] for one in history], rel=1e-4)
    assert data["scales"] == [[0, "34×25"], [4, "48×36"]]
    for said in ("<title>content.png in the style of style.jpg</title>", "out.png: total loss",
                 "<th>style-layers</th><td>relu1_1 0.5, relu2_1 0.5", "at 34×25",
                 "python -m nst.run ", "--report run.html --quiet", "<th>SSIM</th>",
                 "<th>colours</th>", "<th>ripples</th>", "<th>rim</th>", "Gram errors"):
        assert said in text
    # The file says what made it; that a page was written made no difference to it.
    assert run.main([*arguments[:2], "-o", "again.png", "--quiet", *ARGUMENTS]) == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_distances_fall(pictures):
    done = finished(*pictures, iterations=20, margin=0)
    about = page(["c", "s"], *done)
    assert list(about.gram_errors) == ["relu1_1", "relu2_1"]
    assert all(after < before for before, after in about.gram_errors.values())
    # The settings' network ends at relu2_1, so it has one of the layers that no loss uses.
    assert list(about.distances) == ["relu1_1", "relu1_2", "relu2_1"]
    assert all(after < before for before, after in about.distances.values())
    assert list(about.tables) == ["Figures", "Settings", "Timings"]
    assert list(about.tables["Figures"])[:3] == ["SWD", "SWD, unused", "colours"]


def test_a_texture_and_a_reconstruction(pictures):
    content, style = pictures
    about = page(["s.jpg"], *finished(None, style, content_weight=0, canvas="40x32"))
    assert about.title == "A texture of s.jpg" and about.content is None
    assert about.frames[-1].size == (40, 32) and len(about.styles) == 1
    assert all(np.isfinite(pair).all() for pair in about.distances.values())
    about = page(["c.png"], *finished(content, None, style_weight=0))
    assert about.title == "c.png, reconstructed"
    assert about.distances == about.gram_errors == {} and not about.styles
    assert list(about.tables["Figures"]) == ["rim", "clipped", "SSIM", "border index"]
    assert [curve.name for curve in about.curves] == ["total", "content", "tv"]


def test_several_styles(pictures):
    content, style = pictures
    about = page(["c", "a", "b"], *finished(content, [style, content]))
    assert about.title == "c in the style of a and b"
    assert [frame.label for frame in about.styles] == ["a", "b"] and about.distances_to == "a"


def test_what_is_kept_is_bounded(pictures):
    job = prepare(*pictures, Settings(**{**QUICK, "iterations": 10_000}))
    moments = run_page.Recorder(job).recorded_iterations
    assert {0, 1, 2, 10_000} <= moments and len(moments) <= run_page.MAX_FRAMES + 1


@pytest.mark.parametrize("name, sentence", [
    ("page.png", "page.png is a web page, so its name must end in .html"),
    ("nowhere/page.html", "there is no folder nowhere")])
def test_mistakes_are_found_before_the_work(pictures, tmp_path, monkeypatch, capsys, name,
                                            sentence):
    monkeypatch.chdir(tmp_path)
    assert run.main([*map(str, pictures), "-o", "out.png", "--report", name, *ARGUMENTS]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1 and not list(tmp_path.iterdir())


def test_the_report_is_part_of_the_configuration(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    assert run.main([*map(str, pictures), "-o", "out.png", "--report", "pages/run.html", "--quiet",
                     *ARGUMENTS]) == 0
    first = (tmp_path / "pages" / "run.html").read_text()
    (tmp_path / "pages" / "run.html").unlink()
    assert run.main(["--config", "out.toml", "--overwrite"]) == 0
    again = data_of((tmp_path / "pages" / "run.html").read_text())
    assert again["frames"] == data_of(first)["frames"]


def test_a_run_that_failed_at_once_has_a_page(pictures):
    done = finished(*pictures, optimizer="sgd", learning_rate=1e30, scales=1, clamp=False)
    assert done[1].ended == "fault"
    about = page(["c", "s"], *done)
    assert "choose a smaller learning-rate" in about.summary
    assert about.frames and html(about)
    bad = finished(*pictures, style_weight=1e30, style_loss="gram", auto_weights=False,
                   norm="sum")
    assert (bad[1].ended, bad[1].history) == ("fault", [])
    about = page(["c", "s"], *bad)
    assert about.summary == "out.png: fault before the first iteration"
    assert len(about.frames) == 1 and about.curves == [] and html(about)


def test_an_interrupted_run_has_a_page(pictures):
    job = prepare(*pictures, Settings(**QUICK))
    recorder = run_page.Recorder(job)

    def observe(progress):
        recorder(progress)
        if len(progress.history) == 3:
            raise KeyboardInterrupt

    about = page(["c", "s"], job, job.run(observe), recorder)
    assert about.summary.endswith("; interrupted")
    assert [frame.iteration for frame in about.frames[:-1]] == [0, 1, 2] and html(about)
