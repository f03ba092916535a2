"""Files that were made to do harm: each is refused in one sentence, at no great cost.

Pickles have a file of their own.
"""

import json
import os
import struct
import sys
import tracemalloc
import zipfile
import zlib

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError, naming
from weights_converter.archives import open_zip, read_range
from weights_converter.fingerprints import OXFORD_19
from weights_converter.identify import bias_fault, identify
from weights_converter.lazy_array import LazyArray
from weights_converter.naming import stem
from weights_converter.readers.npz import open_npz

# ---------------------------------------------------------------- hostile HDF5


def test_hdf5_links_lead_nowhere(writers, first, tmp_path, refused):
    inside = writers["keras"](tmp_path / "inside", first("conv1_2"))
    path = tmp_path / "file"
    with h5py.File(path, "w") as file:
        file["block1_conv1"] = h5py.ExternalLink(str(inside), "block1_conv1")
        file["soft"] = h5py.SoftLink("/block1_conv1")
        file["dangling"] = h5py.SoftLink("/nothing")
        file["array"] = np.zeros(3)
    assert "contains no 3×3 convolutions" in refused(path)


def test_hdf5_numbers_in_other_files_are_refused(tmp_path, refused):
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(4 * 9 * 3 * 64))
    with h5py.File(tmp_path / "external", "w") as file:
        file.create_dataset("block1_conv1/kernel", (3, 3, 3, 64), "f4",
                            external=[(str(raw), 0, 6912)])
    assert "are in another file" in refused(tmp_path / "external")
    with h5py.File(tmp_path / "virtual", "w") as file:
        layout = h5py.VirtualLayout((10**6, 10**6), "f4")
        layout[:3] = h5py.VirtualSource(str(raw), "x", (3, 10**6))
        file.create_virtual_dataset("block1_conv1/kernel", layout)
    assert "are in another file" in refused(tmp_path / "virtual")


def test_hdf5_chunks_that_would_fill_the_memory_are_refused(tmp_path, refused):
    with h5py.File(tmp_path / "bomb", "w") as file:
        data = file.create_dataset("block1_conv1/kernel", (3, 3, 3, 64), "f4", compression="gzip",
                                   chunks=(3, 3, 3, 10**6), maxshape=(3, 3, 3, None))
        data[...] = 0
    assert (tmp_path / "bomb").stat().st_size < 1_000_000
    assert "stored in chunks of 108,000,000 bytes" in refused(tmp_path / "bomb")


def test_hdf5_groups_that_contain_themselves(tmp_path, refused):
    with h5py.File(tmp_path / "loop", "w") as file:
        file.create_group("a")["b"] = file["/"]
    assert "nested deeper" in refused(tmp_path / "loop")
    with h5py.File(tmp_path / "many", "w") as file:
        for number in range(5001):
            file.create_group(str(number))
    assert "more than 5,000 objects" in refused(tmp_path / "many")


def test_hdf5_paths_that_every_member_repeats(writers, first, tmp_path, refused, check_conversion):
    """Long names of nested groups would be kept once for each array."""
    keras = writers["keras"](tmp_path / "keras", first("conv2_1"), root="x" * 400)
    check_conversion(keras)
    with h5py.File(tmp_path / "long", "w") as file:
        group = file.create_group("a" * 300).create_group("b" * 300)
        for number in range(10):
            group[str(number)] = np.zeros(3)
    assert "contains a path of 601 letters, 'aaa" in refused(tmp_path / "long")


def test_a_look_at_an_hdf5_file_costs_a_fraction_of_reading_it(tmp_path, refused, monkeypatch):
    """A conversion opens its source twice, and both count."""
    with h5py.File(tmp_path / "file", "w", libver="v110") as file:
        for number in range(100):
            file.attrs[str(number)] = np.zeros(900)
    monkeypatch.setattr("weights_converter.detect.METADATA_OF_ROOT", 1 << 19)
    assert "more than 524,288 bytes of metadata" in refused(tmp_path / "file")


def test_attributes_without_end_are_refused(tmp_path, make_weights, refused):
    from weights_converter import read_weights, write_weights
    write_weights(tmp_path / "w.h5", make_weights())
    with h5py.File(tmp_path / "w.h5", "a") as file:
        file.attrs["layers"] = ["conv1_1"] * 1000
    with pytest.raises(WeightsError, match="attribute layers has 1,000 values"):
        read_weights(tmp_path / "w.h5")


# ---------------------------------------------------------------- MATLAB


def test_a_mat_bomb_is_stopped(tmp_path, monkeypatch, refused):
    from scipy.io import savemat
    savemat(tmp_path / "file.mat", {"x": np.zeros(1 << 21), "y": np.zeros(1 << 21)},
            do_compression=True)
    assert (tmp_path / "file.mat").stat().st_size < 100_000
    monkeypatch.setattr("weights_converter.mat5.MAX_BYTES", 1 << 25)
    assert "more than 33,554,432 bytes when decompressed" in refused(tmp_path / "file.mat")


