"""Contact sheets: what is where on them, and `python -m nst.compare` from options to sheet."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst.cli import compare
from nst.output.contact_sheet import MARGIN, Cell, contact_sheet
from nst.pictures import tensors
from nst.pictures.picture import Picture
from nst.system.lock import output_lock

pytestmark = pytest.mark.usefixtures("narrow_network")

QUICK = ["--weights", "random:0", "--size", "32", "--iterations", "2", "--device", "cpu"]


def plain(color, width=50, height=40):
    return Picture(np.full((height, width, 3), color, np.uint8))


# ---------------------------------------------------------------------------- the sheet


def test_pictures_stand_in_rows():
    colours = [(200, 10, 10), (10, 200, 10), (10, 10, 200), (90, 90, 90), (5, 200, 200)]
    sheet = contact_sheet([Cell(plain(color), "name") for color in colours], columns=3, width=50)
    assert sheet.width == 3 * 50 + 4 * MARGIN
    second_row = sheet.height // 2
    for i, color in enumerate(colours):
        x, y = MARGIN + (i % 3) * (50 + MARGIN) + 25, MARGIN + 20 + (i // 3) * second_row
        assert sheet.getpixel((x, y)) == color


def test_large_pictures_are_scaled_small_ones_are_not():
    sheet = np.asarray(contact_sheet([Cell(plain((9, 9, 9), 400, 200), ""),
                                      Cell(plain((99, 9, 9), 20, 10), "")], 2, 100))
    assert (sheet == (9, 9, 9)).all(2).sum() == 100 * 50
    assert (sheet == (99, 9, 9)).all(2).sum() == 20 * 10


def test_long_text_is_broken_and_all_of_it_is_there():
    def ink(text):
        sheet = contact_sheet([Cell(plain((255, 255, 255), 80, 10), text, text)], 1, 80)
        return (np.asarray(sheet).min(2) < 128).sum(), sheet

    short, small = ink("style-weight")
    long, large = ink("style-weight " * 6 + "relu1_1=0.5,relu2_1=0.25,relu3_1=0.125,relu4_1=0.5")
    assert large.height > small.height + 100 and large.width == small.width
    assert long > 6 * short
    assert (np.asarray(large)[:, -MARGIN:] == 255).all()        # nothing runs over the edge


def test_the_heading_has_a_row_of_its_own_and_alpha_lies_on_white():
    clear = Picture(np.zeros((40, 50, 3), np.uint8), np.zeros((40, 50), np.uint8))
    sheet = contact_sheet([Cell(plain((1, 2, 3)), "x")], 1, 50, [Cell(clear, ""), Cell(clear, "")])
    assert sheet.width == 2 * 50 + 3 * MARGIN
    pixels = np.asarray(sheet)
    assert (pixels[:MARGIN + 40] == 255).all()
    assert (pixels == (1, 2, 3)).all(2).sum() == 50 * 40


def test_a_sheet_of_nothing():
    with pytest.raises(ArgumentError, match="contact sheet of 0 pictures"):
        contact_sheet([])


# ------------------------------------------------------------------------- the variations


def test_every_combination_and_whole_lines():
    found = compare.variations([["style-weight", "1", "10"], ["--init", "content", "random"]],
                               ["--preset gatys --tv-weight '3'"])
    assert found == {
        "style-weight 1, init content": ["--style-weight=1", "--init=content"],
        "style-weight 1, init random": ["--style-weight=1", "--init=random"],
        "style-weight 10, init content": ["--style-weight=10", "--init=content"],
        "style-weight 10, init random": ["--style-weight=10", "--init=random"],
        "--preset gatys --tv-weight '3'": ["--preset", "gatys", "--tv-weight", "3"]}


def test_a_table_from_the_command_line(pictures, tmp_path, environment):
    done = subprocess.run(
        [sys.executable, "-m", "nst.compare", *map(str, pictures), "-o", "sheet.png", *QUICK,
         "--vary", "style-weight", "0", "100", "--vary", "optimizer", "adam", "sgd",
         "--init", "content", "--tv-weight", "0", "--keep", "--cell", "64",
         "--weights", "small"],
        cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 of 4  style-weight 100, optimizer sgd: " in done.stdout
    records = json.loads((tmp_path / "sheet.json").read_text())
    assert [one["label"] for one in records][:2] == ["style-weight 0, optimizer adam",
                                                     "style-weight 0, optimizer sgd"]
    # From the content with no style, nothing changes; with style it does.
    assert records[0]["ssim"] == pytest.approx(1) and records[2]["ssim"] < 0.999
    assert {one["iterations"] for one in records[2:]} == {2}
    assert list(records[0])[4:7] == ["swd_mean", "swd", "swd_unused_mean"]
    assert ", ripples " in done.stdout and ", unused layers " in done.stdout
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 2 * (64 + MARGIN) + MARGIN        # the last --vary is a row
    assert sorted(path.name for path in tmp_path.glob("sheet-*")) == [
        f"sheet-{i}.png" for i in range(1, 5)]
    embedded = tensors.read_settings(tmp_path / "sheet-4.png")
    assert (embedded["style_weight"], embedded["optimizer"], embedded["size"]) == (100, "sgd", 32)


def test_an_interrupt_leaves_what_is_finished(pictures, tmp_path, monkeypatch, capsys):
    from nst.job import transfer
    stylize, calls = transfer.stylize, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return stylize(*arguments)

    monkeypatch.setattr(transfer, "stylize", interrupted)
    monkeypatch.chdir(tmp_path)
    assert compare.main([*map(str, pictures), "-o", "s.png", *QUICK, "--vary", "seed", "1", "2"
                         ]) == 130
    assert "interrupted; the sheet contains all finished pictures" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "s.json").read_text())) == 1
    assert (tmp_path / "s.png").is_file()


@pytest.mark.parametrize("arguments, sentence", [
    (["{c}", "{s}", "-o", "x.png"], "there is nothing to compare; give --vary"),
    (["{c}", "{s}", "-o", "x.png", "--vary", "seed"], "--vary seed has no values"),
    (["{c}", "{s}", "-o", "x.png", "--vary", "sed", "1"], "no option --sed; did you mean --seed?"),
    (["{c}", "{s}", "-o", "x.png", "--vary", "pooling", "max", "min"], "not 'min'"),
    (["{c}", "{s}", "-o", "x.xyz", "--vary", "seed", "1"], "must end in .png"),
    (["{c}", "-o", "x.png", "--vary", "seed", "1"], "STYLE is missing"),
    (["-o", "x.png", "--vary", "seed", "1"], "CONTENT and STYLE are missing"),
    (["{c}", "{s}", "-o", "x.png", "--vary", "size", "32", "8"], "needs at least 16 pixels"),
    (["{c}", "{s}", "-o", "x.png", "--run", '--style-weight "1'], "no closing quotation; close"),
    (["{c}", "{s}", "-o", "x.png", "--vary", "seed", "1", "--cell", "1000000"], "be 100000 or"),
    (["{c}", "{s}", "-o", "x.png", "--vary", "seed", "1", "--cell", "9" * 400], "cell is a number"),
    (["{c}", "none.jpg", "-o", "x.png", "--vary", "seed", "1"], "none.jpg does not exist"),
])
def test_mistakes_are_found_before_the_work(pictures, tmp_path, monkeypatch, capsys, arguments,
                                            sentence):
    monkeypatch.chdir(tmp_path)
    arguments = [a.format(c=pictures[0], s=pictures[1]) for a in arguments]
    assert compare.main([*arguments, "--weights=random:0"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("nst.compare: ") and error.count("\n") == 1 and sentence in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("output, more", [("photo.png", ()), ("photo.png", ("--keep",)),
                                          ("s.png", ("--keep",))])
def test_nothing_that_is_read_is_written(pictures, tmp_path, monkeypatch, capsys, output, more):
    """The sheet, and the numbered pictures beside it."""
    monkeypatch.chdir(tmp_path)
    content = {"photo.png": "photo.png", "s.png": "s-1.png"}[output]
    Path(content).write_bytes(Path(pictures[0]).read_bytes())
    assert compare.main([content, str(pictures[1]), "-o", output, *QUICK, *more,
                         "--vary", "seed", "1", "2"]) == 2
    assert f"the output {content} is the picture {content} itself" in capsys.readouterr().err
    assert Path(content).read_bytes() == Path(pictures[0]).read_bytes()


def test_what_is_there_is_kept(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = [*map(str, pictures), "-o", "s.png", *QUICK, "--keep", "--vary", "seed", "1", "2"]
    names = ["s.json", "s-2.png", "s.png"]
    for there in names:
        Path(there).write_text("mine")
        assert compare.main(command) == 2
        assert f"{there} already exists" in capsys.readouterr().err
        assert Path(there).read_text() == "mine" and os.listdir() == [there]
        Path(there).unlink()
    for there in names:
        Path(there).write_text("mine")
    assert compare.main([*command, "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert all(Path(there).read_bytes() != b"mine" for there in names)


def test_a_sheet_that_its_format_cannot_hold_is_refused_before_the_work(
        pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert compare.main([*map(str, pictures), "-o", "wide.jpg", *QUICK, "--cell", "40000",
                         "--vary", "seed", "1", "2"]) == 2
    assert "has at most 65500 per side" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [["--report", "a.html"], ["--save-every", "1"],
                                    ["--checkpoint-every", "1"], ["--resume"]])
def test_options_that_mean_nothing_here(pictures, tmp_path, monkeypatch, capsys, option):
    monkeypatch.chdir(tmp_path)
    assert compare.main([*map(str, pictures), "-o", "s.png", "--vary", "seed", "1", *option]) == 2
    assert f"{option[0]} is an option of nst.run" in capsys.readouterr().err


def test_a_sheet_that_cannot_be_saved_ends_no_comparison(pictures, tmp_path, monkeypatch, capsys):
    """Every picture is painted and told of, and the last sheet is somewhere else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "elsewhere").mkdir()
    save = tensors.save

    def full(picture, path, *more):
        if Path(path).parent == Path():
            raise FileError(f"cannot write {path}: No space left on device")
        save(picture, path, *more)

    monkeypatch.setattr(tensors, "save", full)
    assert compare.main([*map(str, pictures), "-o", "s.png", *QUICK, "--vary", "seed", "1", "2"]
                        ) == 3
    said = capsys.readouterr()
    assert said.out.count(" of 2  seed ") == 2 and "No space left" in said.err
    assert len(list(tmp_path.glob("elsewhere/nst-*/s.png"))) == 1


def test_two_comparisons_on_one_sheet(pictures, tmp_path, monkeypatch, capsys):
    """Also where only the JSON file is the same."""
    monkeypatch.chdir(tmp_path)
    with output_lock(Path("s.json")):
        assert compare.main([*map(str, pictures), "-o", "s.jpg", *QUICK, "--vary", "seed", "1"]
                            ) == 2
    assert "another run is writing s.json of s.jpg" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
