"""Downloads, and what happens when a server does it wrong."""

import hashlib
import re

import h5py
import numpy as np
import pytest

from minigrad.errors import ArgumentError
from weights_converter import WeightsError, read_weights
from weights_converter.errors import NoMemoryError
from weights_converter.sources import SOURCES, Source

# ---------------------------------------------------------------- what works


def test_the_public_addresses_are_complete():
    for network, sources in SOURCES.items():
        assert len(sources) == 3
        for source in sources:
            assert source.url.startswith("https://") and network in source.url
            assert re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{8,64}", source.digest)


def test_a_good_download(get, server, leftovers):
    weights = get()
    assert list(weights.layers) == ["conv1_1", "conv1_2", "conv2_1"]
    stored = read_weights(get.to)
    assert stored.source == server.url
    assert stored.source_sha256 == hashlib.sha256(server.content).hexdigest()
    assert "CC BY" in stored.licence
    assert leftovers() == ["vgg19.h5"]
    assert len(server.seen) == 1


def test_what_is_there_is_not_fetched_again(get, server):
    get(layers="conv1_1..conv2_1")
    get(layers="conv1_1..conv2_1")
    get(layers="conv1_1..conv1_2")
    assert len(server.seen) == 1 and "exists already" in get.said[-1]
    get(force=True, dtype="float16")
    assert len(server.seen) == 2 and read_weights(get.to).dtype == "float16"


@pytest.mark.parametrize("harm, words", [
    (lambda data: data[:-100], "is not a converted network"), (lambda data: b"", "is not a conv"),
    (lambda data: data[:300_000] + b"?" + data[300_001:], "but is damaged")])
def test_a_damaged_file_is_fetched_anew_unless_it_is_named(get, server, monkeypatch, harm, words):
    get()
    path, before = get.to, harm(get.to.read_bytes())
    path.write_bytes(before)
    with pytest.raises(ArgumentError, match=f"vgg19.h5 already exists.* {words}.*; name another"):
        get(layers="conv1_1..conv1_2")
    assert path.read_bytes() == before
    in_the_cache(get, monkeypatch)(layers="conv1_1..conv1_2")
    assert len(server.seen) == 2 and len(read_weights(path).layers) == 2


def in_the_cache(get, monkeypatch):
    """The file in its place is that of the cache folder, which the user does not name."""
    path, get.to = get.to, None
    monkeypatch.setattr("weights_converter.fetching.cache_file", lambda network: path)
    return get


@pytest.mark.parametrize("options, words", [
    ({}, "stops at conv2_1, not at conv5_4; name another file, or add --force"),
    ({"layers": "conv1_1..conv5_1"}, "stops at conv2_1, not at conv5_1; name"),
    ({"layers": "conv1_1..conv2_1", "dtype": "float16"}, "is stored as float32, not float16; name"),
    ({"layers": "conv1_1..conv2_1", "sources": [Source("http://127.0.0.1:9/x", None,
                                                       "sha256:01234567")]},
     "was made from a file with the SHA-256 [0-9a-f]{64}, not 01234567; name")])
def test_a_file_with_less_than_is_asked_for(get, server, options, words, monkeypatch):
    """One that the user has named is kept; that of the cache folder is fetched anew."""
    get()
    before = get.to.read_bytes()
    with pytest.raises(ArgumentError, match=f"vgg19.h5 already exists, but {words}"):
        get(**options)
    assert len(server.seen) == 1 and get.to.read_bytes() == before
    server.always = "status", {"code": 404}
    with pytest.raises(WeightsError, match="cannot fetch"):
        in_the_cache(get, monkeypatch)(**options)
    assert any(line.endswith("; fetching it anew") for line in get.said)


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("name, value, words", [
    ("architecture", "vgg19-student", "holds the small network, not vgg19"),
    ("architecture", "vgg16", "holds the network 'vgg16', not vgg19"),
    ("mean", [1.0, 2.0, 3.0], "has other numbers than the published network")])
def test_a_network_of_ones_own_is_kept(get, server, monkeypatch, is_named, name, value, words):
    get()
    with h5py.File(get.to, "r+") as file:
        file.attrs[name] = np.bytes_(value) if isinstance(value, str) else value
    path, before = get.to, get.to.read_bytes()
    if not is_named:
        in_the_cache(get, monkeypatch)
    with pytest.raises(ArgumentError, match=f"already exists and {words}.*or add --force"):
        get(layers="conv1_1..conv2_1")
    assert len(server.seen) == 1 and path.read_bytes() == before
    get(force=True)
    assert len(server.seen) == 2


