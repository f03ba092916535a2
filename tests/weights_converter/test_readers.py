"""Every format that needs no PyTorch: what was written is what is read."""

import hashlib
import json
import math
import struct
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from weights_converter import WeightsError, convert, detect, mat5, verify, vgg_spec
from weights_converter.detect import detect as kind_of
from weights_converter.fingerprints import OXFORD_16, OXFORD_19
from weights_converter.naming import natural
from weights_converter.readers import npz

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
    assert kind_of(path) == detect.KERAS
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
                     changes="kernels that were flipped by 180 degrees turned upright")


def test_other_float_types_are_converted(writers, first, tmp_path, check_conversion):
    doubles = {name: (kernel.astype(">f8"), bias.astype("f8"))
               for name, (kernel, bias) in first().items()}
    check_conversion(writers["keras"](tmp_path / "file", doubles))


def test_vgg16(writers, keras_layers, tmp_path, refused):
    sixteen = {name: keras_layers[name] for name in vgg_spec.layers_of("vgg16")}
    kernel, bias = (array.copy() for array in sixteen["conv1_1"])
    kernel[:, :, 0, 0], bias[:3] = OXFORD_16.kernel, OXFORD_16.bias
    sixteen["conv1_1"] = kernel, bias
    weights = convert(writers["keras"](tmp_path / "file", sixteen), tmp_path / "out.h5")
    assert weights.architecture == "vgg16" and weights.complete
    assert tuple(weights.layers) == vgg_spec.layers_of("vgg16")
    # The layers of one network with the first kernels of the other are neither.
    sixteen["conv1_1"] = keras_layers["conv1_1"]
    path = writers["keras"](tmp_path / "file", sixteen)
    (tmp_path / "out.h5").unlink()
    assert "has the layers of VGG16, but conv1_1 is that of Oxford's VGG19" in refused(path)


@pytest.mark.parametrize(
    "changes, options, words",
    [
        ({"conv3_2": ((3, 3, 256, 255), (256,))}, {}, "has shape (3, 3, 256, 255), where VGG's"),
        ({"conv3_2": ((3, 3, 256, 256), (255,))}, {}, "has shape (255,), where VGG's conv3_2"),
        ({"conv1_2": ((3, 3, 64, 64), (1, 1, 1, 64))}, {}, "there are 0 arrays (none)"),
        ({"conv1_2": ((3, 3, 64, 64),)}, {"names": "{0}_W"}, "there are 0 arrays (none)"),
        ({"conv1_2": ((3, 3, 64, 64), np.zeros(64, "i4"))}, {}, "is int32, but floating-point"),
        ({}, {"leave_out": ["block4_conv2"]}, "has no layer conv4_2, but a later layer conv5_4"),
    ],
)
def test_wrong_layers(thin_keras, tmp_path, changes, options, words, refused):
    assert words in refused(thin_keras(changes, **options))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which, words", [(0, "weight of conv1_1"), (1, "bias of conv1_1")])
def test_values_that_are_not_finite(thin_keras, keras_layers, value, which, words, refused):
    arrays = [array.copy() for array in keras_layers["conv1_1"]]
    arrays[which].flat[5] = value
    path = thin_keras({"conv1_1": tuple(arrays)})
    assert f"{words} contains 1 of" in refused(path)


@pytest.mark.parametrize("names, words", [
    (["a.conv1_1.weight", "b.conv1_1.weight"], "contains 2 kernels called conv1_1, but one is"),
    (["conv1_1.weight", "conv1_2.weight", "conv1_3.weight"], "contains a layer conv1_3, which VGG"),
    ([f"features.{n}.weight" for n in range(14)], "14 convolutions of 3×3, but VGG16 has 13"),
    (["conv1_2.weight"], "has no layer conv1_1, but a later layer conv1_2"),
    (["conv1_1.weight"], "has shape (2, 2, 3, 3), where VGG's conv1_1 has (3, 3, 3, 64) or"),
], ids=["two of a name", "a third in a block", "fourteen", "none at the start", "another shape"])
def test_other_networks_than_vgg(tmp_path, refused, names, words):
    np.savez(tmp_path / "file.npz", **dict.fromkeys(names, np.zeros((2, 2, 3, 3), "f4")))
    assert words in refused(tmp_path / "file.npz")


def test_preparations_of_colours_are_one_or_none(tmp_path, refused):
    prepare = (255 * np.eye(3)[::-1, :, None, None]).astype("f4")
    bias = -np.float32(vgg_spec.MEAN)
    for arrays in ({"0.weight": prepare}, {"0.weight": prepare, "0.bias": bias + 1},
                   {"0.weight": 2 * prepare, "0.bias": bias},
                   {f"{n}.{what}": array for n in range(3000)
                    for what, array in (("weight", prepare), ("bias", bias))}):
        np.savez(tmp_path / "file.npz", **arrays)
        assert "0.weight is a 1×1 convolution on colours" in refused(tmp_path / "file.npz")
    np.savez(tmp_path / "file.npz", **{"0.weight": prepare, "0.bias": bias})
    assert "contains no 3×3" in refused(tmp_path / "file.npz")


