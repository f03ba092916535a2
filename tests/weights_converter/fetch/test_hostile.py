"""Servers, addresses and folders that mean harm."""

import errno
import os
import socket
from urllib.parse import urlsplit

import pytest

from minigrad.errors import FileError
from minigrad.file_lock import file_lock
from weights_converter import WeightsError
from weights_converter.download import download
from weights_converter.errors import CannotWriteError, DownloadError
from weights_converter.fetching import fetch
from weights_converter.http_request import redirected
from weights_converter.part_file import Version, open_part, read_note, write_note
from weights_converter.sources import Source

HALF = 150_000


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1/"])
def test_redirects_stay_on_the_web(get, server, to):
    """No connection is made: the only request is the first one."""
    server.script = [lambda handler: handler.head(302, 0, Location=to)]
    with pytest.raises(WeightsError, match=r"redirects from http to"):
        get()
    assert len(server.seen) == 1


def test_no_redirect_gives_up_encryption():
    with pytest.raises(DownloadError, match="redirects from https to http"):
        redirected("https://a/b", "http://a/b")


@pytest.mark.parametrize("url, words", [
    ("http://", "names no host"), ("http:///file", "names no host"), ("http://?x", "names no host"),
    ("http://a:99999/x", "is not valid"), ("http://a:b/x", "is not valid"),
    ("http://[1:2/x", "is not valid"), ("http://a/b c", "must be written as %XX"),
    ("http://a/b\r\nHost: c", "must be written as %XX"), ("http://ä/", "must be written as %XX"),
    ("http://" + "a" * 300 + "/x", "is not valid"), ("http://.../x", "is not valid"),
    ("http://user:secret@a:b/x", "the address names a user"), ("http://u@?x", "names a user"),
    ("http://nowhere.invalid/x", "connection failed"),
    ("http://127.0.0.1%3A99999999999999999999/x", "a % in its host"),
    ("http://%E4%B8%AD.example/x", "a % in its host"), ("http://[::1%25lo]/x", "a % in its host"),
    ("http://a/\udcff", "must be written as %XX"),
    ("HTTP://nowhere.invalid/", "connection failed")],
    ids=["nothing", "path", "query", "port", "word as port", "bracket", "space", "lines", "umlaut",
         "long label", "dots", "password", "user", "unknown", "hidden port", "hidden letters",
         "zone", "byte", "capitals"])
def test_addresses_that_lead_nowhere_are_tried_once(url, words, tmp_path, monkeypatch):
    calls = []

    def unknown(host, *_, **__):
        calls.append(host)
        str(host).encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("weights_converter.download.PAUSE", 0.001)
    with pytest.raises(DownloadError, match=words) as caught:
        download(url, tmp_path / "part", quiet=True)
    with pytest.raises(WeightsError, match=words):
        fetch("vgg19", tmp_path / "weights.h5", sources=[Source(url, None, None)], quiet=True)
    assert len(calls) <= 2 and str(caught.value).isprintable()
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "part").exists()


@pytest.mark.parametrize("proxies, words", [
    ({"http_proxy": "http://127.0.0.1:99999999999999999999"}, "or of a proxy is not valid"),
    ({"http_proxy": "foo://127.0.0.1:9", "foo_proxy": "http://127.0.0.1:9"}, "type: foo"),
    ({"http_proxy": "http://127.0.0.1:x"}, "or of a proxy is not valid|connection failed"),
], ids=["port", "circle", "word as port"])
def test_proxies_that_lead_nowhere(proxies, words, tmp_path, monkeypatch):
    for name, value in {**proxies, "no_proxy": "", "NO_PROXY": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("weights_converter.download.PAUSE", 0.001)
    with pytest.raises(DownloadError, match=words) as caught:
        download("http://nowhere.invalid/x", tmp_path / "part", quiet=True)
    assert str(caught.value).isprintable()


def test_a_machine_without_sockets_of_one_family(server, tmp_path, monkeypatch):
    """The name of this machine has an address of both families, but only one can be used."""
    real = socket.socket

    def only_v4(family=socket.AF_INET, *rest, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest, **options)

    port = urlsplit(server.url).port
    found = socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM)
    sixth = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [sixth, *found])
    monkeypatch.setattr(socket, "socket", only_v4)
    download(server.url, tmp_path / "part", quiet=True)
    assert (tmp_path / "part").read_bytes() == server.content


def test_a_first_request_that_is_called_out_of_range(get, server):
    server.always = ("status", {"code": 416})
    with pytest.raises(WeightsError, match="the server responded with 416"):
        get()
    assert len(server.seen) == 1


