"""Files that are there already: none is replaced without --overwrite."""

import io
import shutil
from pathlib import Path

import h5py
import pytest
from PIL import Image

from nst.cli import run

pytestmark = pytest.mark.usefixtures("narrow_network")

QUICK = ("--weights", "random:0", "--size", "32", "--iterations", "2", "--scales", "1",
         "--content-layers", "relu1_1", "--style-layers", "relu1_1", "--device", "cpu", "--quiet")


@pytest.fixture
def paint(tmp_path, monkeypatch, capsys, pictures):
    """Paint the pictures in an empty folder; returns the status and what was said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, named=True):
        given = [*map(str, pictures), *QUICK] if named else []
        return run.main([*given, *map(str, arguments)]), capsys.readouterr().err
    return call


def test_what_is_there_is_kept(paint, tmp_path):
    options = ("-o", "out.png", "--report", "out.html", "--save-every", 2)
    files = [tmp_path / name for name in ("out.png", "out.json", "out.html", "out-2.png")]
    for there in files:
        there.write_text("mine")
        status, error = paint(*options)
        assert status == 2
        assert f"{there.name} already exists; choose another output name" in error
        assert paint(*options, "--resume")[0] == 2          # it is not from this run
        assert there.read_text() == "mine" and list(tmp_path.iterdir()) == [there]
        there.unlink()
    for there in files:
        there.write_text("mine")
    assert paint(*options, "--overwrite") == (0, "")
    assert all(there.read_bytes() != b"mine" for there in files)


def test_a_second_run_replaces_nothing_of_the_first(paint, tmp_path):
    assert paint("-o", "out.png", "--report", "out.html") == (0, "")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert paint("-o", "out.png")[0] == 2
    assert paint("-o", "out.jpg")[0] == 2                   # out.json is that of out.png
    assert paint("-o", "new.png", "--report", "out.html")[0] == 2
    assert paint("-o", "out.png", "--resume", "--seed", 5, "--style-weight", 3)[0] == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert paint("-o", "out.png", "--resume", "--report", "out.html") == (0, "")     # the same


@pytest.mark.parametrize("kind", ["text", "hdf5", "folder"])
def test_a_file_where_the_checkpoint_goes_is_kept(kind, paint, tmp_path):
    """It would be written over, and deleted in the end."""
    there = tmp_path / "out.checkpoint.h5"
    if kind == "folder":
        there.mkdir()
    elif kind == "text":
        there.write_text("mine")
    else:
        with h5py.File(there, "w") as file:
            file["data"] = [1.0]
    before = there.stat()
    for options in ((), ("--resume",)):
        status, error = paint("-o", "out.png", "--checkpoint-every", 1, *options)
        assert status == 2 and error.count("\n") == 1 and str(there.name) in error
        assert list(tmp_path.iterdir()) == [there] and there.stat() == before
    if kind != "folder":
        assert paint("-o", "out.png", "--checkpoint-every", 1, "--overwrite") == (0, "")


@pytest.mark.parametrize("damage", [
    lambda data: data, lambda data: data[:len(data) // 2], lambda data: b"",
    lambda data: data[:2000] + bytes(500) + data[2500:]], ids=["whole", "cut", "empty", "damaged"])
def test_a_checkpoint_that_was_left_is_replaced(damage, paint, tmp_path, monkeypatch):
    """Also if it is damaged: nothing but a new run can be made of it."""
    there = tmp_path / "out.checkpoint.h5"
    with monkeypatch.context() as patch:
        patch.setattr(run.CheckpointManager, "remove", lambda self: None)
        paint("-o", "out.png", "--checkpoint-every", 1)
    for path in tmp_path.iterdir():
        if path != there:
            path.unlink()
    there.write_bytes(damage(there.read_bytes()))
    assert paint("-o", "out.png", "--checkpoint-every", 1) == (0, "")
    assert not there.exists()


def test_resume_replaces_what_the_stopped_run_has_left(paint, tmp_path, monkeypatch):
    options = ("-o", "out.png", "--report", "out.html", "--iterations", 6, "--checkpoint-every", 3)

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "_report_end", stop)
        assert paint(*options)[0] == 130                    # with everything but its last words
    assert (tmp_path / "out.checkpoint.h5").exists()
    status, error = paint(*options)
    assert status == 2 and "or --resume to continue from out.checkpoint.h5" in error
    shutil.copy(tmp_path / "out.png", tmp_path / "kept.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "out.png")     # somebody else's
    assert paint(*options, "--resume")[0] == 2
    shutil.copy(tmp_path / "kept.png", tmp_path / "out.png")
    assert paint(*options, "--resume") == (0, "")
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "kept.png").read_bytes()


def test_a_run_from_a_configuration_writes_over_nothing_of_its_run(paint, tmp_path):
    assert paint("-o", "old.png", "--report", "old.html") == (0, "")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for arguments in (["-o", "new.png"], ["-o", "old.jpg", "--report", "new.html"]):
        status, error = paint("--config", "old.toml", *arguments, "--overwrite", named=False)
        assert status == 2 and "belongs to old.png, which old.toml describes" in error
    assert paint("--config", "old.toml", named=False)[0] == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert paint("--config", "old.toml", "-o", "new.png", "--report", "new.html", named=False
                 ) == (0, "")
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert paint("--config", "old.toml", "--overwrite", named=False) == (0, "")      # repeats it
    again, first = (Image.open(io.BytesIO(data)) for data in (
        (tmp_path / "old.png").read_bytes(), before["old.png"]))
    assert again.tobytes() == first.tobytes()


def test_nothing_that_is_read_is_written(paint, tmp_path):
    assert paint("-o", "old.png") == (0, "")
    Path("page.html").write_bytes(Path("old.toml").read_bytes())
    status, error = paint("--config", "page.html", "-o", "new.png", "--report", "page.html",
                          "--overwrite", named=False)
    assert status == 2 and "page.html is the configuration page.html itself" in error
