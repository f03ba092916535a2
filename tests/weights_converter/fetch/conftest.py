"""A real HTTP server on this machine, which does what servers do wrong."""

import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from weights_converter import download, fetch, http_response
from weights_converter.sources import Source


class Server(ThreadingHTTPServer):
    """Serves one file at every address; ``script`` says what goes wrong, request by request."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        # One (method of Handler, options) or function for each request to come; then all goes well.
        self.script = []
        self.always = None
        self.etag = '"one"'
        self.seen = []          # (path, Range, If-Range) of each request
        self.pause = 0.0        # between blocks
        self.hold_at = None     # after this many bytes it waits for `go_on`
        self.go_on = threading.Event()

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
        act = server.script.pop(0) if server.script else server.always or ("well", {})
        if callable(act):
            act(self)
        else:
            getattr(self, act[0])(**act[1])

    def start(self):
        """The first byte that is requested, if this version of the file is meant."""
        requested = re.match(r"bytes=(\d+)-", self.headers["Range"] or "")
        if requested and self.headers["If-Range"] in (None, self.server.etag):
            return int(requested[1])
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
            if at == self.server.hold_at:
                self.server.go_on.wait(60)
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


@pytest.fixture
def source_file(tmp_path, writers, first):
    """Three layers, 300 kB."""
    return writers["npz"](tmp_path / "source.npz", first("conv2_1"))


@pytest.fixture
def server(source_file, monkeypatch):
    made = Server(source_file.read_bytes())
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(download, "PAUSE", 0.001)
    monkeypatch.setattr(http_response, "TIMEOUT", 0.3)
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


@pytest.fixture
def leftovers(get):
    """The names of all files in the folder of the destination, but the lock's."""
    return lambda: sorted(path.name for path in get.to.parent.iterdir()
                          if not path.name.endswith(".lock"))
