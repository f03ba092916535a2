"""`python -m nst.evaluate` as a process: its figures, and its refusals."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from minigrad.errors import ArgumentError
from nst.cli import evaluate
from nst.measure import metrics
from nst.model import weights
from nst.pictures import tensors

pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture
def nst_evaluate(environment, tmp_path):
    def call(*arguments):
        return subprocess.run([sys.executable, "-m", "nst.evaluate", *map(str, arguments)],
                              cwd=tmp_path, env=environment, capture_output=True, text=True)
    return call


@pytest.mark.usefixtures("whole_network")
def test_table_and_json_say_what_metrics_measures(nst_evaluate, pictures, tmp_path, colours,
                                                  monkeypatch, capsys):
    content, style = pictures
    colours(36, 48, 3).save(tmp_path / "result.png")
    arguments = "result.png", content, style, "--weights", "random:0"
    done = nst_evaluate(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    loaded = [tensors.load(path, "content") for path in (tmp_path / "result.png", content, style)]
    network = weights.load("random:0", "relu5_1", "cpu")
    expected = metrics.measure(loaded[0], loaded[1], loaded[2].scaled(48), network, "cpu")
    record = json.loads(done.stdout)
    assert list(record) == list(expected.record())
    found = metrics.Quality(**{field.name: record[field.name]
                               for field in dataclasses.fields(metrics.Quality)})
    for name in ("swd_mean", "swd_unused_mean", "color_distance", "ripples", "relief", "rim",
                 "clipped", "content_mean", "ssim", "style_mean", "border", "content_border"):
        assert record[name] == pytest.approx(getattr(expected, name), rel=1e-4)
    table = evaluate.in_words(found)
    assert [line.split("  ")[0] for line in table.splitlines()] == [
        "SWD", "SWD, unused", "colours", "ripples", "relief", "rim", "clipped", "content error",
        "SSIM", "Gram error", "border index"]
    assert f"relu3_1 {found.style['relu3_1']:.3f}" in table
    assert f"relu2_2 {found.swd_unused['relu2_2']:.3f}" in table
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "load", lambda *_: network)
    assert evaluate.main([*map(str, arguments)]) == 0
    assert table == capsys.readouterr().out.rstrip("\n")


def test_the_content_itself_has_no_content_error(pictures, capsys):
    content, style = pictures
    assert evaluate.main([str(content), str(content), str(style), "--weights", "random:0",
                          "--device", "cpu", "--style-size", "40", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["content"] == {"relu4_2": 0} and found["ssim"] == 1
    assert found["border"] == found["content_border"]
    assert np.isfinite([*found["style"].values(), *found["swd"].values()]).all()


@pytest.mark.parametrize("arguments, sentence", [
    (["none.png", "{content}", "{style}"], "the finished picture none.png does not exist"),
    (["{content}", "{style}", "{content}"],
     "give the content picture from which the result was made"),
    (["{content}", "{content}", "{style}", "--style-size", "0"], "style-size is 0"),
    (["{content}", "{content}", "{style}", "--style-size", "900000"], "a smaller --style-size"),
    (["{content}", "{content}", "{style}", "--style-size", "5" * 10], "must be 1000000 or less"),
    (["{content}", "{content}", "{style}", "--style-size", "9" * 400], "but must be 1000000 or"),
    (["{content}", "{content}", "{style}", "--device", "tpu"], "tpu"),
    (["{content}", "{content}"], "the following arguments are required: STYLE"),
])
def test_mistakes(pictures, capsys, arguments, sentence):
    names = {"content": pictures[0], "style": pictures[1]}
    status = evaluate.main([a.format(**names) for a in arguments] + ["--weights", "random:0"])
    error = capsys.readouterr().err
    assert status == 2 and error.startswith("nst.evaluate: ") and error.count("\n") == 1
    assert sentence in error


def test_a_result_of_one_column(pictures):
    """74 KB of PNG; the style picture as wide as it is high would take 2.5 GB and more."""
    with pytest.raises(ArgumentError, match=r"needs [0-9.]* GB of memory just to be loaded"):
        evaluate.scaled_style(tensors.load(pictures[1], "style"), 19_000_000)
