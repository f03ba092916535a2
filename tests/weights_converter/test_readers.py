"""Every format that needs no PyTorch: what was written is what is read."""

import json
import os
import zipfile

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError, convert, detect, vgg
from weights_converter.detect import detect as kind_of


def complaint(path, tmp_path):
    """The sentence with which a file is refused."""
    with pytest.raises(WeightsError) as caught:
        convert(path, tmp_path / "out.h5")
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    assert not (tmp_path / "out.h5").exists()
    return message


# ---------------------------------------------------------------- Keras


@pytest.mark.parametrize(
    "options",
    [
        {"text": np.bytes_},
        {"text": str},
        {"names": "{0}/kernel:0 {0}/bias:0"},
        {"names": "{0}_1/{0}/kernel:0 {0}_1/{0}/bias:0", "text": str},
        {"root": "model_weights"},
        {"top": True},
        {"top": True, "root": "model_weights", "text": str},
    ],
    ids=str,
)
def test_keras_1_and_2(writers, first, tmp_path, check_conversion, options):
    path = writers["keras"](tmp_path / "file", first(), **options)
    assert kind_of(path) == detect.HDF5_TREE
    check_conversion(path)


@pytest.mark.parametrize("options", [{}, {"counted": True},
                                     {"prefix": "_layer_checkpoint_dependencies"}], ids=str)
def test_keras_3(writers, first, tmp_path, check_conversion, options):
    check_conversion(writers["keras 3"](tmp_path / "file", first("conv3_2"), **options), "conv3_2")


def test_a_whole_keras_file(keras_file, check_conversion):
    assert check_conversion(keras_file, "conv5_4").architecture == "vgg19"


def test_theanos_kernels_are_laid_upright(writers, first, tmp_path, check_conversion):
    flipped = {name: (weight[..., ::-1, ::-1], bias)
               for name, (weight, bias) in first(held="torch").items()}
    check_conversion(writers["keras"](tmp_path / "file", flipped),
                     changes="kernels that were flipped by 180 degrees laid upright")


def test_other_float_types_are_converted(writers, first, tmp_path, check_conversion):
    doubles = {name: (kernel.astype(">f8"), bias.astype("f8"))
               for name, (kernel, bias) in first().items()}
    check_conversion(writers["keras"](tmp_path / "file", doubles))


def test_vgg16(writers, keras_layers, tmp_path):
    from weights_converter.fingerprints import OXFORD_16
    sixteen = {name: keras_layers[name] for name in vgg.layers_of("vgg16")}
    kernel, bias = (array.copy() for array in sixteen["conv1_1"])
    kernel[:, :, 0, 0], bias[:3] = OXFORD_16.kernel, OXFORD_16.bias
    sixteen["conv1_1"] = kernel, bias
    weights = convert(writers["keras"](tmp_path / "file", sixteen), tmp_path / "out.h5")
    assert weights.architecture == "vgg16" and weights.complete
    assert tuple(weights.layers) == vgg.layers_of("vgg16")
    # The layers of one network with the first kernels of the other are neither.
    sixteen["conv1_1"] = keras_layers["conv1_1"]
    path = writers["keras"](tmp_path / "file", sixteen)
    (tmp_path / "out.h5").unlink()
    assert "has the layers of VGG16, but conv1_1 is that of Oxford's VGG19" in complaint(
        path, tmp_path)


