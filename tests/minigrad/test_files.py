"""Files appear under their names whole, or not at all."""

import errno
import os
import stat

import pytest

from minigrad.errors import ArgumentError, FileError
from minigrad.files import check_writable, replacing, write_atomically


class OwnError(FileError):
    """The error of some package."""


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_what_is_written_is_there_and_nothing_else(old):
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"
    assert os.listdir(old.parent) == ["file"]


def test_a_name_of_the_greatest_length(tmp_path):
    path = tmp_path / ("ß" * 127)
    check_writable(path)
    write_atomically(path, b"new")
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("step", ["os.fsync", "os.replace"])
def test_a_fault_leaves_the_old_file(old, monkeypatch, step):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    with pytest.raises(OwnError, match=r"^cannot write .*file: No space left on device$"):
        write_atomically(old, b"new", OwnError)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["file"]


@pytest.mark.parametrize("step", ["open", "fsync"])
def test_a_folder_that_cannot_be_flushed_is_no_fault(old, monkeypatch, step):
    """The new file is in its place already: the folder may be unreadable, or its disk may refuse.

    Permissions do not stop root, so the system's answers are simulated.
    """
    function = getattr(os, step)

    def refusing(place, *arguments):
        if stat.S_ISDIR(os.stat(place).st_mode):
            raise OSError(errno.EACCES if step == "open" else errno.EINVAL, "refused")
        return function(place, *arguments)

    monkeypatch.setattr(os, step, refusing)
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"


@pytest.mark.parametrize("raised, seen", [(ArgumentError, ArgumentError), (ValueError, ValueError),
                                          (KeyboardInterrupt, KeyboardInterrupt),
                                          (OSError, OwnError)])
def test_what_fails_inside_leaves_the_old_file(old, raised, seen):
    with pytest.raises(seen), replacing(old, OwnError) as temporary:
        temporary.write_bytes(b"half")
        assert temporary.parent == old.parent
        raise raised("stop")
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["file"]


def test_a_link_stays_a_link(old):
    link = old.with_name("link")
    link.symlink_to("file")
    write_atomically(link, b"new")
    assert link.is_symlink() and old.read_bytes() == b"new"


def test_places_that_cannot_be_written(old, tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    for path, words in ((tmp_path / "none" / "file", "there is no folder .*none; create it first"),
                        (old / "file", "is not a folder"), (tmp_path, "it is a folder"),
                        (fifo, "exists and is not a file"),
                        (tmp_path / "one", "is a link in a loop of links; name a file")):
        for act in (check_writable, lambda path, error: write_atomically(path, b"", error)):
            with pytest.raises(OwnError, match=words):
                act(path, OwnError)
    assert sorted(os.listdir(tmp_path)) == ["file", "one", "pipe", "two"]
    assert os.readlink(tmp_path / "one") == "two"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_a_folder_where_not_even_root_may_write():
    with pytest.raises(FileError, match="cannot write /proc/file: "):
        check_writable("/proc/file")


def test_checking_changes_nothing(old):
    check_writable(old)
    check_writable(old.with_name("other"))
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["file"]
