"""Downloads from a real HTTP server on this machine, which does what servers do wrong."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from minigrad.errors import ArgumentError
from weights_converter import WeightsError, download, fetch, read_weights
from weights_converter.sources import SOURCES, Source

ROOT = Path(__file__).resolve().parents[2]


class Server(ThreadingHTTPServer):
    """Serves one file at every address; ``script`` says what goes wrong, request by request."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.script = []        # one function for each request to come; then all goes well
        self.always = None
        self.etag = '"one"'
        self.seen = []          # (path, Range, If-Range) of each request
        self.pause = 0.0        # between blocks

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/weights.npz"

    def handle_error(self, request, client_address):
        pass                    # clients that hang up are what is tested here


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        server.seen.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        act = server.script.pop(0) if server.script else server.always or Handler.well
        act(self)

    def start(self):
        """The first byte that is asked for, if this version of the file is meant."""
        asked = re.match(r"bytes=(\d+)-", self.headers["Range"] or "")
        if asked and self.headers["If-Range"] in (None, self.server.etag):
            return int(asked[1])
        return None

    def head(self, status, length, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, data):
        for at in range(0, len(data), 1 << 16):
            self.wfile.write(data[at : at + (1 << 16)])
            time.sleep(self.server.pause)

    def well(self, content=None, cut=None, ignore_range=False, shift=0, length=True):
        content = self.server.content if content is None else content
        start = None if ignore_range else self.start()
        if start is not None and start >= len(content):
            return self.head(416, 0)
        rest = content[start or 0 :]
        size = len(content)
        ranged = {"Content_Range": f"bytes {(start or 0) + shift}-{size - 1}/{size}"}
        if not length:
            self.close_connection = True
        self.head(200 if start is None else 206, len(rest) if length else None,
                  **(ranged if start is not None else {}))
        self.body(rest if cut is None else rest[:cut])
        if cut is not None:
            self.close_connection = True
        return None

    def status(self, code):
        self.head(code, 0)

    def page(self, kind="text/html; charset=utf-8"):
        text = b"<!DOCTYPE html><title>Please log in</title>"
        self.head(200, len(text), Content_Type=kind)
        self.wfile.write(text)

    def endless(self):
        self.close_connection = True
        self.head(200, None)
        while True:
            self.wfile.write(bytes(1 << 16))

    def silence(self):
        self.close_connection = True
        time.sleep(1.0)

    def elsewhere(self):
        self.head(302, 0, Location="/moved/weights.npz")


def act(name, **options):
    return partial(getattr(Handler, name), **options)


@pytest.fixture
def source_file(tmp_path, writers, first):
    """Three layers, 300 kB."""
    return writers["npz"](tmp_path / "source.npz", first("conv2_1"))


@pytest.fixture
def server(source_file, monkeypatch):
    made = Server(source_file.read_bytes())
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(download, "PAUSE", 0.001)
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def get(server, tmp_path):
    """Fetch from the server; what it says is kept in ``get.said``."""
    def call(known=True, **options):
        size, digest = None, None
        if known:
            size, digest = len(server.content), f"md5:{hashlib.md5(server.content).hexdigest()}"
        sources = options.pop("sources", [Source(server.url, size, digest)])
        return fetch("vgg19", call.to, sources=sources, quiet=True, say=call.said.append, **options)

    call.said, call.to = [], tmp_path / "cache" / "vgg19.h5"
    return call


def leftovers(get):
    return sorted(path.name for path in get.to.parent.iterdir() if not path.name.endswith(".lock"))


# ---------------------------------------------------------------- what works


def test_the_public_addresses_are_complete():
    for network, sources in SOURCES.items():
        assert len(sources) == 3
        for source in sources:
            assert source.url.startswith("https://") and network in source.url
            assert re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{8,64}", source.digest)


def test_a_good_download(get, server):
    weights = get()
    assert list(weights.layers) == ["conv1_1", "conv1_2", "conv2_1"]
    stored = read_weights(get.to)
    assert stored.source == server.url
    assert stored.source_sha256 == hashlib.sha256(server.content).hexdigest()
    assert "CC BY" in stored.licence
    assert leftovers(get) == ["vgg19.h5"]
    assert len(server.seen) == 1