def test_layers_in_order_are_counted_and_not_spelt():
    names = ["conv2d_10.k", "conv2d.k", "conv2d_2.k", "x²3.k", "conv2d_1.k"]
    assert sorted(names, key=natural) == ["conv2d.k", "conv2d_1.k", "conv2d_2.k", "conv2d_10.k",
                                          "x²3.k"]


def test_batch_normalisation_is_another_network(thin_keras, tmp_path, refused):
    path = thin_keras()
    with h5py.File(path, "a") as file:
        file["bn/running_mean"] = np.zeros(64)
    assert "batch normalisation" in refused(path)


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
                             "and width swapped turned upright")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind, encoding", [(1, "latin-1"), (4, "utf-16"), (16, "utf-8"),
                                            (17, "utf-16"), (18, "utf-32")])
def test_text_in_mat_files(tmp_path, order, kind, encoding):
    """MATLAB counts units of UTF-16, so a character may have more bytes than its unit."""
    text = "naïve" if kind == 1 else "naïve 😀"
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    data = text.encode(encoding)
    head = mat_element(order, 6, struct.pack(order + "II", 4, 0))
    head += mat_element(order, 5, struct.pack(order + "ii", 1, len(text)))
    head += mat_element(order, 1, b"x") + mat_element(order, kind, data)
    assert mat_variables(tmp_path, order, mat_element(order, 14, head)) == [("x", text)]


def mat_element(order, kind, data):
    return struct.pack(order + "II", kind, len(data)) + data + bytes(-len(data) % 8)


def mat_variables(folder, order, body):
    """What the reader finds in a MAT-file with this body."""
    mark = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    path = folder / "file.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + mark + body)
    with open(path, "rb") as file:
        return list(mat5.variables(file, path.stat().st_size, bool))


@pytest.mark.parametrize("order", "<>")
def test_objects_in_mat_files_are_skipped(tmp_path, order):
    """A string of MATLAB 2016b and later is one: it has three names and no dimensions."""
    def text(name, words):
        return mat_element(order, 14, b"".join((
            mat_element(order, 6, struct.pack(order + "II", 4, 0)),
            mat_element(order, 5, struct.pack(order + "ii", 1, len(words))),
            mat_element(order, 1, name), mat_element(order, 16, words))))

    string = mat_element(order, 14, b"".join((
        mat_element(order, 6, struct.pack(order + "II", 17, 0)), mat_element(order, 1, b"s"),
        mat_element(order, 1, b"MCOS"), mat_element(order, 1, b"string"), text(b"", b"inner"))))
    structure = mat_element(order, 14, b"".join((
        mat_element(order, 6, struct.pack(order + "II", 2, 0)),
        mat_element(order, 5, struct.pack(order + "ii", 1, 1)), mat_element(order, 1, b"net"),
        mat_element(order, 5, struct.pack(order + "i", 8)),
        mat_element(order, 1, b"meta".ljust(8, b"\0") + b"layers".ljust(8, b"\0")),
        string, text(b"", b"here"))))
    assert mat_variables(tmp_path, order, string + structure + text(b"x", b"last")) == [
        ("s", None), ("net", [{"meta": None, "layers": "here"}]), ("x", "last")]


def test_a_mat_file_of_something_else(tmp_path, refused):
    from scipy.io import savemat
    savemat(tmp_path / "file.mat", {"x": np.eye(3), "text": "abc", "complex": 1j})
    assert "without MatConvNet's variable layers" in refused(tmp_path / "file.mat")


# ---------------------------------------------------------------- TensorFlow.js


@pytest.mark.parametrize("quantise, tolerance", [(None, 0), ("uint8", 2e-2), ("uint16", 8e-5),
                                                 ("float16", 1e-3)])
def test_tfjs(writers, first, tmp_path, check_conversion, quantise, tolerance):
    path = writers["tfjs"](tmp_path / "model.json", first(), quantise)
    assert kind_of(path) == detect.TFJS
    check_conversion(path, tolerance=tolerance)


def test_the_hash_of_a_tfjs_model_covers_its_shards(writers, first, tmp_path):
    path = writers["tfjs"](tmp_path / "model.json", first("conv1_2"))
    before = convert(path, tmp_path / "a.h5").source_sha256
    shard = tmp_path / "group1-shard1of1.bin"
    data = bytearray(shard.read_bytes())
    data[-4] ^= 1                               # the last bit of the last bias
    shard.write_bytes(data)
    assert convert(path, tmp_path / "b.h5").source_sha256 != before