@pytest.mark.parametrize(
    "changes, options, words",
    [
        ({"conv3_2": ((3, 3, 256, 255), (256,))}, {}, "has shape (3, 3, 256, 255), where VGG's"),
        ({"conv3_2": ((3, 3, 256, 256), (255,))}, {}, "has shape (255,), where VGG's conv3_2"),
        ({"conv1_2": ((3, 3, 64, 64), (1, 1, 1, 64))}, {}, "there are 0 arrays (none)"),
        ({"conv1_2": ((3, 3, 64, 64),)}, {"names": "{0}_W"}, "there are 0 arrays (none)"),
        ({"conv1_2": ((3, 3, 64, 64), np.zeros(64, "i4"))}, {}, "is int32, not floating-point"),
        ({}, {"leave_out": ["block4_conv2"]}, "has no layer conv4_2, but conv5_4 behind it"),
    ],
)
def test_wrong_layers(thin_keras, tmp_path, changes, options, words):
    assert words in complaint(thin_keras(changes, **options), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which, words", [(0, "weight of conv1_1"), (1, "bias of conv1_1")])
def test_values_that_are_not_finite(thin_keras, keras_layers, tmp_path, value, which, words):
    arrays = [array.copy() for array in keras_layers["conv1_1"]]
    arrays[which].flat[5] = value
    path = thin_keras({"conv1_1": tuple(arrays)})
    assert f"{words} holds 1 of" in complaint(path, tmp_path)


def test_batch_normalisation_is_another_network(thin_keras, tmp_path):
    path = thin_keras()
    with h5py.File(path, "a") as file:
        file["bn/running_mean"] = np.zeros(64)
    assert "batch normalisation" in complaint(path, tmp_path)


# ---------------------------------------------------------------- hostile HDF5


def test_hdf5_links_lead_nowhere(writers, first, tmp_path):
    inside = writers["keras"](tmp_path / "inside", first("conv1_2"))
    path = tmp_path / "file"
    with h5py.File(path, "w") as file:
        file["block1_conv1"] = h5py.ExternalLink(str(inside), "block1_conv1")
        file["soft"] = h5py.SoftLink("/block1_conv1")
        file["dangling"] = h5py.SoftLink("/nothing")
        file["array"] = np.zeros(3)
    assert "holds no 3×3 convolutions" in complaint(path, tmp_path)


def test_hdf5_numbers_in_other_files_are_refused(tmp_path):
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(4 * 9 * 3 * 64))
    with h5py.File(tmp_path / "external", "w") as file:
        file.create_dataset("block1_conv1/kernel", (3, 3, 3, 64), "f4",
                            external=[(str(raw), 0, 6912)])
    assert "lie in another file" in complaint(tmp_path / "external", tmp_path)
    with h5py.File(tmp_path / "virtual", "w") as file:
        layout = h5py.VirtualLayout((10**6, 10**6), "f4")
        layout[:3] = h5py.VirtualSource(str(raw), "x", (3, 10**6))
        file.create_virtual_dataset("block1_conv1/kernel", layout)
    assert "lie in another file" in complaint(tmp_path / "virtual", tmp_path)


def test_hdf5_chunks_that_would_fill_the_memory_are_refused(tmp_path):
    with h5py.File(tmp_path / "bomb", "w") as file:
        data = file.create_dataset("block1_conv1/kernel", (3, 3, 3, 64), "f4", compression="gzip",
                                   chunks=(3, 3, 3, 10**6), maxshape=(3, 3, 3, None))
        data[...] = 0
    assert (tmp_path / "bomb").stat().st_size < 1_000_000
    assert "stored in chunks of 108,000,000 bytes" in complaint(tmp_path / "bomb", tmp_path)


def test_hdf5_groups_that_contain_themselves(tmp_path):
    with h5py.File(tmp_path / "loop", "w") as file:
        file.create_group("a")["b"] = file["/"]
    assert "nested deeper" in complaint(tmp_path / "loop", tmp_path)
    with h5py.File(tmp_path / "many", "w") as file:
        for number in range(5001):
            file.create_group(str(number))
    assert "more than 5,000 objects" in complaint(tmp_path / "many", tmp_path)


def test_attributes_without_end_are_refused(tmp_path, make_weights):
    from weights_converter import read_weights, write_weights
    write_weights(tmp_path / "w.h5", make_weights())
    with h5py.File(tmp_path / "w.h5", "a") as file:
        file.attrs["layers"] = ["conv1_1"] * 1000
    with pytest.raises(WeightsError, match="attribute layers has 1,000 values"):
        read_weights(tmp_path / "w.h5")


# ---------------------------------------------------------------- MatConvNet


@pytest.mark.parametrize(
    "options",
    [{}, {"compressed": False}, {"generation": "old"}, {"generation": "oldest", "named": False},
     {"named": False}],
    ids=str,
)
def test_matconvnet(writers, first, tmp_path, check_conversion, options):
    path = writers["mat"](tmp_path / "file.mat", first(), **options)
    assert kind_of(path) == detect.MAT5
    check_conversion(path, changes="input channels from RGB to BGR order")


def test_height_and_width_swapped_is_found_and_mended(writers, first, tmp_path, check_conversion):
    """As programs do that swap MatConvNet's kernels once more."""
    swapped = {name: (kernel.transpose(1, 0, 2, 3), bias)
               for name, (kernel, bias) in first().items()}
    check_conversion(writers["mat"](tmp_path / "file.mat", swapped),
                     changes="input channels from RGB to BGR order; kernels that were with height "
                             "and width swapped laid upright")


def test_a_mat_file_of_something_else(tmp_path):
    from scipy.io import savemat
    savemat(tmp_path / "file.mat", {"x": np.eye(3), "text": "abc", "complex": 1j})
    assert "without MatConvNet's variable layers" in complaint(tmp_path / "file.mat", tmp_path)