def test_what_is_there_is_not_fetched_again(get, server):
    get()
    get()
    assert len(server.seen) == 1 and "is there already" in get.said[-1]
    get(force=True, dtype="float16")
    assert len(server.seen) == 2 and read_weights(get.to).dtype == "float16"
    get.to.write_bytes(get.to.read_bytes()[:-100])
    get(layers="conv1_1..conv1_2")
    assert len(server.seen) == 3 and len(read_weights(get.to).layers) == 2


def test_without_a_hash_the_numbers_are_the_proof(get):
    assert get(known=False).complete is False


# ---------------------------------------------------------------- the faults


HALF = 150_000


@pytest.mark.parametrize("script, requests", [
    ([act("well", cut=HALF)], 2),                                       # drops the connection
    ([act("well", cut=HALF), act("well", cut=1000), act("well", cut=7)], 4),
    ([act("well", cut=0)], 2),
    ([act("well", cut=HALF), act("well", ignore_range=True)], 2),       # ignores ranges
    ([act("well", cut=HALF), act("well", shift=5)], 3),                 # another part
    ([act("status", code=503), act("status", code=429)], 3),            # busy
    ([act("silence")], 2),                                              # hangs
    ([act("well", length=False)], 1),                                   # does not say how much
    ([act("well", length=False, cut=HALF)], 2),
    ([act("elsewhere")], 2),                                            # has moved
], ids=["drops", "drops often", "drops at once", "ignores ranges", "another part", "busy", "hangs",
        "no length", "no length and drops", "moved"])
def test_faults_that_pass(get, server, script, requests):
    server.script = script
    get()
    assert len(server.seen) == requests
    assert leftovers(get) == ["vgg19.h5"]


def test_it_goes_on_where_it_stopped(get, server):
    server.script = [act("well", cut=HALF)]
    get()
    (_, first, _), (_, second, condition) = server.seen
    assert first is None and condition == '"one"'
    assert second == f"bytes={HALF}-"


def test_a_file_that_changes_meanwhile_is_fetched_anew(get, server):
    def change(handler):
        handler.well(content=bytes(len(server.content)), cut=HALF)
        server.etag = '"two"'

    server.script = [change]
    get()
    assert len(server.seen) == 2


@pytest.mark.parametrize("always, words", [
    (act("status", code=404), "answers 404"),
    (act("status", code=403), "answers 403"),
    (act("status", code=500), "answers 500 Internal Server Error, 4 times in a row"),
    (act("page"), "sends a web page"),
    (act("page", kind="application/octet-stream"), "bytes, where"),
    (act("well", content=bytes(1000)), "the server has 1,000 bytes, where"),
    (act("well", cut=0), "after 0 of"),
    (act("endless"), "sends more than"),
    (act("silence"), "timed out"),
    (act("elsewhere"), "infinite loop"),
], ids=["missing", "forbidden", "broken", "web page", "web page in disguise", "another length",
        "nothing", "endless", "silent", "moves for ever"])
def test_faults_that_stay(get, server, always, words):
    server.always = always
    with pytest.raises(WeightsError) as caught:
        get()
    message = str(caught.value)
    assert words in message and server.url in message and "\n" not in message
    assert "python -m weights_converter FILE" in message
    assert not get.to.exists()


def test_a_web_page_without_a_type_or_known_length(get, server):
    server.always = act("page", kind="application/octet-stream")
    with pytest.raises(WeightsError, match="sends a web page"):
        get(known=False)


@pytest.mark.parametrize("known, words", [(True, "its md5 is"),
                                          (False, r"damaged|unlike|not those")])
def test_wrong_bytes(get, server, known, words):
    wrong = bytearray(server.content)
    wrong[5000:150_000:1000] = b"\x55" * 145
    server.always = act("well", content=bytes(wrong))
    with pytest.raises(WeightsError, match=words):
        get(known)
    assert leftovers(get) == []


def test_too_few_bytes_that_claim_to_be_all(get, server):
    """Without a known size and hash, the format itself tells."""
    server.always = act("well", content=server.content[:HALF])
    with pytest.raises(WeightsError, match="the file is a damaged zip archive"):
        get(known=False)
    assert leftovers(get) == []


