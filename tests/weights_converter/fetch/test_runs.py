"""From one run to the next, and several runs at once: parts, notes, locks, signals."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.errors import ArgumentError
from weights_converter import WeightsError, fetch, read_weights
from weights_converter.sources import Source

ROOT = Path(__file__).resolve().parents[3]

HALF = 150_000


def interrupt(get, server, **options):
    server.script = [("well", {"cut": HALF})]
    server.always = ("status", {"code": 404})
    with pytest.raises(WeightsError):
        get(**options)
    server.always = None


def test_a_later_run_goes_on(get, server, leftovers):
    interrupt(get, server)
    assert len(leftovers()) == 2     # the part, and the note beside it
    get()
    assert server.seen[-1][1:] == (f"bytes={HALF}-", '"one"')
    assert leftovers() == ["vgg19.h5"]


def test_a_part_that_was_damaged_is_fetched_once_more(get, server):
    interrupt(get, server)
    (part,) = get.to.parent.glob("*.download")
    part.write_bytes(bytes(HALF))
    get()
    assert [requested for _, requested, _ in server.seen[-2:]] == [f"bytes={HALF}-", None]


def test_a_part_without_a_note_is_not_trusted(get, server):
    interrupt(get, server)
    (note,) = get.to.parent.glob("*.json")
    for content in (b"", b"[1]", b'{"url": 3}', json.dumps({"url": "http://other"}).encode()):
        note.write_bytes(content)
        server.seen.clear()
        interrupt(get, server)
        assert server.seen[0][1] is None


def test_without_a_validator_only_a_known_file_goes_on(get, server):
    server.etag = None
    interrupt(get, server, known=False)
    get(known=False)
    assert server.seen[-1][1] is None
    get.to.unlink()
    interrupt(get, server)
    get()
    assert server.seen[-1][1:] == (f"bytes={HALF}-", None)


def test_a_whole_part_is_not_fetched_again(get, server, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        module = sys.modules["weights_converter.fetching"]
        patch.setattr(module, "convert", stop)
        patch.setattr(module, "discard", lambda part: None)
        with pytest.raises(KeyboardInterrupt):
            get()
    get()
    assert len(server.seen) == 1


def test_a_part_longer_than_the_file(get, server, leftovers):
    interrupt(get, server)
    server.content = server.content[:HALF - 10]
    with pytest.raises(WeightsError, match="damaged zip"):
        get(known=False)
    assert leftovers() == []


# ---------------------------------------------------------------- places and arguments


def test_a_full_disk_is_said_at_once(get, server, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("usage", (), {"free": 1000}))
    with pytest.raises(WeightsError, match="1,000 bytes are free there"):
        get()
    assert not server.seen


def test_places_where_nothing_can_be_kept(get, tmp_path, server):
    (tmp_path / "file").write_bytes(b"")
    get.to = tmp_path / "file" / "cache" / "vgg19.h5"
    with pytest.raises(WeightsError, match="cannot make the folder"):
        get()
    with pytest.raises(ArgumentError, match="network is 'vgg11', but must be vgg19 or vgg16"):
        fetch("vgg11")
    assert not server.seen


def test_another_network_is_refused(server, tmp_path, get):
    with pytest.raises(WeightsError, match="contains Oxford's VGG19, but vgg16 is expected"):
        fetch("vgg16", get.to, sources=[Source(server.url)], quiet=True)


# ---------------------------------------------------------------- as a process


@pytest.fixture
def start(server, tmp_path):
    """Start ``python -m weights_converter fetch`` with its own cache folder."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "XDG_CACHE_HOME": str(tmp_path / "c"),
                   "HOME": str(tmp_path / "home"), "LOCALAPPDATA": str(tmp_path / "c")}

    def run(*arguments, **more):
        return subprocess.Popen(
            [sys.executable, "-m", "weights_converter", "fetch", *map(str, arguments)], cwd=ROOT,
            env={**environment, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", preexec_fn=hear_interrupts if os.name == "posix" else None)
    return run


def hear_interrupts():
    """A shell's background jobs ignore Ctrl-C, and so would a program that such tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_command(start, server, tmp_path):
    out, err = start("vgg19", "--url", server.url).communicate(timeout=60)
    assert err == ""
    path = tmp_path / "c" / "nst" / "vgg19.h5"
    assert out.count("CC BY-NC") == 1
    for words in (str(path), "fetching http", "3 layers", server.url, "sha256"):
        assert words in out
    assert len(read_weights(path).layers) == 3
    out, err = start("vgg19", "--url", server.url, "--quiet", "--force", "--sha256",
                     hashlib.sha256(server.content).hexdigest()).communicate(timeout=60)
    assert (out, err) == ("", "")


@pytest.mark.parametrize("arguments, words", [
    (["vgg11"], "invalid choice"), ([], "NETWORK"),
    (["vgg19", "--sha256", "00000000"], "there is no --url"),
    (["vgg19", "--url", "x", "--sha256", "xyz"], "8 to 64 hexadecimal digits"),
    (["vgg19", "--url", "file:///etc/passwd"], "an address must begin with http"),
    (["vgg19", "--url", "URL", "--sha256", "00000000"], "but 00000000 is expected"),
    (["vgg19", "--layers", "all"], "conv1_1..LAST"),
    (["vgg19", "-o", ""], "-o is followed by an empty name"),
])
def test_mistakes_get_one_sentence(command, server, tmp_path, monkeypatch, arguments, words):
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    arguments = [server.url if argument == "URL" else argument for argument in arguments]
    done = command("fetch", *arguments, "--quiet")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("weights_converter: ") and words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_proxy_of_the_environment_is_used(start, server):
    """The address does not exist; only the proxy can have answered."""
    out, err = start("vgg19", "--url", "http://weights.invalid/file",
                     http_proxy=server.url.rsplit("/", 1)[0]).communicate(timeout=60)
    assert err == "" and "3 layers" in out
    assert server.seen[0][0] == "http://weights.invalid/file"


def test_two_runs_share_one_download(start, server):
    server.pause = 0.1
    both = [start("vgg19", "--url", server.url, "--layers", "conv1_1..conv2_1") for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert len(server.seen) == 1
    text = "".join(out for out, _ in results)
    assert text.count("waiting for it") == 1 and text.count("the other run has fetched it") == 1


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_it_goes_on(start, server, tmp_path, number):
    server.hold_at = 1 << 17        # what the program reads at a time
    process = start("vgg19", "--url", server.url)
    folder = tmp_path / "c" / "nst"
    while not any(path.stat().st_size for path in folder.glob("*.download")):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    server.hold_at = None
    server.go_on.set()
    assert not (folder / "vgg19.h5").exists()
    if number == signal.SIGINT:
        assert process.returncode == 130 and "the same command resumes the download" in err
        assert err.count("\n") == 1
    process = start("vgg19", "--url", server.url)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.fullmatch(r"bytes=[1-9]\d*-", server.seen[-1][1])
    names = {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}
    assert names == {"vgg19.h5"}
