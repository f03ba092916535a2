"""Small pickles that once crashed the program, hung it or filled its memory."""

import io
import pickle
import struct
import time
import zipfile

import pytest

from weights_converter.errors import reading
from weights_converter.signatures import TORCH_MAGIC

LEVELS = 40                             # 2^40 steps for whoever follows every reference
BOMB = b")q\x00" + b"h\x00h\x00\x86q\x00" * LEVELS
LOOKED_AT = b"h\x01h\x03R" * 100_000           # calls of what is noted under 1, with what under 3
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n%sX\x03\x00\x00\x00cpuK\x01tQ"
ROOTS = {
    "key": b"\x80\x02}" + BOMB + STORAGE % b"h\x00" + b".",
    "deep key": b"\x80\x02})" + b"\x85" * 150_000 + b"q\x00" + STORAGE % b"h\x00" + b".",
    "name": b"\x80\x04}" + BOMB + b"h\x00h\x00\x93.",
    "call": b"\x80\x02}" + BOMB + b"h\x00)R.",
    "count": (b"\x80\x02}" + BOMB + b"ctorch._utils\n_rebuild_tensor_v2\n("
              + STORAGE % b"X\x01\x00\x00\x000" + b"h\x00K\x01\x85K\x01\x85tR."),
    "copies": (b"\x80\x02}ccollections\nOrderedDict\nq\x01]q\x02(" + b"".join(
        b"J" + struct.pack("<i", number) + b"N\x86" for number in range(5000))
        + b"e\x85q\x03" + LOOKED_AT + b"."),
    "marks": (b"\x80\x02}ctorch._utils\n_rebuild_tensor_v2\nq\x01("
              + STORAGE % b"X\x01\x00\x00\x000" + b"K\x00))\x89}}(" + b"".join(
                  b"J" + struct.pack("<i", number) + b"\x89" for number in range(20_000))
              + b"utq\x03" + LOOKED_AT + b"."),
}


def _legacy(root, keys):
    head = pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    return TORCH_MAGIC[0] + head + root + keys + bytes(64)


def _zipped(root):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", root)
    return data.getvalue()


@pytest.mark.parametrize("wrap", [_zipped, lambda root: _legacy(root, pickle.dumps([], 2))],
                         ids=["zip", "legacy"])
@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS)
def test_one_sentence_at_once(tmp_path, refused, root, wrap):
    (tmp_path / "file").write_bytes(wrap(root))
    began = time.process_time()
    refused(tmp_path / "file")
    assert time.process_time() - began < 10


@pytest.mark.parametrize("keys", [b"\x80\x02])" + b"\x85" * 150_000 + b"a.",
                                  b"\x80\x02(" + BOMB + b"l."], ids=["deep", "shared"])
def test_keys_of_storages_are_text(tmp_path, refused, keys):
    (tmp_path / "file").write_bytes(_legacy(b"\x80\x02}.", keys))
    assert "keys of storages that are not text" in refused(tmp_path / "file")


def test_a_storage_that_is_listed_twice_is_refused(tmp_path, refused):
    (tmp_path / "file").write_bytes(_legacy(b"\x80\x02}.", pickle.dumps(["k", "k"], 2)))
    assert "a storage that is listed twice" in refused(tmp_path / "file")


def test_instructions_of_all_pickles_are_counted_together(tmp_path, monkeypatch, refused):
    monkeypatch.setattr("weights_converter.unpickler.MAX_INSTRUCTIONS", 1000)
    many = b"\x80\x02](" + b"K\x00" * 600 + b"e."
    (tmp_path / "file").write_bytes(_legacy(many, many))
    assert "more than 1,000 instructions" in refused(tmp_path / "file")


@pytest.mark.parametrize("wrap", [_zipped, lambda root: _legacy(root, pickle.dumps([], 2))],
                         ids=["zip", "legacy"])
def test_long_keys_are_not_repeated_in_thousands_of_names(tmp_path, refused, wrap):
    state = {f"{number:150}": 0 for number in range(5000)}
    for _ in range(5):
        state = {"." * 190: state}
    (tmp_path / "file").write_bytes(wrap(pickle.dumps(state, 2)))
    assert "its names have more than 4,194,304 letters together" in refused(tmp_path / "file")


def test_an_error_that_cannot_be_printed_is_reported(tmp_path):
    nested = ()
    for _ in range(100_000):
        nested = (nested,)
    with pytest.raises(Exception, match=r"damaged zip archive \(KeyError\)"), (
            reading(tmp_path / "f", "zip archive")):
        raise KeyError(nested)