def test_a_lack_of_memory_is_no_fault_of_a_source_or_a_file(get, server, monkeypatch):
    def full(*paths, **options):
        raise NoMemoryError("there is not enough memory")

    source = Source(server.url)
    monkeypatch.setattr("weights_converter.fetching.convert", full)
    with pytest.raises(NoMemoryError):
        get(sources=[source, source])
    monkeypatch.undo()
    get()
    monkeypatch.setattr("weights_converter.present.verify", full)
    with pytest.raises(NoMemoryError):
        get()
    assert len(server.seen) == 2


def test_without_a_hash_the_numbers_are_the_proof(get):
    assert get(known=False).complete is False


# ---------------------------------------------------------------- the faults


HALF = 150_000


@pytest.mark.parametrize("script, requests", [
    ([("well", {"cut": HALF})], 2),                                       # drops the connection
    ([("well", {"cut": HALF}), ("well", {"cut": 1000}), ("well", {"cut": 7})], 4),
    ([("well", {"cut": 0})], 2),
    ([("well", {"cut": HALF}), ("well", {"ignore_range": True})], 2),       # ignores ranges
    ([("well", {"cut": HALF}), ("well", {"shift": 5})], 3),                 # another part
    ([("status", {"code": 503}), ("status", {"code": 429})], 3),            # busy
    ([("silence", {})], 2),                                              # hangs
    ([("well", {"length": False})], 1),                                   # does not say how much
    ([("well", {"length": False, "cut": HALF})], 2),
    ([("elsewhere", {})], 2),                                            # has moved
], ids=["drops", "drops often", "drops at once", "ignores ranges", "another part", "busy", "hangs",
        "no length", "no length and drops", "moved"])
def test_faults_that_pass(get, server, script, requests, leftovers):
    server.script = script
    get()
    assert len(server.seen) == requests
    assert leftovers() == ["vgg19.h5"]


def test_it_goes_on_where_it_stopped(get, server):
    server.script = [("well", {"cut": HALF})]
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
    (("status", {"code": 404}), "responded with 404"),
    (("status", {"code": 403}), "responded with 403"),
    (("status", {"code": 500}), "responded with 500 Internal Server Error, 4 times in a row"),
    (("page", {}), "sent a web page"),
    (("page", {"kind": "application/octet-stream"}), "bytes, but"),
    (("well", {"content": bytes(1000)}), "the server has 1,000 bytes, but"),
    (("well", {"cut": 0}), "after 0 of"),
    (("endless", {}), "sent more than"),
    (("silence", {}), "timed out"),
    (("elsewhere", {}), "redirects more than 10 times"),
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


def test_a_server_that_sends_one_byte_at_a_time(get, server, monkeypatch):
    monkeypatch.setattr("weights_converter.download.MAX_ATTEMPTS", 20)
    server.always = ("well", {"cut": 1})
    with pytest.raises(WeightsError, match=r"after 20 of [\d,]+ bytes, 20 times"):
        get()
    assert len(server.seen) == 20


def test_a_web_page_without_a_type_or_known_length(get, server):
    server.always = ("page", {"kind": "application/octet-stream"})
    with pytest.raises(WeightsError, match="sent a web page"):
        get(known=False)


@pytest.mark.parametrize("known, words", [(True, "its md5 is"),
                                          (False, r"damaged|unlike|not those")])
def test_wrong_bytes(get, server, known, words, leftovers):
    wrong = bytearray(server.content)
    wrong[5000:150_000:1000] = b"\x55" * 145
    server.always = ("well", {"content": bytes(wrong)})
    with pytest.raises(WeightsError, match=words):
        get(known)
    assert leftovers() == []


def test_too_few_bytes_that_claim_to_be_all(get, server, leftovers):
    """Without a known size and hash, the format itself tells."""
    server.always = ("well", {"content": server.content[:HALF]})
    with pytest.raises(WeightsError, match="the file is a damaged zip archive"):
        get(known=False)
    assert leftovers() == []


def test_the_next_source_is_tried(get, server):
    server.script = [("status", {"code": 404})]
    wrong = Source(server.url + "?1", None, "sha256:00000000")
    right = Source(server.url + "?3", len(server.content))
    weights = get(sources=[Source(server.url + "?0"), wrong, right])
    assert weights.source == right.url
    assert [path[-2:] for path, *_ in server.seen] == ["?0", "?1", "?3"]
    assert sum(line.startswith("failed: ") for line in get.said) == 2


def test_all_failures_are_named(get, server):
    server.always = ("status", {"code": 404})
    with pytest.raises(WeightsError) as caught:
        get(sources=[Source(server.url + "?0"), Source("ftp://127.0.0.1/x"), Source("http://")])
    for words in ("?0: the server responded with 404", "ftp://127.0.0.1/x: an address must begin",
                  "http://: "):
        assert words in str(caught.value)


def test_nobody_there(get, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match=r"connection failed .*refused"):
        get()