def test_the_next_source_is_tried(get, server):
    server.script = [act("status", code=404)]
    wrong = Source(server.url + "?1", None, "sha256:00000000")
    right = Source(server.url + "?3", len(server.content))
    weights = get(sources=[Source(server.url + "?0"), wrong, right])
    assert weights.source == right.url
    assert [path[-2:] for path, *_ in server.seen] == ["?0", "?1", "?3"]
    assert sum("that failed" in line for line in get.said) == 2


def test_all_failures_are_named(get, server):
    server.always = act("status", code=404)
    with pytest.raises(WeightsError) as caught:
        get(sources=[Source(server.url + "?0"), Source("ftp://127.0.0.1/x"), Source("http://")])
    for words in ("?0: the server answers 404", "ftp://127.0.0.1/x: only addresses", "http://: "):
        assert words in str(caught.value)


def test_nobody_there(get, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match=r"connection failed .*refused"):
        get()


# ---------------------------------------------------------------- from one run to the next


def interrupt(get, server, **options):
    server.script = [act("well", cut=HALF)]
    server.always = act("status", code=404)
    with pytest.raises(WeightsError):
        get(**options)
    server.always = None


def test_a_later_run_goes_on(get, server):
    interrupt(get, server)
    assert len(leftovers(get)) == 2     # the part, and the note beside it
    get()
    assert server.seen[-1][1:] == (f"bytes={HALF}-", '"one"')
    assert leftovers(get) == ["vgg19.h5"]


def test_a_part_that_was_damaged_is_fetched_once_more(get, server):
    interrupt(get, server)
    (part,) = get.to.parent.glob("*.download")
    part.write_bytes(bytes(HALF))
    get()
    assert [asked for _, asked, _ in server.seen[-2:]] == [f"bytes={HALF}-", None]


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
        module = sys.modules["weights_converter.fetch"]     # the package has the function
        patch.setattr(module, "convert", stop)
        patch.setattr(module, "discard", lambda part: None)
        with pytest.raises(KeyboardInterrupt):
            get()
    get()
    assert len(server.seen) == 1


def test_a_part_longer_than_the_file(get, server):
    interrupt(get, server)
    server.content = server.content[:HALF - 10]
    with pytest.raises(WeightsError, match="damaged zip"):
        get(known=False)
    assert leftovers(get) == []


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
    with pytest.raises(WeightsError, match="the file holds Oxford's VGG19, where vgg16 is wanted"):
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
            encoding="utf-8")
    return run


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
    (["vgg19", "--url", "file:///etc/passwd"], "only addresses that begin with http"),
    (["vgg19", "--url", "URL", "--sha256", "00000000"], "where 00000000 is right"),
    (["vgg19", "--layers", "all"], "conv1_1..LAST"),
])
def test_mistakes_get_one_sentence(start, server, arguments, words):
    arguments = [server.url if argument == "URL" else argument for argument in arguments]
    process = start(*arguments, "--quiet")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("weights_converter: ") and err.count("\n") == 1 and words in err


def test_a_proxy_of_the_environment_is_used(start, server):
    """The address does not exist; only the proxy can have answered."""
    out, err = start("vgg19", "--url", "http://weights.invalid/file",
                     http_proxy=server.url.rsplit("/", 1)[0]).communicate(timeout=60)
    assert err == "" and "3 layers" in out
    assert server.seen[0][0] == "http://weights.invalid/file"


def test_two_runs_share_one_download(start, server):
    server.pause = 0.1
    both = [start("vgg19", "--url", server.url) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert len(server.seen) == 1
    text = "".join(out for out, _ in results)
    assert text.count("waiting for it") == 1 and text.count("is there already") == 1


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_it_goes_on(start, server, tmp_path, number):
    server.pause = 0.2
    process = start("vgg19", "--url", server.url)
    folder = tmp_path / "c" / "nst"
    while not any(path.stat().st_size for path in folder.glob("*.download")):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert not (folder / "vgg19.h5").exists()
    if number == signal.SIGINT:
        assert process.returncode == 130 and "goes on where it stopped" in err
        assert err.count("\n") == 1
    server.pause = 0
    process = start("vgg19", "--url", server.url)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.fullmatch(r"bytes=[1-9]\d*-", server.seen[-1][1])
    names = {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}
    assert names == {"vgg19.h5"}
