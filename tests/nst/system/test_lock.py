"""Two runs with one output; and what killed ones left behind."""

import os
import subprocess
import sys

import pytest

from minigrad.errors import FileError
from nst.system.lock import output_lock

HOLD = """
import sys, pathlib
from nst.system.lock import output_lock
with output_lock(pathlib.Path("out.png"), [pathlib.Path("out.checkpoint.h5")]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(environment, tmp_path, monkeypatch):
    """Another process that writes out.png, in the working directory."""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=environment, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_refused_until_the_first_has_ended(holder, tmp_path):
    out = tmp_path / "out.png"
    with pytest.raises(FileError, match=r"another run is writing .*out\.png; wait"), \
            output_lock(out):
        pytest.fail("both write it")
    with output_lock(tmp_path / "other.png"):       # of another output there may be one
        pass
    holder.communicate("\n")
    with output_lock(out):
        pass
    assert list(tmp_path.iterdir()) == []


def test_out_png_and_out_jpg_share_a_checkpoint(holder, tmp_path):
    with pytest.raises(FileError, match=r"writing .*out\.checkpoint\.h5 of .*out\.jpg; wait"), \
            output_lock(tmp_path / "out.jpg", [tmp_path / "out.checkpoint.h5"]):
        pytest.fail("both write the checkpoint")
    assert not (tmp_path / ".out.jpg.lock").exists()


def test_a_link_to_the_output_is_the_output(holder, tmp_path):
    (tmp_path / "out.png").touch()
    (tmp_path / "alias.png").symlink_to(tmp_path / "out.png")
    with pytest.raises(FileError, match=r"another run is writing .*alias\.png; wait"), \
            output_lock(tmp_path / "alias.png"):
        pytest.fail("both write it")


def test_a_killed_process_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.communicate()
    assert (tmp_path / ".out.png.lock").exists()
    with output_lock(tmp_path / "out.png", [tmp_path / "out.checkpoint.h5"]):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_in_part_is_taken_away(tmp_path):
    for name in (".out.png.01234567.part", ".out.checkpoint.h5.89abcdef.part",
                 ".out.png.part", ".out.png.0123456z.part", ".out2.png.01234567.part"):
        (tmp_path / name).touch()
    with output_lock(tmp_path / "out.png", [tmp_path / "out.checkpoint.h5"]):
        pass
    assert sorted(os.listdir(tmp_path)) == [
        ".out.png.0123456z.part", ".out.png.part", ".out2.png.01234567.part"]


def test_a_disk_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch):
    def no_locks(*arguments):
        raise OSError(95, "Operation not supported")

    fcntl = pytest.importorskip("fcntl")         # Windows always has locks
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with output_lock(tmp_path / "out.png"):
        assert list(tmp_path.iterdir()) == []