def test_a_dot_before_the_name_of_a_shard(writers, first, tmp_path, check_conversion):
    path = writers["tfjs"](tmp_path / "model.json", first())
    path.write_text(path.read_text().replace("group1-shard1", "./group1-shard1"))
    check_conversion(path)


OTHERS = {"string": b"\2\0\0\0ab\0\0\0\0\1\0\0\0c", "complex64": bytes(24), "int4": bytes(2),
          "int8": bytes(3), "float64": bytes(24)}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("place", [0, 2, 6], ids=["first", "between", "last"])
def test_types_of_tfjs_that_are_not_needed(writers, first, tmp_path, check_conversion, kind, place):
    path = writers["tfjs"](tmp_path / "model.json", first())
    model = json.loads(path.read_text())
    (group,) = model["weightsManifest"]
    data = b"".join((tmp_path / name).read_bytes() for name in group["paths"])
    at = 4 * sum(math.prod(entry["shape"]) for entry in group["weights"][:place])
    group["weights"].insert(place, {"name": "words", "shape": [3], "dtype": kind})
    group["paths"] = ["one.bin", "two.bin"]
    data = data[:at] + OTHERS[kind] + data[at:]
    (tmp_path / "one.bin").write_bytes(data[:at + 3])       # within the lengths of the texts
    (tmp_path / "two.bin").write_bytes(data[at + 3:])
    path.write_text(json.dumps(model))
    check_conversion(path)


def test_texts_of_tfjs_are_bounded(tmp_path, refused):
    path = tmp_path / "model.json"
    (tmp_path / "a.bin").write_bytes(bytes(80_004))
    for shape, words in (([20_001], "more than 20,000 texts"), ([20_000], "the manifest states")):
        path.write_text(json.dumps({"weightsManifest": [{"paths": ["a.bin"], "weights": [
            {"name": "words", "shape": shape, "dtype": "string"}]}]}))
        assert words in refused(path)
    path.write_text(path.read_text().replace("string", "resource"))
    assert "an array of the type 'resource', whose size is unknown" in refused(path)


def test_tfjs_models_that_are_wrong(writers, first, tmp_path, refused):
    path = writers["tfjs"](tmp_path / "model.json", first("conv1_2"))
    shard = tmp_path / "group1-shard1of1.bin"
    data = shard.read_bytes()
    shard.write_bytes(data[:-1])
    assert f"have {len(data) - 1:,} bytes, but the manifest states {len(data):,}" in refused(path)
    shard.unlink()
    assert "which is not beside it" in refused(path)
    path.write_text('{"a": 1}')
    assert "no weightsManifest" in refused(path)
    path.write_text("[" * 100_000)
    assert refused(path)
    path.write_text('{"a":' * 100_000)
    assert "damaged TensorFlow.js model" in refused(path)


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


@pytest.mark.parametrize("kind, size", [("F8_E4M3", 4), ("F8_E5M2", 4), ("F4", 2), ("C64", 32),
                                        ("F8_E8M0", 4), ("SOMETHING_NEW", 9)])
def test_types_of_safetensors_that_are_not_needed(first, tmp_path, check_conversion, refused, kind,
                                                  size):
    path, arrays = tmp_path / "file", [("classes", kind, [4], bytes(size))]
    for layer, pair in first(held="torch").items():
        for what, array in zip(("weight", "bias"), pair):
            arrays.append((f"{layer}.{what}", "F32", array.shape, array.tobytes()))

    def write(cut=0):
        header, data = {}, b""
        for name, dtype, shape, content in arrays:
            header[name] = {"dtype": dtype, "shape": shape,
                            "data_offsets": [len(data), len(data) + len(content)]}
            data += content
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[:len(data) - cut])

    write()
    check_conversion(path)
    arrays.append(arrays.pop(0))            # at the end, where it is cut off
    write(cut=1)
    assert "damaged safetensors file" in refused(path)
    name, _, shape, content = arrays[0]
    arrays[0] = name, kind, shape, content * 2
    write()
    assert "conv1_1.weight is c" in refused(path).replace(kind, "c")


# ---------------------------------------------------------------- NumPy


@pytest.mark.parametrize("compressed", [False, True])
def test_npz(writers, first, tmp_path, check_conversion, compressed):
    path = writers["npz"](tmp_path / "file.npz", first(), compressed)
    assert kind_of(path) == detect.NPZ
    check_conversion(path)
    fortran = {name: tuple(map(np.asfortranarray, pair)) for name, pair in first().items()}
    check_conversion(writers["npz"](tmp_path / "file.npz", fortran))


