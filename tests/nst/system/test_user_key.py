"""The file of the key: what is one, and that nothing else is taken for one, nor waited for."""

import os

import pytest

from minigrad.errors import FileError
from nst.cli import batch, run
from nst.system import user_key
from nst.system.user_key import LENGTH, VARIABLE


def _make(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(path.with_name("nowhere"))
    else:
        path.write_bytes(bytes(int(kind)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "0", str(LENGTH - 1), "9999"])
def test_what_is_no_key_is_refused(kind, tmp_path, monkeypatch):
    path = tmp_path / "key"
    _make(kind, path)
    monkeypatch.setenv(VARIABLE, str(path))
    for use in (user_key.user_key, user_key.check_key):
        with pytest.raises(FileError, match=r"NST_KEY_FILE names the key .*; delete it, so that"):
            use()


def test_a_device_and_a_folder_that_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    for path in ("/dev/zero", tmp_path / "file" / "key"):
        monkeypatch.setenv(VARIABLE, str(path))
        for use in (user_key.user_key, user_key.check_key):
            with pytest.raises(FileError, match="NST_KEY_FILE names the key"):
                use()


@pytest.mark.parametrize("name", ["file/key", "k" * 300], ids=["in a file", "long"])
def test_a_key_that_cannot_be_made(name, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(VARIABLE, str(tmp_path / name))
    with pytest.raises(FileError, match=r"cannot be made: .*; set NST_KEY_FILE to a file that"):
        user_key.check_key()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / ("k" * 250)))
    user_key.check_key()
    assert len(user_key.user_key()) == LENGTH


def test_a_key_is_made_when_it_is_needed(tmp_path, monkeypatch):
    """One that is named, before the run: without it there would be no checkpoint."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(user_key, "key_path", lambda: tmp_path / "new" / "key")
        user_key.check_key()
        assert not (tmp_path / "new").exists()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "new" / "key"))
    user_key.check_key()
    assert (tmp_path / "new" / "key").exists()
    key = user_key.user_key()
    assert len(key) == LENGTH and key == user_key.user_key() and key != bytes(LENGTH)


def test_the_run_does_not_begin(pictures, tmp_path, monkeypatch, capsys):
    (tmp_path / "key").write_bytes(b"short")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "key"))
    output = tmp_path / "out.png"
    assert run.main([*map(str, pictures), "-o", str(output), "--weights", "random:0"]) == 2
    said = capsys.readouterr().err
    assert "it has 5 bytes, but a key has 32" in said and said.count("\n") == 1
    assert not output.exists()


@pytest.mark.parametrize("name", ["out.png", "out.json", "out.checkpoint.h5"])
@pytest.mark.parametrize("exists", [False, True])
def test_no_run_writes_to_the_key(name, exists, pictures, tmp_path, monkeypatch, capsys):
    path = tmp_path / name
    monkeypatch.setenv(VARIABLE, str(path))
    if exists:
        path.write_bytes(bytes(LENGTH))
    assert run.main([*map(str, pictures), "-o", str(tmp_path / "out.png"), "--overwrite",
                     "--weights", "random:0"]) == 2
    assert f"is the key of checkpoints {path} itself" in capsys.readouterr().err
    assert not exists or path.read_bytes() == bytes(LENGTH)
    assert os.path.exists(path) == exists


def test_no_batch_writes_to_the_key(pictures, tmp_path, monkeypatch, capsys):
    for name in ("batch.json", f"{pictures[0].stem}--{pictures[0].stem}.json"):
        monkeypatch.setenv(VARIABLE, str(tmp_path / name))
        folder = str(pictures[0].parent)
        assert batch.main([folder, folder, "-o", str(tmp_path), "--weights", "random:0"]) == 2
        assert "is the key of checkpoints" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