def test_a_length_beyond_any_network_is_refused_at_once(get, server):
    server.script = [lambda handler: handler.head(200, (4 << 30) + 1)]
    with pytest.raises(WeightsError, match="the server has 4,294,967,297 bytes, more than the"):
        get(known=False)
    assert len(server.seen) == 1


@pytest.mark.parametrize("length", ["²", "-5", "1e3", "9" * 5000, "0x10", " "],
                         ids=["superscript", "negative", "float", "long", "hexadecimal", "blank"])
def test_a_length_that_is_no_number_counts_as_none(get, server, length):
    def odd(handler):
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.body(server.content)

    server.script = [odd]
    get()
    assert len(server.seen) <= 2        # the standard library may end the first one early


def test_a_range_in_other_digits_is_not_taken(get, server):
    def odd(handler):
        handler.head(206, len(server.content), Content_Range="bytes ١٥-")

    server.script = [("well", {"cut": HALF}), odd]
    get()
    assert len(server.seen) == 3


def test_parts_that_can_never_go_on_are_deleted(get, server, leftovers):
    """Without a validator and a known size, the next run begins anew anyway."""
    server.etag, server.always = None, ("well", {"cut": HALF})
    with pytest.raises(WeightsError, match="connection broke"):
        get(known=False)
    assert leftovers() == []


def test_parts_of_other_addresses_are_deleted_in_the_end(get, server, leftovers):
    broken = Source(server.url + "?0", len(server.content), "md5:0")
    server.script = [("well", {"cut": HALF})] + [("well", {"cut": 0})] * 4
    get(sources=[broken, Source(server.url)])
    assert leftovers() == ["vgg19.h5"]


KINDS = {"link": os.symlink, "second name": os.link, "link to nowhere":
         lambda other, path: os.symlink(other.with_name("nowhere"), path),
         "pipe": lambda other, path: os.mkfifo(path)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["", ".json"], ids=["part", "note"])
def test_nothing_is_written_through_what_is_there(get, server, tmp_path, leftovers, kind, suffix):
    """Neither into the file that a link names, nor into a pipe, which would wait for a reader."""
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    server.script = [("well", {"cut": HALF})]
    server.always = ("status", {"code": 404})
    with pytest.raises(WeightsError):
        get()
    (part,) = get.to.parent.glob(".*.download")
    planted = part.with_name(part.name + suffix)
    planted.unlink()
    KINDS[kind](other, planted)
    server.always = None
    get()
    assert other.read_bytes() == b"mine" and not (tmp_path / "nowhere").exists()
    assert leftovers() == ["vgg19.h5"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_replaced_meanwhile_is_not_written(tmp_path, kind):
    (tmp_path / "other").write_bytes(b"mine")
    KINDS[kind](tmp_path / "other", tmp_path / "part")
    with pytest.raises(WeightsError, match="cannot write"):
        open_part(tmp_path / "part", 0)
    assert (tmp_path / "other").read_bytes() == b"mine"
    assert read_note(tmp_path / "p") == Version("")


def test_a_folder_in_the_place_of_a_part_is_said(tmp_path):
    (tmp_path / "part.json").mkdir()
    with pytest.raises(CannotWriteError, match=r"cannot write .*part\.json"):
        download("http://127.0.0.1:1/x", tmp_path / "part", quiet=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_is_a_regular_file(tmp_path, kind):
    (tmp_path / "other").write_bytes(b"mine")
    KINDS[kind](tmp_path / "other", tmp_path / "lock")
    with pytest.raises(FileError, match=r"is not a regular file; delete it|has another name"), (
            file_lock(tmp_path / "lock")):
        pass
    assert (tmp_path / "other").read_bytes() == b"mine" and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("note", [
    b"[" * 5000, b'"x"', b'{"url": 5}', b'{"url": "a", "validator": 3}',
    b'{"url": "a", "validator": "a\\r\\nHost: b"}', b'{"url": "a", "validator": "\\u00e9"}',
    b'{"url": "a", "size": "3"}', b'{"url": "a", "size": true}', b"\xff", b"{" + b" " * 20_000],
    ids=["nested", "text", "number", "validator", "lines", "not ASCII", "size", "boolean", "bytes",
         "long"])
def test_notes_that_somebody_wrote(tmp_path, note):
    (tmp_path / "part.json").write_bytes(note)
    assert read_note(tmp_path / "part") == Version("")


def test_a_note_comes_back(tmp_path):
    write_note(tmp_path / "part", Version("http://a", '"b"', 3))
    assert read_note(tmp_path / "part") == Version("http://a", '"b"', 3)
