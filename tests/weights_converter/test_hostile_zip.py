"""Zip archives and npz files that were made to do harm: each is refused in one sentence."""

import json
import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from weights_converter.archives import open_zip, read_range


def test_zip_bombs(tmp_path, first, refused):
    """A small archive with gigabytes of zeros in it: nothing but VGG's layers is unpacked."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open("conv1_1_W.npy", "w") as member:
            np.lib.format.write_array_header_1_0(member, {
                "descr": "<f4", "fortran_order": False, "shape": (3, 3, 3, 64)})
            for _ in range(200):
                member.write(bytes(1 << 20))
        archive.writestr("conv1_1_b.npy", b"")
    assert refused(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("a/data.pkl", bytes(17 << 20))
    assert "has 17,825,792 bytes, but no weights file needs more than" in refused(path)


def test_headers_and_manifests_without_end(tmp_path, refused):
    header = json.dumps({"__metadata__": {"x": "y" * (5 << 20)}}).encode()
    path = tmp_path / "file"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert "its header has 5,24" in refused(path)
    (tmp_path / "shard").write_bytes(b"")
    for groups in ([{"paths": ["shard"] * 2001, "weights": []}],
                   [{"paths": ["shard"], "weights": []}] * 2001):
        path.write_text(json.dumps({"weightsManifest": groups}))
        assert "names more than 2,000 files" in refused(path)
    path.write_text(json.dumps({"weightsManifest": [], "x": "y" * (5 << 20)}))
    assert "more than 4,194,304 bytes" in refused(path)


@pytest.mark.parametrize("name", ["conv1_1\n\x1b[31m\u202e.weight", "conv1_1" + "x" * 100_000],
                         ids=["control characters", "long"])
def test_names_that_would_fill_or_steer_a_terminal(tmp_path, name, refused):
    header = json.dumps({name: {"dtype": "F32", "shape": [64, 3, 3, 3],
                                "data_offsets": [0, 6912]}}).encode()
    path = tmp_path / "file"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(6912))
    message = refused(path)
    assert "conv1_1" in message and "one bias" in message
    assert message.isprintable() and len(message) < 1300


def test_a_directory_that_lies_about_a_size(tmp_path, refused):
    """A member of 17 MB that claims to have ten bytes: ten are read, and do not fit their sum."""
    path = tmp_path / "lie.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(17 << 20))
    data = path.read_bytes()
    assert data.count(struct.pack("<I", 17 << 20)) == 2
    path.write_bytes(data.replace(struct.pack("<I", 17 << 20), struct.pack("<I", 10)))
    assert "Bad CRC-32" in refused(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_directory_that_states_more_than_the_file_has(tmp_path, refused, method):
    """Four gigabytes in a file of 115 bytes: zipfile would allocate them before reading."""
    path = tmp_path / "long.pth"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("data.pkl", b"")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 20:entry + 24] = struct.pack("<I", 0xFFFFFFFE)
    path.write_bytes(data)
    assert "should have 4,294,967,294 bytes, more than the file" in refused(path)


def test_too_many_members_and_names_that_lead_out(tmp_path, refused):
    with zipfile.ZipFile(tmp_path / "many", "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}.npy", b"")
    assert "20,001 members" in refused(tmp_path / "many")
    for name in ("../conv1_1.npy", "a/../../b.npy", "..", "C:/../a.npy", "a\\..\\b.npy"):
        with zipfile.ZipFile(tmp_path / "out", "w") as archive:
            archive.writestr(name, b"")
        assert "points outside the archive" in refused(tmp_path / "out")


def _entry(name, *, method=0, crc=0, stored=0, size=0, at=0):
    """An entry of a zip directory."""
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, method, 0, 0, crc, stored, size,
                       len(name), 0, 0, 0, 0, 0, at) + name


def _archive(before, directory, members, offset=None):
    """A zip archive that states a number of members, and where its directory begins."""
    offset = len(before) if offset is None else offset
    return before + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, members, members,
                                            len(directory), offset, 0)


def test_a_member_of_which_only_the_stated_size_is_inflated(tmp_path, refused):
    """A pickle of four bytes and 32 MB of zeros, with the size and the sum of the pickle alone."""
    pickle, name = b"\x80\x02}.", b"a/data.pkl"
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflate.compress(pickle) + deflate.compress(bytes(32 << 20)) + deflate.flush()
    sizes = zlib.crc32(pickle), len(data), len(pickle)
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, len(name), 0) + name
    entry = _entry(name, method=8, crc=sizes[0], stored=sizes[1], size=sizes[2])
    (tmp_path / "lie.pth").write_bytes(_archive(local + data, entry, 1))
    tracemalloc.start()
    assert "contains no 3×3 convolutions" in refused(tmp_path / "lie.pth")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_directory_behind_a_second_signature(tmp_path, refused):
    """The field for the directory's offset spells the signature of the record that it is in."""
    offset = int.from_bytes(b"PK\x05\x06", "little")
    entry = _entry(b"a.npy", at=offset)
    data = _archive(b"PK\x03\x04" + bytes(96), entry * 44_000, 1, offset)
    (tmp_path / "file.npz").write_bytes(data)
    assert "has a directory of more than 2,097,152 bytes" in refused(tmp_path / "file.npz")


@pytest.mark.parametrize("number, stated, words", [
    (2, 2, "has 2 members called 'a.npy'"),
    (20_001, 1, "has 20,001 members"),
])
def test_members_with_one_name_are_refused(tmp_path, refused, number, stated, words):
    """An entry of 51 bytes would have its member read once more."""
    np.savez(tmp_path / "file.npz", a=np.zeros(3))
    data = (tmp_path / "file.npz").read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    many = _archive(data[:start], data[start:end] * number, stated)
    (tmp_path / "file.npz").write_bytes(many)
    assert words in refused(tmp_path / "file.npz")


