"""Small HDF5 files that name much: one place many times, or millions of things without a size.

Whatever is read, copied or listed must be charged to the budget of metadata, so these files are
opened with a small one, and must be refused when it is spent.
"""

import struct
import sys
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest

from minigrad import hdf5
from minigrad.hdf5 import filters, source, tree
from minigrad.hdf5.checksums import lookup3
from minigrad.hdf5.source import Cursor

UNDEFINED = b"\xff" * 8
BUDGET = 1 << 17
LINK, ATTRIBUTE = 5, 8      # types of a B-tree's records


def checked(block):
    return block + struct.pack("<I", lookup3(block))


def message(kind, body):
    return struct.pack("<BHB", kind, len(body), 0) + body


def attribute(name=b"a\0", value=b""):
    return struct.pack("<BBHHHB", 3, 0, len(name), 0, 0, 0) + name + value


def link(name, address=48):
    return struct.pack("<BBI", 1, 2, len(name)) + name + struct.pack("<Q", address)


class Crafted:
    """A file that is put together block by block; 48 bytes are left for its superblock."""

    def __init__(self):
        self.bytes = bytearray(48)

    def put(self, block):
        self.bytes += block
        return len(self.bytes) - len(block)

    def root(self, path, *messages):
        """Write the file, with these messages in the header of its root."""
        body = b"".join((*messages, message(2, b"\0\0" + 2 * UNDEFINED)))
        root = self.put(checked(b"OHDR\x02\x01" + struct.pack("<H", len(body)) + body))
        self.bytes[:48] = checked(b"\x89HDF\r\n\x1a\n\x02\x08\x08\x00" + bytes(8) + UNDEFINED
                                  + struct.pack("<QQ", len(self.bytes), root))
        path.write_bytes(self.bytes)

    def heap(self, content):
        """A fractal heap of one block; the content has the offset 16. Offsets have three bytes."""
        size = 1 << (len(content) + 16).bit_length()
        block = self.put((b"FHDB\0" + bytes(11) + content).ljust(size, b"\0"))
        return self.put(checked(
            b"FRHP\0" + struct.pack("<HHBI", 8, 0, 0, size) + bytes(8) + UNDEFINED + bytes(8)
            + UNDEFINED + bytes(64) + struct.pack("<HQQHHQH", 1, size, size, 24, 0, block, 0)))

    def tree(self, kind, records, times=1):
        """A B-tree of version 2 whose root refers to one leaf again and again."""
        size, count = len(records[0]), len(records)
        top = self.put(checked(b"BTLF\0" + bytes([kind]) + b"".join(records)))
        width = (((1 << 20) - 10) // size).bit_length() - 1 >> 3
        if times > 1:
            pointer = struct.pack("<Q", top) + count.to_bytes(width + 1, "little")
            top = self.put(checked(b"BTIN\0" + bytes([kind]) + records[0] * (times - 1)
                                   + pointer * times))
            count = times - 1
        return self.put(checked(b"BTHD\0" + struct.pack(
            "<BIHHBBQHQ", kind, 1 << 20, size, times > 1, 100, 40, top, count, 0)))

    def dense(self, kind, content, identifiers, times=1):
        """The message of attributes or links that lie in a heap."""
        records = [identifier.ljust(17, b"\0") if kind == ATTRIBUTE
                   else bytes(4) + identifier.ljust(7, b"\0") for identifier in identifiers]
        heap, tree = self.heap(content), self.tree(kind, records, times)
        return message(0x15 if kind == ATTRIBUTE else 2, struct.pack("<BBQQ", 0, 0, heap, tree))


def managed(content):
    """The identifier of a heap's whole content."""
    size = 1 << (len(content) + 16).bit_length()
    return b"\0" + (16).to_bytes(3, "little") + len(content).to_bytes(
        (size.bit_length() - 1 >> 3) + 1, "little")


def tiny(content):
    return bytes([0x20 + len(content) - 1]) + content


def refusal(path, read, budget=BUDGET):
    """The sentence with which a file is refused."""
    with pytest.raises(ValueError, match=r".") as caught, hdf5.open_file(path, budget) as file:
        read(file)
    return str(caught.value)


@pytest.fixture
def memory():
    """The most memory so far, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


# ---------------------------------------------------------------- heaps


@pytest.mark.parametrize("kind", [ATTRIBUTE, LINK])
def test_one_place_of_a_heap_under_many_names(kind, tmp_path, memory):
    file, long = Crafted(), b"x" * 10_000
    content = attribute(value=long) if kind == ATTRIBUTE else link(long)
    file.root(tmp_path / "x", file.dense(kind, content, [managed(content)] * 1000))
    assert "again and again" in refusal(tmp_path / "x", lambda root: (root.attrs, list(root)))
    assert memory() < 16 * BUDGET


def test_an_object_of_a_heap_is_read(tmp_path):
    """That the crafted files are refused for what they repeat, not for how they are made."""
    file, content = Crafted(), attribute(value=b"x" * 10_000)
    file.root(tmp_path / "x", file.dense(ATTRIBUTE, content, [managed(content), tiny(attribute())]))
    with hdf5.open_file(tmp_path / "x", BUDGET) as root:
        assert list(root.attrs) == ["a"]


def test_millions_of_tiny_objects(tmp_path, monkeypatch):
    file = Crafted()
    file.root(tmp_path / "x", file.dense(ATTRIBUTE, b"", [tiny(attribute())] * 100, times=50))
    assert "again and again" in refusal(tmp_path / "x", lambda root: root.attrs)
    monkeypatch.setattr(tree, "MAX_LISTED", 500)
    assert "more than 500 attributes" in refusal(tmp_path / "x", lambda root: root.attrs)


def test_records_of_another_size_than_those_of_their_kind(tmp_path):
    file = Crafted()
    addresses = file.heap(b""), file.tree(ATTRIBUTE, [b"\x20\0"] * 1000)
    file.root(tmp_path / "x", message(0x15, struct.pack("<BBQQ", 0, 0, *addresses)))
    assert "a B-tree of another kind" in refusal(tmp_path / "x", lambda root: root.attrs)


def test_huge_objects_are_found_without_reading_their_tree_again(tmp_path):
    with h5py.File(tmp_path / "x", "w", libver="v110") as file:
        for number in range(200):
            file.attrs[f"a{number}"] = np.full(1000, number)
    with hdf5.open_file(tmp_path / "x", 1_900_000) as root:
        assert root.attrs["a150"].tolist() == [150] * 1000


def test_overlapping_names_of_an_old_group(tmp_path):
    """Forty bytes of an entry name any part of the heap up to its next zero."""
    file = Crafted()
    names = file.put(b"a" * 4000 + b"\0")
    heap = file.put(b"HEAP\0\0\0\0" + struct.pack("<QQQ", 4001, 0, names))
    entries = b"".join(struct.pack("<QQ", at, 48) + bytes(24) for at in range(100))
    node = file.put(b"SNOD\x01\0" + struct.pack("<H", 100) + entries)
    root = file.put(b"TREE\0\0" + struct.pack("<H", 1) + 2 * UNDEFINED
                    + struct.pack("<QQ", 0, node))
    file.root(tmp_path / "x", message(0x11, struct.pack("<QQ", root, heap)))
    assert "again and again" in refusal(tmp_path / "x", list)


def nested_heap(file, content, levels, rows=58, size=64):
    """A heap of indirect blocks in each other's last row, and the offset of its only object."""
    child = file.put((b"FHDB\0" + bytes(16) + content).ljust(size, b"\0"))
    child = file.put(checked(b"FHIB\0" + bytes(16) + struct.pack("<Q", child)
                             + UNDEFINED * (rows - levels - 1)))
    offset = 21
    for count in range(rows - levels + 1, rows + 1):
        child = file.put(checked(b"FHIB\0" + bytes(16) + UNDEFINED * (count - 1)
                                 + struct.pack("<Q", child)))
        offset += size << count - 2
    return file.put(checked(
        b"FRHP\0" + struct.pack("<HHBI", 8, 0, 0, size) + bytes(8) + UNDEFINED + bytes(8)
        + UNDEFINED + bytes(64) + struct.pack("<HQQHHQH", 1, size, size, 64, 0, child, rows))
    ), offset


def test_an_object_is_found_without_walking_the_rows_of_its_heap(tmp_path):
    """Each step down costs the same, wherever in an indirect block the object lies."""
    file, content, levels, count = Crafted(), attribute(), 16, 100
    heap, offset = nested_heap(file, content, levels)
    record = (b"\0" + struct.pack("<Q", offset) + bytes([len(content)])).ljust(17, b"\0")
    names = file.tree(ATTRIBUTE, [record] * count)
    file.root(tmp_path / "x", message(0x15, struct.pack("<BBQQ", 0, 0, heap, names)))
    calls = 0

    def count_calls(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")
    with hdf5.open_file(tmp_path / "x") as root:
        sys.setprofile(count_calls)
        try:
            assert list(root.attrs) == ["a"]
        finally:
            sys.setprofile(None)
    assert calls < 50 * levels * count


def test_a_heap_of_many_rows(tmp_path):
    with h5py.File(tmp_path / "x", "w", libver="v110") as file:
        for number in range(1500):
            file.attrs[f"a{number}"] = np.full(number % 50, number)
    with hdf5.open_file(tmp_path / "x") as root:
        for number in range(1500):
            assert root.attrs[f"a{number}"].tolist() == [number] * (number % 50)


# ---------------------------------------------------------------- headers and paths


def test_messages_without_a_body(tmp_path):
    file = Crafted()
    file.root(tmp_path / "x", *[message(0, b"")] * 5000)
    assert "again and again" in refusal(tmp_path / "x", list)


def test_paths_are_charged_and_bounded(tmp_path):
    with h5py.File(tmp_path / "x", "w", libver="v110") as file:
        group = file.create_group("a" * 1000).create_group("b" * 2000)
        for number in range(30):
            group[str(number)] = h5py.Empty("f4")
        group["c" * 1200] = 1

    def read(root):
        group = root["a" * 1000]["b" * 2000]
        assert group["0"].name.endswith("b/0")
        return [group[name] for name in group if len(name) < 4]
    assert "again and again" in refusal(tmp_path / "x", read)
    assert "a path of 4,203 letters" in refusal(
        tmp_path / "x", lambda root: root["a" * 1000]["b" * 2000]["c" * 1200])


# ---------------------------------------------------------------- chunks


def test_chunks_far_larger_than_their_arrays(tmp_path, monkeypatch):
    """One is read, as h5py may make such chunks for an array that grows, but not one per array."""
    monkeypatch.setattr(source, "MAX_OVERHANG", 9 << 20)
    data = zlib.compress(np.full(1 << 20, 3, "<f4").tobytes())
    with h5py.File(tmp_path / "x", "w") as file:
        for name in "abc":
            array = file.create_dataset(name, (3,), "f4", maxshape=(None,), chunks=(1 << 20,),
                                        compression="gzip")
            array.id.write_direct_chunk((0,), data)
        array = file.create_dataset("many", (100, 1), "f4", maxshape=(None, None),
                                    chunks=(1, 1 << 18), compression="gzip")
        for row in range(100):
            array.id.write_direct_chunk((row, 0), data)
    with hdf5.open_file(tmp_path / "x") as file:
        assert file["a"].read().tolist() == file["b"].read().tolist() == [3, 3, 3]
        with pytest.raises(ValueError, match="more than twice"):
            file["c"].read()
    assert "more than twice" in refusal(tmp_path / "x", lambda file: file["many"].read())


def test_chunks_at_the_edge_of_an_array_are_free(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_OVERHANG", 0)
    values = np.arange(9 * 64 * 70, dtype="f4").reshape(64, 70, 3, 3)
    with h5py.File(tmp_path / "x", "w") as file:
        file.create_dataset("x", data=values, chunks=(32, 35, 2, 2), compression="gzip")
    with hdf5.open_file(tmp_path / "x") as file:
        assert np.array_equal(file["x"].read(), values)


def test_a_long_place_in_the_file_for_a_short_chunk(tmp_path):
    with h5py.File(tmp_path / "x", "w") as file:
        array = file.create_dataset("x", (8,), "f4", chunks=(8,), compression="gzip")
        array.id.write_direct_chunk((0,), zlib.compress(bytes(32)) + bytes(60_000))
    assert "bytes for a chunk of 32" in refusal(tmp_path / "x", lambda file: file["x"].read())


def test_numbers_that_cannot_be_compressed(tmp_path, rng):
    """Their chunks are a little longer in the file than in memory."""
    for size in (1, 50, 5000, 1 << 20):
        values = np.frombuffer(rng.bytes(size), "u1")
        with h5py.File(tmp_path / "x", "w") as file:
            array = file.create_dataset("x", data=values, chunks=(size,), compression="gzip",
                                        compression_opts=0, fletcher32=True)
            assert array.id.get_chunk_info(0).size > size
        with hdf5.open_file(tmp_path / "x") as file:
            assert np.array_equal(file["x"].read(), values)


def test_a_filter_that_is_applied_twice():
    twice = bytes([2, 2]) + 2 * struct.pack("<HHH", filters.DEFLATE, 0, 0)
    with pytest.raises(ValueError, match="applied twice"):
        filters.read_filters(Cursor(twice))


def test_filters_are_charged(tmp_path):
    with h5py.File(tmp_path / "x", "w") as file:
        file.create_dataset("x", data=np.zeros(600), chunks=(1,), compression="gzip",
                            shuffle=True, fletcher32=True)
    assert "again and again" in refusal(tmp_path / "x", lambda file: file["x"].read())