def test_a_matrix_that_is_longer_than_it_says(tmp_path, refused):
    inner = struct.pack("<IIIIIIiiII", 6, 8, 9, 0, 5, 8, 1, 1, 1, 0)      # a double, 1×1, no name
    inner += struct.pack("<IId", 9, 8, 1.0)
    outer = struct.pack("<IIIIIIiiII", 6, 8, 1, 0, 5, 8, 1, 1, 1, 0)      # a cell with it inside
    body = outer + struct.pack("<II", 14, len(inner) - 8) + inner
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + struct.pack("<II", 14, len(body)) + body)
    assert "is longer than stated" in refused(tmp_path / "file.mat")


def test_cells_without_end_are_stopped(tmp_path, refused):
    cell = b""
    for _ in range(3000):
        head = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, 1, 1)
        head += struct.pack("<II", 1, 0) + cell
        cell = struct.pack("<II", 14, len(head)) + head
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + cell)
    assert "deeper than 12" in refused(tmp_path / "file.mat")


def _element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def _matrix(kind, shape, *elements, name=b""):
    head = _element(6, struct.pack("<II", kind, 0)), _element(5, struct.pack("<2i", *shape))
    return _element(14, b"".join(head) + _element(1, name) + b"".join(elements))


TEXT, STRUCT = 4, 2


@pytest.mark.parametrize("item, number, words", [
    (_matrix(TEXT, (1, 1), _element(2, b"a" * 32_760)), 1, "32,760 bytes for text of shape (1, 1)"),
    (_matrix(TEXT, (1, 9), _element(4, b"a" * 16)), 1, "16 bytes for text of shape (1, 9)"),
    (_matrix(TEXT, (1, 4096), _element(2, b"a" * 4096)), 1025, "more than 4,194,304 bytes of"),
    (_matrix(TEXT, (0, 0), _element(2, b""), name=b"a" * 4096), 1025, "bytes of names and text"),
    (_matrix(STRUCT, (0, 0), _element(5, struct.pack("<i", 1)), _element(1, b"a" * 4096)), 5,
     "more than 20,000 elements and fields"),
    (_element(14, _element(6, bytes(4096))), 1, "4,096 bytes but at most 8 are expected"),
], ids=["longer", "shorter", "texts", "names", "fields", "flags"])
def test_text_and_fields_of_mat_files_are_counted(tmp_path, refused, item, number, words):
    """Each is charged for what is made of it, not for the shape that it states."""
    cells = zlib.compress(_matrix(1, (number, 1), item * number, name=b"layers"))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + struct.pack("<II", 15, len(cells)) + cells)
    assert words in refused(tmp_path / "file.mat")


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize("name", ["../shard", "/etc/passwd", "..", "sub/shard", "C:shard",
                                  "a\\b", "", "link", 7])
def test_shards_elsewhere_are_refused(tmp_path, name, refused):
    (tmp_path / "shard").write_bytes(bytes(16))
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "shard").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "shard")
    path = folder / "model.json"
    weights = [{"name": "x", "shape": [4], "dtype": "float32"}]
    path.write_text(json.dumps({"weightsManifest": [{"paths": [name], "weights": weights}]}))
    assert "is outside its folder" in refused(path)


@pytest.mark.parametrize("groups", [[["a", "a"]], [["a"], ["b", "a"]], [["a", "soft"]],
                                    [["a"], ["hard"]]], ids=str)
def test_a_shard_that_is_named_twice_is_refused(tmp_path, groups, refused):
    """A file of 20 MB could otherwise be hashed two thousand times."""
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(16))
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    manifest = [{"paths": names, "weights": [
        {"name": "x", "shape": [4 * len(names)], "dtype": "float32"}]} for names in groups]
    (tmp_path / "model.json").write_text(json.dumps({"weightsManifest": manifest}))
    assert "twice, or a link to it" in refused(tmp_path / "model.json")


