"""What a server may send around a file, and how slowly: every way to go on for ever has an end."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from weights_converter import WeightsError, read_weights
from weights_converter.download import download
from weights_converter.http_request import redirected
from weights_converter.sources import Source

ROOT = Path(__file__).resolve().parents[3]

FLOOD = 1000            # pieces of 64 KiB, of which the network itself holds many
MAX_TAKEN = 300


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch):
    monkeypatch.setattr("weights_converter.download.PATIENCE", 1)


def say(handler, head, *pieces):
    handler.close_connection = True
    for piece in (head, *pieces):
        handler.wfile.write(piece)


# ---------------------------------------------------------------- honest servers


def chunks(data, size=70_000):
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        yield b"%X;name=value\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\nX-Digest: 5\r\n\r\n"


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200\r\n\r\n",
    b"HTTP/1.1 200 Very good indeed\nserver: \xe4\n\n", b"HTTP/1.1 203 OK\r\nnot a header\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["no length", "1.0", "no words", "line feeds", "odd line", "interim"])
def test_heads_that_are_understood(server, tmp_path, head):
    server.script = [lambda handler: say(handler, head, server.content)]
    download(server.url, tmp_path / "part", quiet=True)
    assert len(server.seen) == 1 and (tmp_path / "part").read_bytes() == server.content


def test_chunks_are_understood(get, server):
    """Also if the connection stays open after the last one, whose trailers nobody needs."""
    def chunked(handler):
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
        say(handler, head, *chunks(server.content))
        handler.close_connection = False

    server.script = [chunked]
    get(known=False)
    assert len(read_weights(get.to).layers) == 3 and len(server.seen) == 1


def test_chunks_that_break_off_are_resumed(get, server, monkeypatch):
    monkeypatch.setattr("weights_converter.download.PATIENCE", 2)
    head = b"HTTP/1.1 200 OK\r\nETag: \"one\"\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.script = [lambda handler: say(handler, head, next(chunks(server.content))[:50_000])]
    get(known=False)
    assert [requested for _, requested, _ in server.seen] == [None, "bytes=49982-"]


@pytest.mark.parametrize("target, leads_to", [
    ("c", "https://a/b/c"), ("//d/e", "https://d/e"), ("/x y?z=%20#f", "https://a/x%20y?z=%20#f"),
    ("/\xc3\xa4", "https://a/%C3%A4"), ("HTTPS://d/e", "https://d/e")],
    ids=["relative", "host", "space", "umlaut", "capitals"])
def test_redirects_as_servers_write_them(target, leads_to):
    assert redirected("https://a/b/", target) == leads_to


def test_encryption_may_be_asked_for_in_capitals():
    assert redirected("http://a/b", "HTTPS://d/e").lower() == "https://d/e"


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A key and a certificate for this machine, which this process trusts."""
    if not shutil.which("openssl"):
        pytest.skip("needs the program openssl")
    both = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", both[0],
                    "-out", both[1]],
                   check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(both[1]))
    return both


def test_encrypted_and_through_a_proxy(get, server, certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    source = Source(server.url.replace("http:", "https:"), len(server.content))
    monkeypatch.setenv("no_proxy", "*")
    get(sources=[source])

    asked = []

    def relay(client):
        asked.append(client.recv(1000))
        with socket.create_connection(server.server_address) as far:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pass_on, args=(far, client))
            back.start()
            pass_on(client, far)
            back.join(5)

    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{listen(relay)}")
    get(sources=[source], force=True)
    assert len(server.seen) == 2
    assert asked[0].startswith(f"CONNECT 127.0.0.1:{server.server_port} HTTP/1.1\r\n".encode())
    assert b"proxy-authorization: basic bwu6c2vjcmv0\r\n" in asked[0].lower()

    plain = "http://127.0.0.1:1/x"
    monkeypatch.setenv("no_proxy", "*")
    server.script = [lambda handler: handler.head(302, 0, Location=plain)]
    with pytest.raises(WeightsError, match="redirects from https to http;"):
        get(sources=[source], force=True)