def test_a_mat_bomb_is_stopped(tmp_path, monkeypatch):
    from scipy.io import savemat
    savemat(tmp_path / "file.mat", {"x": np.zeros(1 << 21), "y": np.zeros(1 << 21)},
            do_compression=True)
    assert (tmp_path / "file.mat").stat().st_size < 100_000
    monkeypatch.setattr("weights_converter.mat5.MOST_BYTES", 1 << 25)
    assert "more than 33,554,432 bytes when decompressed" in complaint(tmp_path / "file.mat",
                                                                       tmp_path)


def test_cells_without_end_are_stopped(tmp_path):
    import struct
    cell = b""
    for _ in range(3000):
        head = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, 1, 1)
        head += struct.pack("<II", 1, 0) + cell
        cell = struct.pack("<II", 14, len(head)) + head
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "file.mat").write_bytes(header + cell)
    assert "deeper than 12" in complaint(tmp_path / "file.mat", tmp_path)


# ---------------------------------------------------------------- TensorFlow.js


@pytest.mark.parametrize("quantise, tolerance", [(None, 0), ("uint8", 4e-3), ("uint16", 2e-5),
                                                 ("float16", 5e-4)])
def test_tfjs(writers, first, tmp_path, check_conversion, quantise, tolerance):
    path = writers["tfjs"](tmp_path / "model.json", first(), quantise)
    assert kind_of(path) == detect.TFJS
    check_conversion(path, tolerance=tolerance)


def test_the_hash_of_a_tfjs_model_covers_its_shards(writers, first, tmp_path):
    path = writers["tfjs"](tmp_path / "model.json", first("conv1_2"))
    before = convert(path, tmp_path / "a.h5").source_sha256
    shard = tmp_path / "group1-shard1of1.bin"
    shard.write_bytes(shard.read_bytes()[:-4] + b"\0\0\0\0")
    assert convert(path, tmp_path / "b.h5").source_sha256 != before


@pytest.mark.parametrize("name", ["../shard", "/etc/passwd", "..", "sub/shard", "C:shard",
                                  "a\\b", "", "link", 7])
def test_shards_elsewhere_are_refused(tmp_path, name):
    (tmp_path / "shard").write_bytes(bytes(16))
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "shard").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "shard")
    path = folder / "model.json"
    weights = [{"name": "x", "shape": [4], "dtype": "float32"}]
    path.write_text(json.dumps({"weightsManifest": [{"paths": [name], "weights": weights}]}))
    assert "leads out of its folder" in complaint(path, tmp_path)


def test_tfjs_models_that_are_wrong(writers, first, tmp_path):
    path = writers["tfjs"](tmp_path / "model.json", first("conv1_2"))
    shard = tmp_path / "group1-shard1of1.bin"
    data = shard.read_bytes()
    shard.write_bytes(data[:-1])
    assert f"hold {len(data) - 1:,} bytes where the manifest says {len(data):,}" in complaint(
        path, tmp_path)
    shard.unlink()
    assert "which is not beside it" in complaint(path, tmp_path)
    path.write_text('{"a": 1}')
    assert "no weightsManifest" in complaint(path, tmp_path)
    path.write_text("[" * 100_000)
    assert complaint(path, tmp_path)
    path.write_text('{"a":' * 100_000)
    assert "damaged TensorFlow.js model" in complaint(path, tmp_path)


# ---------------------------------------------------------------- safetensors


@pytest.fixture
def safetensors():
    return pytest.importorskip("safetensors.numpy")