@pytest.mark.parametrize("extra, kind", [
    (np.array(["cat", "dog"]), "text"), (np.array([b"cat"]), "text"),
    (np.array("2020-01-01", "M8[D]"), "an array of dates"), (np.array(3, "m8[s]"), "of times"),
    (np.zeros(2, [("ä", "f4"), ("語", "i4")]), "of records"), (np.array([{}, None]), "objects"),
    pytest.param(np.zeros(3, np.longdouble), "of the type", marks=pytest.mark.skipif(
        np.dtype(np.longdouble).itemsize == 8, reason="a double")), (np.zeros(2, "V3"), "records"),
], ids=lambda value: str(value)[:20])
def test_arrays_in_npz_that_are_not_needed(first, tmp_path, check_conversion, extra, kind):
    """They are known by name and shape, and no reason to refuse the others."""
    named = {f"{layer}_{what}": array for layer, pair in first().items()
             for what, array in zip("Wb", pair)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")         # records with names in UTF-8 are new
        np.savez(tmp_path / "file.npz", classes=extra, **named)
    check_conversion(tmp_path / "file.npz")
    with npz.open_npz(tmp_path / "file.npz") as tensors:
        assert tensors["classes"].shape == extra.shape and kind in tensors["classes"].unread
        with pytest.raises(WeightsError, match="cannot be read"):
            tensors["classes"].read()


@pytest.mark.parametrize("pattern", ["{0}_{1}_1:0", "/{0}/{1}", "{0}/{1}:0", "net:{0}.{1}"])
def test_names_that_npz_would_not_unpack(first, tmp_path, check_conversion, pattern):
    """A colon or a leading / is harmless in a name, because nothing is unpacked."""
    np.savez(tmp_path / "file.npz", **{pattern.format(layer, what): array
                                       for layer, pair in first().items()
                                       for what, array in zip("Wb", pair)})
    check_conversion(tmp_path / "file.npz")


# ---------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("name, kind", [("torch_zip", detect.TORCH_ZIP),
                                        ("torch_legacy", detect.TORCH_LEGACY)])
def test_files_that_pytorch_wrote(tmp_path, name, kind):
    """Kept files; what PyTorch writes on this machine is in test_pytorch_oracle.py."""
    path = Path(__file__).parent / "data" / f"{name}.pth"
    assert kind_of(path) == kind
    weights = convert(path, tmp_path / "out.h5")
    assert list(weights.layers) == ["conv1_1"] and not weights.complete
    weight, bias = weights.layers["conv1_1"]
    np.testing.assert_array_equal(weight[0, 0], OXFORD_19.kernel.astype("f4"))
    np.testing.assert_array_equal(bias[:3], OXFORD_19.bias.astype("f4"))
    assert hashlib.sha256(weight.tobytes() + bias.tobytes()).hexdigest()[:16] == "96c98dc3765492f4"
    assert [row.verdict for row in verify(tmp_path / "out.h5").layers] == ["plausible"]


# ---------------------------------------------------------------- by content


def test_the_name_of_a_file_means_nothing(writers, first, tmp_path, check_conversion):
    check_conversion(writers["npz"](tmp_path / "a.npz", first()).rename(tmp_path / "vgg.h5"))
    check_conversion(writers["keras"](tmp_path / "vgg.pth", first()))


@pytest.mark.parametrize(
    "content, words",
    [(b"", "is empty"), (b"<!DOCTYPE html>404", "is a web page"), (b"text", "of an unknown kind"),
     (b"\x80\x03]q\x00.", "is a Python pickle, which this program never opens"),
     (b"MATLAB 7.3 MAT-file", "version 7.3; save it in MATLAB with -v7"), (b"BZh9", "bzip2"),
     (b"{", "damaged Tensor")],
)
def test_what_is_no_weights_file(tmp_path, content, words, refused):
    (tmp_path / "file.h5").write_bytes(content)
    assert words in refused(tmp_path / "file.h5")


@pytest.mark.parametrize("order", "<>")
def test_a_file_of_matlab_4_is_said(tmp_path, order, refused):
    from scipy.io import savemat

    path = tmp_path / "old.mat"
    savemat(path, {"layers": np.zeros((3, 3), order + "f8")}, format="4")
    assert "is a MATLAB file of version 4; save it in MATLAB with -v7" in refused(path)


def test_a_file_of_matlab_7_3_is_said(tmp_path, refused):
    """It is HDF5 after a block of text, and its arrays may have the names of a network."""
    path = tmp_path / "new.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["conv1_1/weight"] = np.zeros(3)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    assert "is a MATLAB file of version 7.3; save it in MATLAB with -v7" in refused(path)