def test_headers_of_too_many_arrays_are_not_read(tmp_path, refused):
    directory = b"".join(_entry(b"%d.npy" % number, at=30 * number) for number in range(10_001))
    before = b"PK\x03\x04" + bytes(30 * 10_001)
    (tmp_path / "file.npz").write_bytes(_archive(before, directory, 10_001))
    assert "contains 10,001 arrays" in refused(tmp_path / "file.npz")


def test_members_that_share_bytes_are_refused(tmp_path, refused):
    """What follows a local header may reach over others, to data that all of them share."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}"
    data = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + bytes(12)
    names, local, directory = [b"a.npy", b"b.npy"], b"", b""
    sizes = zlib.crc32(data), len(data), len(data)
    for name, skipped in zip(names, (35, 0)):
        directory += _entry(name, crc=sizes[0], stored=sizes[1], size=sizes[2], at=len(local))
        local += struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, *sizes, 5, skipped) + name
    (tmp_path / "file.npz").write_bytes(_archive(local + data, directory, 2))
    assert "b.npy overlaps the member before it" in refused(tmp_path / "file.npz")


def test_a_member_of_empty_blocks_is_refused(tmp_path, refused):
    empty, name = b"\0\0\0\xff\xff" * 14_000, b"a.npy"
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(empty), 0, 5, 0) + name
    directory = _entry(name, method=8, stored=len(empty))
    (tmp_path / "file.npz").write_bytes(_archive(local + empty, directory, 1))
    assert "a.npy has 70,000 bytes for 0" in refused(tmp_path / "file.npz")


def test_an_array_in_the_middle_of_a_member_is_read_alone(tmp_path):
    """Thousands of tensors may share one storage of gigabytes."""
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("before", b"12345")
        archive.writestr("a/data/0", bytes(8 << 20) + b"storage")
    with open_zip(tmp_path / "file") as archive:
        file, counts = archive.fp, []
        archive.fp.read = lambda size: counts.append(size) or type(file).read(file, size)
        assert read_range(archive, "a/data/0", 8 << 20, 5) == b"stora"
        assert sum(counts) < 1000
        with pytest.raises(EOFError, match="a/data/0 ends early"):
            read_range(archive, "a/data/0", (8 << 20) + 3, 5)


def test_archives_of_something_else(tmp_path, refused):
    for name, words in (("model.weights.h5", "with an HDF5 file in it"), ("a.txt", "neither")):
        with zipfile.ZipFile(tmp_path / "file", "w") as archive:
            archive.writestr(name, b"")
        assert words in refused(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"PK\x03\x04" + bytes(100))
    assert "damaged zip archive" in refused(tmp_path / "file")


@pytest.mark.parametrize("header, words", [
    (b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), '\\T': 1}", "contains no 3"),
    (b"__import__('os').system('id')", "damaged NumPy archive"),
    (b"[" * 9000, "damaged NumPy archive"),
    (b"[]", "a header that is not a dictionary"),
    (b"{'descr': '<f4', 'fortran_order': 0, 'shape': (-3,)}", "-3, but a size is expected"),
    (b" " * 20_000, "a header of 20,000 bytes"),
    (b"[" + b"-0," * 300 + b"]", "a header of 902 letters"),
], ids=["escape", "call", "nested", "list", "negative", "long", "costly"])
@pytest.mark.filterwarnings("error")
def test_npz_headers_that_are_wrong(tmp_path, refused, header, words):
    with zipfile.ZipFile(tmp_path / "file.npz", "w") as archive:
        archive.writestr("conv1_1_W.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header))
                         + header + bytes(12))
    assert words in refused(tmp_path / "file.npz")


def _member(shape):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + b"}"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header


def test_npz_files_of_python_2_and_those_packed_on_a_mac(tmp_path, first, check_conversion):
    """Longs of Python 2 end in L; a Mac adds notes that are no arrays, named like the arrays."""
    with zipfile.ZipFile(tmp_path / "file.npz", "w") as archive:
        for layer, (weight, bias) in first("conv1_2").items():
            for what, array in (("W", weight), ("b", bias)):
                shape = "(" + "".join(f"{size}L, " for size in array.shape) + ")"
                archive.writestr(f"{layer}_{what}.npy", _member(shape.encode()) + array.tobytes())
                archive.writestr(f"__MACOSX/._{layer}_{what}.npy", b"\0\5\x16\7" + bytes(100))
    check_conversion(tmp_path / "file.npz", "conv1_2")


def test_an_array_of_many_dimensions_is_passed_over(tmp_path, first, writers, check_conversion):
    path = writers["npz"](tmp_path / "file.npz", first("conv1_2"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.npy", _member(b"(" + b"1," * 32 + b")") + bytes(4))
    check_conversion(path, "conv1_2")


def test_objects_in_npz_are_never_opened(tmp_path, refused):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    np.savez(tmp_path / "file.npz", conv1_1_W=np.full((3, 3, 3, 64), Attack(), object),
             conv1_1_b=np.zeros(64, np.float32))
    assert "conv1_1_W is an array of Python objects, which are never opened" in refused(
        tmp_path / "file.npz")
    np.save(tmp_path / "file.npy", np.array([Attack()], object))
    assert "NumPy .npy file" in refused(tmp_path / "file.npy")
    assert not (tmp_path / "attacked").exists()
