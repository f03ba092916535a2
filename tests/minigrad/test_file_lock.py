"""The lock between processes. What it protects is tested with nst and weights_converter."""

import subprocess
import sys

import pytest

from minigrad.errors import FileError
from minigrad.file_lock import LockedError, file_lock
from minigrad.files import remove_partial

HOLD = """
import pathlib, sys
from minigrad.file_lock import file_lock
with file_lock(pathlib.Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def held(tmp_path):
    """A lock file that another process holds, and that process."""
    path = tmp_path / "lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "True\n"
    yield path, process
    process.kill()
    process.communicate()


def test_without_waiting(held):
    path, _ = held
    with pytest.raises(LockedError, match="another process holds the lock"), file_lock(path):
        pytest.fail("two processes hold it")


def test_waiting_is_announced_once(held):
    path, process = held
    calls = []

    def waiting():
        calls.append(path)
        process.communicate("\n")

    with file_lock(path, waiting) as ours:
        assert ours and path.exists()
    assert calls == [path] and not path.exists()


def test_a_name_that_cannot_be_a_lock_file(tmp_path):
    class OwnError(FileError):
        pass

    (tmp_path / "file").touch()
    with pytest.raises(OwnError, match=r"cannot write .*lock: "), \
            file_lock(tmp_path / "file" / "lock", error=OwnError):
        pytest.fail("it is locked")


def test_a_file_that_holds_something_is_no_lock(tmp_path):
    (tmp_path / "lock").write_text("a user's")
    with pytest.raises(FileError, match="this has 8 bytes; give it another name"), \
            file_lock(tmp_path / "lock"):
        pytest.fail("it is locked")
    assert (tmp_path / "lock").read_text() == "a user's"


def test_partial_files_of_long_names_are_left_alone(tmp_path):
    """Their beginning may be that of another file's name."""
    name = 41 * "n" + ".png"
    part = tmp_path / f".{name[:40]}.01234567.part"
    part.touch()
    remove_partial(tmp_path / name)
    assert part.exists()
