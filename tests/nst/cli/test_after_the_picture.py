"""What may break around a run costs no picture, and is told in a sentence, never a traceback."""

import os
import shutil
import sys
from pathlib import Path

import platformdirs
import pytest
from PIL import Image

from minigrad.file_lock import file_lock
from nst.cli import batch, compare, evaluate, run
from nst.output import saving
from nst.system import user_key

pytestmark = pytest.mark.usefixtures("narrow_network")

QUICK = ("--weights", "random:0", "--size", "32", "--iterations", "2", "--scales", "1",
         "--content-layers", "relu1_1", "--style-layers", "relu1_1", "--device", "cpu")


def vanish(folder):
    shutil.rmtree(folder)


def become_a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("a file")


@pytest.fixture
def out(tmp_path, monkeypatch):
    """The folder of the results; other places for pictures are below the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("change", [vanish, become_a_file])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_folder_that_changes_while_a_run_ends(out, pictures, monkeypatch, capsys, change, moment):
    save = saving.save

    def saved(*arguments):
        if moment == "before":
            change(out)
        written = save(*arguments)
        if moment == "after":
            change(out)
        return written

    monkeypatch.setattr(saving, "save", saved)
    status = run.main([*map(str, pictures), "-o", "out/o.png", "--report", "out/o.html", *QUICK,
                       "--checkpoint-every", "1", "--quiet"])
    errors = capsys.readouterr().err.splitlines()
    assert status == 3 and errors and all(line.startswith("nst.run: ") for line in errors)
    if moment == "before":
        picture, = Path("elsewhere").glob("nst-*/o.png")
        assert Image.open(picture).size == (32, 24)


@pytest.mark.parametrize("change", [vanish, become_a_file])
def test_a_folder_that_changes_during_a_batch(out, pictures, monkeypatch, capsys, change):
    """What is painted is somewhere else, and the program says where."""
    for folder, picture in (("photos", pictures[0]), ("paintings", pictures[1])):
        Path(folder).mkdir()
        shutil.copy(picture, folder)
    Image.new("RGB", (40, 40), "teal").save("photos/later.png")
    save_picture = saving.save_picture

    def saved(*arguments):
        if out.is_dir():
            change(out)
        return save_picture(*arguments)

    monkeypatch.setattr(saving, "save_picture", saved)
    assert batch.main(["photos", "paintings", "-o", "out", *QUICK]) == 3
    said = capsys.readouterr()
    assert "Traceback" not in said.err and said.out.splitlines()[-1].startswith("0 of 2 finished")
    assert list(Path("elsewhere").glob("nst-*/*.png"))


def test_a_working_folder_that_vanishes(out, pictures, monkeypatch, capsys):
    monkeypatch.chdir(out)
    save = saving.save

    def saved(*arguments):
        vanish(out)
        return save(*arguments)

    monkeypatch.setattr(saving, "save", saved)
    status = run.main([*map(str, pictures), "-o", "o.png", *QUICK, "--checkpoint-every", "1",
                       "--quiet"])
    assert status == 3 and "Traceback" not in capsys.readouterr().err
    assert list((out.parent / "elsewhere").glob("nst-*/o.png"))


def test_a_lock_that_cannot_be_deleted(tmp_path, monkeypatch):
    """As in a folder that has become read-only."""
    def refuse(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", path)

    with file_lock(tmp_path / "lock") as held:
        monkeypatch.setattr(os, "unlink", refuse)
    assert held


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("program", ["run", "batch", "compare", "evaluate"])
def test_a_full_device_for_what_is_said(out, pictures, monkeypatch, program):
    content, style = map(str, pictures)
    command = {
        "run": (run.main, [content, style, "-o", "o.png", *QUICK], "o.png"),
        "batch": (batch.main, [content, style, "-o", "out", *QUICK], "out/content--style.png"),
        "compare": (compare.main, [content, style, "-o", "o.png", *QUICK, "--vary", "seed", "1",
                                   "2"], "o.json"),
        "evaluate": (evaluate.main, [content, content, style, "--weights", "small"], content),
    }
    main, arguments, result = command[program]
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(arguments) == 0
        monkeypatch.undo()
    assert Path(out.parent, result).exists()


def test_no_home_for_the_key(monkeypatch):
    """Without one a checkpoint has a checksum only, and is written all the same."""
    def homeless(*arguments, **options):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv(user_key.VARIABLE, raising=False)
    monkeypatch.setattr(platformdirs, "user_data_path", homeless)
    assert user_key.key_path() is None and user_key.user_key() == b""