def pass_on(source, target):
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def listen(act):
    """Call `act` with each connection to the port that is returned."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                act(client)

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


# ---------------------------------------------------------------- too much


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("head, piece, words", [
    (b"HTTP/1.1 302 Found\r\n\r\n", b"x", "responded with 302 Found"),
    (b"HTTP/1.1 404 Not Found\r\n\r\n", b"x", "responded with 404 Not Found"),
    (CHUNKED + b"-1\r\n", b"x", "not a number"),
    (CHUNKED + b"+5\r\n", b"x", "not a number"),
    (CHUNKED + b"0x5\r\n", b"x", "not a number"),
    (CHUNKED + b"5_0\r\n", b"x", "not a number"),
    (CHUNKED + b"f" * 16 + b"\r\n", b"x", "not a number"),
    (CHUNKED + b"1\r\nab\r\n", b"x", "longer than its size"),
    (CHUNKED, b"1", "too much around the file"),
    (CHUNKED + b"1;", b"x", "too much around the file"),
    (CHUNKED, b"1;" + b"x" * 100 + b"\r\na\r\n", "too much around the file"),
    (CHUNKED + b"1\r\na\r\n0\r\n", b"x: y\r\n", "unknown kind"),
    (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"x", "not asked for"),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "too much around the file"),
    (OK, b"x: y\r\n", "too much around the file"),
    (OK + b"x: ", b"y", "too much around the file"),
    (b"", b"x", "too much around the file"), (b"", b"\r\n", "not answer in HTTP/1"),
    (b"SSH-2.0-x\r\n", b"x", "not answer in HTTP/1"),
    (b"HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK\r\n", b"x", "not answer in HTTP/1"),
    (OK + b"Content-Length: 99999999999999999999\r\n\r\n<", b"x", "web page"),
], ids=["redirect to nowhere", "error", "chunk of -1", "plus", "0x", "underscore", "huge chunk",
        "more than the chunk", "long size", "long extension", "extensions", "trailers", "coding",
        "interim responses", "headers", "long header", "long status", "empty lines",
        "other protocol", "digits", "number too long"])
def test_floods_are_cut_off(get, server, head, piece, words):
    taken = []
    piece *= (1 << 16) // len(piece)

    def flood(handler):
        say(handler, head)
        for _ in range(FLOOD):
            handler.wfile.write(piece)
            taken.append(piece)

    server.always = flood
    with pytest.raises(WeightsError, match=words):
        get(known=False)
    assert len(taken) < MAX_TAKEN


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_the_body_of_a_redirect_is_not_read(server, tmp_path, code):
    taken = []

    def flood(handler):
        say(handler, f"HTTP/1.1 {code} Moved\r\nLocation: /y\r\n\r\n".encode())
        for _ in range(FLOOD):
            handler.wfile.write(bytes(1 << 16))
            taken.append(1)

    server.script = [flood]
    download(server.url, tmp_path / "part", quiet=True)
    assert [path for path, *_ in server.seen] == ["/weights.npz", "/y"]
    assert len(taken) < MAX_TAKEN


@pytest.mark.parametrize("target, words", [
    ("http://a:99999/y", "the server redirects, but the address is not valid"),
    ("http://[1", "redirects to an address that is not valid"), ("http://:80/", "names no host"),
    ("http://127.0.0.1%3A99999999999999999999/", "redirects, but the address has a % in its host"),
    ("ftp\x1b[31m://a", "responded with 404"), ("\x1b[31m:x", "responded with 404")])
def test_redirects_to_nowhere(get, server, target, words):
    server.script = [lambda handler: handler.head(302, 0, Location=target)]
    server.always = ("status", {"code": 404})
    with pytest.raises(WeightsError) as caught:
        get()
    assert words in str(caught.value) and str(caught.value).isprintable()


# ---------------------------------------------------------------- too slow


@pytest.mark.parametrize("head, piece", [
    (b"", b"H"), (b"HTTP/1.1 200 OK\r\nx: ", b"y"), (CHUNKED, b"0"),
    (OK + b"Content-Length: 300000\r\n\r\n", b"x"), (CHUNKED, b"1\r\nx\r\n")],
    ids=["status", "header", "size of a chunk", "body", "small chunks"])
def test_a_drip_is_not_waited_for(get, server, head, piece, monkeypatch):
    monkeypatch.setattr("weights_converter.http_response.MAX_WAIT", 0.1)

    def drip(handler):
        say(handler, head)
        while True:
            handler.wfile.write(piece)
            time.sleep(0.01)

    server.always = drip
    start = time.monotonic()
    with pytest.raises(WeightsError, match="the server is too slow"):
        get(known=False)
    assert time.monotonic() - start < 2


def test_a_slow_server_that_gets_somewhere_is_waited_for(server, tmp_path, monkeypatch):
    """All in all it takes longer than the patience for one part."""
    monkeypatch.setattr("weights_converter.http_response.MAX_WAIT", 0.3)
    server.pause = 0.08         # five times
    download(server.url, tmp_path / "part", quiet=True)
    assert len(server.seen) == 1


@pytest.mark.parametrize("greeting, piece", [
    (b"", b""), (b"\x16\x03\x03\x40\x00\x02", b"\x00"), (b"HTTP/1.1 200 OK\r\nx: ", b"y"),
    (b"HTTP/1.1 200 OK\r\n\r\n", b""), (b"HTTP/1.1 407 Log in\r\n\r\n", b"x")],
    ids=["silent", "handshake", "headers of a proxy", "handshake behind a proxy", "refusal"])
def test_no_handshake_is_waited_for(get, greeting, piece, monkeypatch):
    monkeypatch.setattr("weights_converter.http_response.MAX_WAIT", 0.1)
    monkeypatch.setattr("weights_converter.http_response.TIMEOUT", 0.1)

    def drip(client):
        client.sendall(greeting)
        while True:
            client.sendall(piece)
            time.sleep(0.01)

    port = listen(drip)
    url = f"https://127.0.0.1:{port}/x"
    if greeting.startswith(b"HTTP"):
        url = "https://weights.invalid/x"
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    start = time.monotonic()
    with pytest.raises(WeightsError, match=r"too slow|timed out|SSL|the proxy responded with 407"):
        get(sources=[Source(url)])
    assert time.monotonic() - start < 2


# ---------------------------------------------------------------- as a process


PEAK = """
import sys
from weights_converter.__main__ import main
status = main(sys.argv[1:])
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(status)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs the peak of a process")
def test_a_flood_takes_no_memory(server, tmp_path):
    """250 MB in a redirect, and 250 MB in an error."""
    def flood(handler):
        code = 404 if handler.path == "/y" else 302
        say(handler, f"HTTP/1.1 {code} Yes\r\nLocation: /y\r\n\r\n".encode())
        for _ in range(250):
            handler.wfile.write(bytes(1 << 20))

    server.always = flood
    done = subprocess.run([sys.executable, "-c", PEAK, "fetch", "vgg19", "--url", server.url,
                           "--quiet", "--output", tmp_path / "vgg19.h5"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "responded with 404 Yes" in done.stderr
    assert int(done.stdout) < 120_000       # KB