def test_a_file_that_is_refused_is_not_hashed(thin_keras, monkeypatch, refused):
    # The package's attribute of this name is the function.
    module = sys.modules["weights_converter.convert"]
    monkeypatch.setattr(module, "file_digest", lambda *_, **__: pytest.fail())
    assert "the kernels of conv1_2" in refused(thin_keras())


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"shape": [64, 3, 3, 3], "data_offsets": [0, 9]}, "bytes 0 to 9 of 16 cannot hold"),
        ({"shape": [2**40, 2**40], "data_offsets": [0, 16]}, "cannot hold shape"),
        ({"shape": [-1, -4], "data_offsets": [0, 16]}, "-1, but a size is expected"),
        ({"shape": [4], "data_offsets": [16, 32]}, "bytes 16 to 32 of 16"),
        ({"shape": [True], "data_offsets": [0, 4]}, "True, but a size is expected"),
        ({"shape": [4], "data_offsets": [0, 16], "dtype": "F128"}, "F128"),
        ({"shape": [4]}, "data_offsets"),
        ([], "list indices"),
    ],
    ids=str,
)
def test_safetensors_headers_that_lie(tmp_path, entry, words, refused):
    if isinstance(entry, dict):
        entry = {"dtype": "F32", **entry}
    header = json.dumps({"conv1_1.weight": entry}).encode()
    path = tmp_path / "file"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    message = refused(path)
    assert "damaged safetensors file" in message and words in message


# ---------------------------------------------------------------- names and numbers


def test_names_are_split_once(tmp_path, writers, first, monkeypatch):
    """Not once for each layer, and there may be ten thousand."""
    split = []
    monkeypatch.setattr(naming, "stem", lambda name: split.append(name) or stem(name))
    with open_npz(writers["npz"](tmp_path / "file.npz", first("conv2_2"))) as tensors:
        naming.select(tmp_path / "file.npz", tensors)
    assert sorted(split) == sorted(tensors)


def test_names_without_end_are_refused(tmp_path):
    array = LazyArray((3,), np.dtype("f4"), lambda: pytest.fail())
    tensors = {"x" * 1_100_000 + str(number): array for number in range(4)}
    with pytest.raises(WeightsError, match="more than 4,194,304 letters together"):
        naming.select(tmp_path / "file", tensors)


SIGNALLING = {"<f2": 0x7C01, "<f4": 0x7F800001, "<f8": 0x7FF0000000000001}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("where", ["weight", "bias"])
@pytest.mark.parametrize("dtype", SIGNALLING)
@pytest.mark.parametrize("value", ["signalling", "nan", "inf", "max", "min"])
def test_numbers_that_are_not_numbers_are_refused_without_a_warning(
        tmp_path, first_layer, refused, dtype, where, value):
    """NumPy's warnings would show a path and a line of the source before the sentence."""
    arrays = dict(zip(("weight", "bias"), (array.astype(dtype) for array in first_layer())))
    if value == "signalling":
        arrays[where].view(dtype.replace("f", "u")).flat[4:] = SIGNALLING[dtype]
    else:
        arrays[where].flat[4:] = getattr(np.finfo(dtype), value, None) or float(value)
    np.savez(tmp_path / "file.npz", **{f"conv1_1.{name}": array for name, array in arrays.items()})
    assert "of conv1_1" in refused(tmp_path / "file.npz")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("quantization", [
    {"dtype": "uint8", "scale": 1e308, "min": 1e308}, {"dtype": "uint8", "scale": 1e300, "min": 0},
    {"dtype": "uint16", "scale": float("nan"), "min": 0}, {"dtype": "float16"}], ids=str)
def test_quantised_numbers_that_overflow_do_so_without_a_warning(tmp_path, refused, quantization):
    numbers = 64 * 27 + 64
    size = 1 if quantization["dtype"] == "uint8" else 2
    (tmp_path / "shard").write_bytes(struct.pack("<H", 0x7C01)[-size:] * numbers)
    weights = [{"name": f"conv1_1/{name}", "shape": shape, "dtype": "float32",
                "quantization": quantization}
               for name, shape in (("kernel", [64, 3, 3, 3]), ("bias", [64]))]
    (tmp_path / "model.json").write_text(json.dumps(
        {"weightsManifest": [{"paths": ["shard"], "weights": weights}]}))
    assert "NaN or infinite" in refused(tmp_path / "model.json")


@pytest.mark.filterwarnings("error")
def test_the_largest_numbers_are_compared_without_a_warning(tmp_path, first_layer):
    weight, bias = first_layer()
    assert np.isfinite(identify(tmp_path / "file", weight * np.float32(1e38), bias).scale)
    known = OXFORD_19.biases["conv1_1"]
    bias[max(known.extremes, key=known.extremes.get)] = np.finfo(np.float32).max
    assert "beyond those of any published network" in bias_fault(known, bias, rescaled=True)


# ---------------------------------------------------------------- zip archives


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
    for name in ("../conv1_1.npy", "/conv1_1.npy", "a/../../b.npy", "C:/a.npy"):
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


def test_objects_in_npz_are_never_opened(tmp_path, refused):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    np.savez(tmp_path / "file.npz", conv1_1=np.array([Attack()], object))
    assert "contains Python objects, which are never opened" in refused(tmp_path / "file.npz")
    np.save(tmp_path / "file.npy", np.array([Attack()], object))
    assert "NumPy .npy file" in refused(tmp_path / "file.npy")
    assert not (tmp_path / "attacked").exists()