def test_safetensors(safetensors, first, tmp_path, check_conversion):
    arrays = {f"features.{2 * number}.{what}": np.ascontiguousarray(array)
              for number, pair in enumerate(first(held="torch").values())
              for what, array in zip(("weight", "bias"), pair)}
    arrays["classifier.0.weight"] = np.zeros((3, 4), np.float16)
    safetensors.save_file(arrays, tmp_path / "file", metadata={"format": "pt"})
    assert kind_of(tmp_path / "file") == detect.SAFETENSORS
    check_conversion(tmp_path / "file")
    safetensors.save_file({name: a.astype(np.float16) for name, a in arrays.items()},
                          tmp_path / "file")
    check_conversion(tmp_path / "file", tolerance=5e-4)


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"shape": [64, 3, 3, 3], "data_offsets": [0, 9]}, "bytes 0 to 9 of 16 cannot hold"),
        ({"shape": [2**40, 2**40], "data_offsets": [0, 16]}, "cannot hold shape"),
        ({"shape": [-1, -4], "data_offsets": [0, 16]}, "-1 where a size is wanted"),
        ({"shape": [4], "data_offsets": [16, 32]}, "bytes 16 to 32 of 16"),
        ({"shape": [True], "data_offsets": [0, 4]}, "True where a size is wanted"),
        ({"shape": [4], "data_offsets": [0, 16], "dtype": "F128"}, "F128"),
        ({"shape": [4]}, "data_offsets"),
        ([], "list indices"),
    ],
    ids=str,
)
def test_safetensors_headers_that_lie(tmp_path, entry, words):
    if isinstance(entry, dict):
        entry = {"dtype": "F32", **entry}
    header = json.dumps({"conv1_1.weight": entry}).encode()
    path = tmp_path / "file"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    message = complaint(path, tmp_path)
    assert "damaged safetensors file" in message and words in message


# ---------------------------------------------------------------- NumPy


@pytest.mark.parametrize("compressed", [False, True])
def test_npz(writers, first, tmp_path, check_conversion, compressed):
    path = writers["npz"](tmp_path / "file.npz", first(), compressed)
    assert kind_of(path) == detect.NPZ
    check_conversion(path)
    fortran = {name: tuple(map(np.asfortranarray, pair)) for name, pair in first().items()}
    check_conversion(writers["npz"](tmp_path / "file.npz", fortran))


def test_objects_in_npz_are_never_opened(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    np.savez(tmp_path / "file.npz", conv1_1=np.array([Attack()], object))
    assert "holds Python objects, which are never opened" in complaint(tmp_path / "file.npz",
                                                                       tmp_path)
    np.save(tmp_path / "file.npy", np.array([Attack()], object))
    assert "NumPy .npy file" in complaint(tmp_path / "file.npy", tmp_path)
    assert not (tmp_path / "attacked").exists()


# ---------------------------------------------------------------- zip archives


def test_zip_bombs(tmp_path, first):
    """A small archive with gigabytes of zeros in it: nothing but VGG's layers is unpacked."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open("conv1_1_W.npy", "w") as member:
            np.lib.format.write_array_header_1_0(member, {
                "descr": "<f4", "fortran_order": False, "shape": (3, 3, 3, 64)})
            for _ in range(200):
                member.write(bytes(1 << 20))
        archive.writestr("conv1_1_b.npy", b"")
    assert complaint(path, tmp_path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("a/data.pkl", bytes(17 << 20))
    assert "has more than 16,777,216 bytes" in complaint(path, tmp_path)


def test_too_many_members_and_names_that_lead_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "many", "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}.npy", b"")
    assert "20,001 members" in complaint(tmp_path / "many", tmp_path)
    for name in ("../conv1_1.npy", "/conv1_1.npy", "a/../../b.npy", "C:/a.npy"):
        with zipfile.ZipFile(tmp_path / "out", "w") as archive:
            archive.writestr(name, b"")
        assert "leads out of the archive" in complaint(tmp_path / "out", tmp_path)


def test_archives_of_something_else(tmp_path):
    for name, words in (("model.weights.h5", "with an HDF5 file in it"), ("a.txt", "neither")):
        with zipfile.ZipFile(tmp_path / "file", "w") as archive:
            archive.writestr(name, b"")
        assert words in complaint(tmp_path / "file", tmp_path)
    (tmp_path / "file").write_bytes(b"PK\x03\x04" + bytes(100))
    assert "damaged zip archive" in complaint(tmp_path / "file", tmp_path)


# ---------------------------------------------------------------- by content


def test_the_name_of_a_file_means_nothing(writers, first, tmp_path, check_conversion):
    check_conversion(writers["npz"](tmp_path / "a.npz", first()).rename(tmp_path / "vgg.h5"))
    check_conversion(writers["keras"](tmp_path / "vgg.pth", first()))


@pytest.mark.parametrize(
    "content, words",
    [(b"", "is empty"), (b"<!DOCTYPE html>404", "is a web page"), (b"text", "of an unknown kind"),
     (b"\x80\x03]q\x00.", "is a Python pickle, which is never opened"),
     (b"MATLAB 7.3 MAT-file", "is a MATLAB file"), (b"BZh9", "bzip2"), (b"{", "damaged Tensor")],
)
def test_what_is_no_weights_file(tmp_path, content, words):
    (tmp_path / "file.h5").write_bytes(content)
    assert words in complaint(tmp_path / "file.h5", tmp_path)
