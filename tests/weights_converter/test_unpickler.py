"""Pickles from strangers: nothing runs, nothing grows, and each is refused in one sentence.

The files are written with ``pickle`` and by hand; none of them needs PyTorch.
"""

import collections
import os
import pickle
import struct
import zipfile
from io import BytesIO

import numpy as np
import pytest
from torch_pickles import (
    Call,
    Name,
    Pickler,
    floats,
    legacy_file,
    pickled,
    state_of,
    tensor,
    zip_file,
)

from weights_converter import WeightsError, convert
from weights_converter.signatures import TORCH_MAGIC
from weights_converter.torch_records import Storage, Tensor
from weights_converter.unpickler import unpickle


@pytest.fixture(params=["zip", "legacy"])
def refused(request, tmp_path):
    """The sentence with which a file with this pickle is refused."""
    write = zip_file if request.param == "zip" else legacy_file

    def sentence(data, storages=()):
        path = write(tmp_path / "file.pth", data, storages)
        with pytest.raises(WeightsError) as caught:
            convert(path, tmp_path / "out.h5")
        message = str(caught.value)
        assert str(path) in message and "\n" not in message and len(message) < 600
        assert not (tmp_path / "out.h5").exists()
        return message
    return sentence


def test_both_formats_are_read(tmp_path, layers, check_conversion):
    """What the other tests vary is right when nothing is wrong with it."""
    state, storages = state_of(layers)
    for protocol in (2, 3, 4, 5):
        check_conversion(zip_file(tmp_path / "a", pickled(state, protocol), storages), "conv1_2")
    check_conversion(legacy_file(tmp_path / "b", pickled(state), storages), "conv1_2")


def test_plain_things_come_back():
    thing = {"a": [1, -2.5, True, None, "ß", (1,), (1, 2), (1, 2, 3, 4), ()], "b": 10**12, 3: b"x",
             "long": "x" * 300, "many": list(range(1100)), "nested": {"c": {}}}
    for protocol in range(3, 6):
        assert unpickle(pickle.dumps(thing, protocol)) == thing
    del thing[3]        # before protocol 3, bytes were a call of a codec
    for protocol in range(3):
        assert unpickle(pickle.dumps(thing, protocol)) == thing
    ordered = collections.OrderedDict(a=1, b=collections.OrderedDict(c=2))
    assert unpickle(pickle.dumps(ordered, 2)) == {"a": 1, "b": {"c": 2}}


# ---------------------------------------------------------------- attacks


@pytest.mark.parametrize("name", ["os.system", "posix.system", "builtins.eval", "builtins.exec",
                                  "builtins.getattr", "subprocess.Popen", "numpy.load",
                                  "torch.load", "torch._utils._rebuild_tensor_v2.__call__",
                                  "torch.FloatStorage.__init__", "collections.OrderedDict.fromkeys",
                                  "pickle.loads", "importlib.import_module"])
def test_no_name_but_those_of_tensors(refused, tmp_path, name):
    target = tmp_path / "attacked"
    message = refused(pickled({"x": Call(Name(name), f"touch {target}")}))
    assert f"uses {name}, which no weights need" in message
    assert not target.exists()


