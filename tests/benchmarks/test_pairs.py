"""The set of pairs: sources, changes of colours, a resumed run, the table, sheets, mistakes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import pairs  # noqa: E402
import pairs_sources  # noqa: E402

from minigrad.errors import ArgumentError, FileError  # noqa: E402
from nst.job import transfer  # noqa: E402
from nst.pictures.colors import luminance  # noqa: E402
from nst.pictures.picture import Picture  # noqa: E402

OPTIONS = "--", "--weights", "small", "--iterations", "2"
TWO = """
[[pair]]
content = "nst:scene"
style = "red+gbr"
explore = true
[[pair]]
content = "folder/red.png"
style = "nst:painting+inverted"
"""


@pytest.fixture
def place(tmp_path):
    """A TOML file with two pairs, and a folder with a picture for it."""
    (tmp_path / "two.toml").write_text(TWO, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    Image.new("RGB", (40, 30), (250, 20, 10)).save(tmp_path / "folder" / "red.png")
    return tmp_path


def paint(place, *more):
    return pairs.main(["--pairs", str(place / "two.toml"), "--pictures", str(place / "folder"),
                       *more])


def test_a_run_is_measured_and_resumed(place, monkeypatch, capsys):
    out = place / "out"
    assert paint(place, "--out", str(out), "--size", "32", *OPTIONS) == 0
    document = json.loads((out / "pairs.json").read_text(encoding="utf-8"))
    first, second, median = document["results"]
    assert [first["pair"], second["pair"]] == ["01-scene-red+gbr", "02-red-painting+inverted"]
    assert first["explore"] and not second["explore"] and first["iterations"] == 2
    assert median["ssim"] == pytest.approx((first["ssim"] + second["ssim"]) / 2)
    assert "| **median** |" in (out / "pairs.md").read_text(encoding="utf-8")
    with Image.open(out / "01-scene-red+gbr.png") as picture:
        assert picture.size == (32, 24)

    def run(job):
        raise AssertionError("painted again")

    with monkeypatch.context() as patch:
        patch.setattr(transfer.Job, "run", run)
        assert paint(place, "--out", str(out), "--size", "32", "--measure-again", *OPTIONS) == 0
        again = json.loads((out / "pairs.json").read_text(encoding="utf-8"))
        assert again["results"] == document["results"]
        with pytest.raises(AssertionError, match="painted again"):
            paint(place, "--out", str(out), "--size", "32", *OPTIONS, "--style-weight", "2")
    capsys.readouterr()
    assert paint(place, "--out", str(place / "sheets"), "--sheet", str(out), str(out)) == 0
    with Image.open(capsys.readouterr().out.strip()) as sheet:
        assert sheet.width > 4 * 360


def test_inputs_are_written(place):
    assert paint(place, "--inputs", str(place / "in"), "--only", "explore") == 0
    assert sorted(path.name for path in (place / "in").iterdir()) == ["01-content.png",
                                                                      "01-style.png"]
    with Image.open(place / "in" / "01-style.png") as style:
        assert style.getpixel((3, 3)) == (20, 10, 250)      # red has the values of green


def test_drawings_are_kept(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(pairs_sources, "_drawn", lambda name: drawn.append(name) or np.full(
        (4, 5, 3), 7, np.uint8))
    for _ in range(2):
        sources = pairs_sources.Sources(Path(), drawings=tmp_path)
        assert sources.picture("drawing:ink").pixels.max() == 7
    assert drawn == ["ink"] and (tmp_path / "ink.png").is_file()


def test_inverted_luminance_keeps_the_hue():
    pixels = np.array([[[200, 100, 60], [30, 30, 30], [0, 0, 0]]], np.uint8)
    inverted = pairs_sources.changed(Picture(pixels), "inverted").pixels
    assert luminance(inverted) == pytest.approx(255 - luminance(pixels), abs=0.01)
    assert inverted[0, 0].argmax() == 0 and inverted[0, 0].argmin() == 2
    assert np.ptp(inverted[0, 1]) < 0.01


def test_the_fifteen_pairs():
    fifteen = pairs_sources.read(pairs.PAIRS)
    assert len(fifteen) == 15 and sum(pair.explore for pair in fifteen) == 5
    assert len({pair.name for pair in fifteen}) == 15
    named = {name for pair in fifteen for name in (pair.content, pair.style)}
    for name in named:
        source, separator, rest = name.partition("+")[0].partition(":")
        assert not separator or source in pairs_sources.SOURCES
        if source == "skimage":
            assert rest in pairs_sources.SKIMAGE


@pytest.mark.parametrize("name", [
    "matplotlib:grace_hopper", "skimage:camera",
    pytest.param("sklearn:china", marks=pytest.mark.slow),      # seconds to import
])
def test_photographs_of_packages(name):
    package = name.partition(":")[0]
    pytest.importorskip(package)
    picture = pairs_sources.Sources(Path()).picture(name)
    assert min(picture.size) > 400 and picture.pixels.shape[2] == 3


@pytest.mark.parametrize("name, words", [
    ("nst:sceen", "did you mean scene"), ("nowhere", "no picture nowhere"),
    ("nst:scene+rgg", "no change of colours"),
])
def test_unknown_pictures(name, words):
    with pytest.raises((ArgumentError, FileError), match=words):
        pairs_sources.Sources(Path()).picture(name)


@pytest.mark.parametrize("text, words", [
    ("", r"no \[\[pair\]\]"), ("[[pair]", "not valid TOML"),
    ("[[pair]]\ncontent = 'a'", "pair 1 of"),
    ("[[pair]]\ncontent = 'a'\nstyle = 'b'\nsize = 3", "pair 1 of"),
])
def test_wrong_files(text, words, tmp_path):
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    with pytest.raises((ArgumentError, FileError), match=words):
        pairs_sources.read(tmp_path / "p.toml")


@pytest.mark.parametrize("arguments, words", [
    (("--only", "3"), "no pair 3"), (("--only", "some"), "explore, held-out"), ((), "--out"),
    (("--out", "x", "--", "--output", "a.png"), "not output"),
    (("--out", "x", "--sheet", "nowhere"), "no results"),
])
def test_wrong_arguments(arguments, words, place, monkeypatch):
    monkeypatch.chdir(place)
    with pytest.raises((ArgumentError, FileError), match=words):
        paint(place, *arguments)