def test_real_attacks_do_nothing(refused, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    for protocol in (1, 2, 3, 4, 5):
        assert "uses posix.mkdir" in refused(pickle.dumps({"x": Attack()}, protocol))
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize("data, words", [
    (b"\x80\x02cbuiltins\neval\nq\x00X\x01\x00\x00\x001\x85R.", "uses builtins.eval"),
    (b"(S'id'\nios\nsystem\n.", "instruction INST"),                # call without REDUCE
    (b"(cos\nsystem\nS'id'\no.", "uses os.system"),
    (b"\x80\x02c__main__\nX\n)\x81.", "uses __main__.X"),
    (b"\x80\x02]\x94(K\x01K\x02\x81.", "a new object of a int"),
    (b"\x80\x02\x82\x01.", "instruction EXT1"),
    (b"P0\n.", "instruction PERSID"),
    (b"\x80\x04\x8c\x03a\nb\x8c\x03c\x1bd\x93.", "uses a�b.c�d"),
    (b"\x80\x02ctorch\nFloatStorage\n)R.", "a call of a StorageType"),
    (b"\x80\x02ccollections\nOrderedDict\n)R}(X\x01\x00\x00\x00aK\x01ub.", "contains no 3×3"),
])
def test_instructions_that_tensors_do_not_need(refused, data, words):
    assert words in refused(data)


@pytest.mark.parametrize("data, words", [
    (b"\x80\x02.", "not enough values"),
    (b"\x80\x02}", "damaged"),
    (b"\x80\x02t.", "damaged"),
    (b"\x80\x02K\x01a.", "damaged"),
    (b"\x80\x02K\x01K\x02K\x03s.", "a int, but a dict is expected"),
    (b"\x80\x02}(K\x01u.", "damaged"),
    (b"\x80\x02}]K\x01s.", "a dictionary with a list as key"),
    (b"\x80\x02j\xff\xff\xff\xff.", "damaged"),                     # a memo slot that is empty
    (b"\x80\x02}r\xff\xff\xff\xff.", "contains no 3×3"),               # slot 4294967295: no memory
    (b"\x80\x02X\xff\xff\xff\xffabc.", "expected 4294967295 bytes"),
    (b"\x80\x05\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "damaged"),
    (b"\x80\x02\x8b\xff\xff\xff\x7fabc.", "damaged"),               # a number of 2 GB
    (b"\x80\x02(lp0\nI1\nsX.", "damaged"),
    (b"I" + b"9" * 10_000 + b"\n.", "damaged"),
    (b"\x80\x02K\x01.", "contains a int, but a state_dict is expected"),
], ids=lambda value: str(value)[:40])
def test_damaged_pickles(refused, data, words):
    assert words in refused(data)


def test_a_pickle_without_end(refused):
    assert "more than 500,000 instructions" in refused(b"\x80\x02" + b"}" * 600_000 + b".")


def test_structures_without_end(refused):
    loop = {}
    loop["again"] = loop
    assert "nested deeper than 60" in refused(pickle.dumps(loop, 2))
    laughs = {}
    for _ in range(5):
        laughs = dict.fromkeys(map(str, range(100)), laughs)
    assert "more than 50,000 entries" in refused(pickle.dumps(laughs, 2))
    items = []
    items.append(items)
    assert "but a state_dict is expected" in refused(pickle.dumps(items, 2))
    assert refused(pickle.dumps({"a": items}, 2))
    assert refused(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")


# ---------------------------------------------------------------- shapes, strides, storages


WEIGHT = (64, 3, 3, 3)
STRIDES = (27, 9, 3, 1)


@pytest.mark.parametrize("offset, shape, strides, words", [
    (0, WEIGHT, (27, 9, 3, 2), "reaches to element 1,730 of a storage of 1,728"),
    (1, WEIGHT, STRIDES, "reaches to element 1,729"),
    (-1, WEIGHT, STRIDES, "-1, but a size is expected"),
    (0, (64, -3, 3, 3), STRIDES, "-3, but a size is expected"),
    (0, WEIGHT, (27, 9, 3, -1), "-1, but a size is expected"),
    (0, (2**62, 2**62), (1, 1), "but a size is expected"),
    (0, (2**40, 2**40), (2**40, 1), "reaches to element"),
    (0, (1 << 40,) * 8, (0,) * 8, "there are 0 arrays"),        # 2³²⁰ numbers, one stored
    (0, WEIGHT, (27, 9, 3), "4 sizes and 3 strides"),
    (0, (1,) * 65, (1,) * 65, "but a shape is expected"),
    (0, (64.0, 3, 3, 3), STRIDES, "64.0, but a size is expected"),
    (0, (True, 3, 3, 3), STRIDES, "True, but a size is expected"),
    ("0", WEIGHT, STRIDES, "0, but a size is expected"),
    (0, "abcd", STRIDES, "abcd, but a shape is expected"),
], ids=lambda value: str(value)[:40])
def test_tensors_beyond_their_storage(refused, offset, shape, strides, words):
    state = {"conv1_1.weight": tensor(floats(1728), offset, WEIGHT, STRIDES),
             "conv1_1.bias": tensor(floats(1728), offset, shape, strides)}
    assert words in refused(pickled(state), {"0": bytes(4 * 1728)})


def test_strides_with_gaps(refused):
    spread = tensor(floats(10**6), 0, WEIGHT, (15_000, 3000, 300, 30))
    state = {"conv1_1.weight": spread, "conv1_1.bias": tensor(floats(10**6), 0, (64,), (1,))}
    assert "which leave gaps" in refused(pickled(state), {"0": bytes(4 * 10**6)})


def test_storages_that_are_not_as_said(refused, tmp_path):
    weight = tensor(floats(1728), 0, WEIGHT, STRIDES)
    bias = tensor(floats(64, "1"), 0, (64,), (1,))
    state = pickled({"conv1_1.weight": weight, "conv1_1.bias": bias})
    assert refused(state, {"0": bytes(4 * 1727), "1": bytes(4 * 64)})       # too short
    assert refused(state, {"0": bytes(4 * 1728)})                           # missing
    negative = pickled({"conv1_1.weight": tensor(floats(-5), 0, WEIGHT, STRIDES)})
    assert "-5, but a size is expected" in refused(negative)
    huge = pickled({"conv1_1.weight": tensor(floats(1 << 63), 0, WEIGHT, STRIDES)})
    assert "but a size is expected" in refused(huge)
    unknown = pickled({"x": tensor(Storage("QInt8Storage", "0", 3), 0, (3,), (1,))})
    assert "uses torch.QInt8Storage" in refused(unknown)
    traversal = pickled({"conv1_1.weight": tensor(floats(1728, "../../x"), 0, WEIGHT, STRIDES),
                         "conv1_1.bias": bias})
    assert refused(traversal, {"1": bytes(256)})


@pytest.mark.parametrize("identity", [
    pytest.param(("storage",), id="too short"),
    pytest.param(("other", 1, "0", "cpu", 3), id="no storage"),
    pytest.param(5, id="a number"),
    pytest.param(("storage", 7, "0", "cpu", 3), id="no type"),
    pytest.param(("storage", Name("torch.FloatStorage"), "0", "cpu", 3, ("view", 0, 3)),
                 id="a view")])
def test_references_that_are_no_storages(refused, identity):
    class Bad(Pickler):
        def save(self, thing, save_persistent_id=True):
            if thing == "HERE":
                Pickler.save(self, identity)
                self.write(b"Q")
            else:
                super().save(thing, save_persistent_id)

    stream = BytesIO()
    Bad(stream, 2).dump({"x": "HERE"})
    assert "damaged PyTorch file" in refused(stream.getvalue())


def test_a_compressed_storage_is_bounded(tmp_path):
    """A storage may be far larger than the tensor in it, and compress to nothing."""
    weight = tensor(floats(17 << 20), (17 << 20) - 1728, WEIGHT, STRIDES)
    state = pickled({"conv1_1.weight": weight,
                     "conv1_1.bias": tensor(floats(17 << 20), 0, (64,), (1,))})
    with zipfile.ZipFile(tmp_path / "file", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", state)
        archive.writestr("a/data/0", bytes(68 << 20))
    assert (tmp_path / "file").stat().st_size < 100_000
    with pytest.raises(WeightsError, match="a/data/0 is compressed and has 71,303,168 bytes"):
        convert(tmp_path / "file", tmp_path / "out.h5")


def test_legacy_counts_that_lie(tmp_path):
    state = pickled({"conv1_1.weight": tensor(floats(1728), 0, WEIGHT, STRIDES)})
    for count, content in ((1727, 1728), (1728, 100), (-1, 1728), (1 << 62, 1728)):
        data = b"".join([TORCH_MAGIC[0], pickled(1001), pickled({"little_endian": True}), state,
                         pickled(["0"]), struct.pack("<q", count), bytes(4 * content)])
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(WeightsError, match="storage 0 has"):
            convert(tmp_path / "file", tmp_path / "out.h5")
    (tmp_path / "file").write_bytes(TORCH_MAGIC[0] + pickled(999) + pickled({}) * 3)
    with pytest.raises(WeightsError, match="protocol 999 is unknown; only 1001"):
        convert(tmp_path / "file", tmp_path / "out.h5")


def test_records_are_inert():
    state = unpickle(pickled({"x": tensor(floats(6, "k"), 1, (2, 2), (2, 1))}))
    assert state["x"] == Tensor(Storage("f4", "k", 6), 1, (2, 2), (2, 1))
    assert isinstance(state["x"].shape, tuple) and np.ndim(state["x"]) == 0
