"""The project's own file: what is written is what is read, and damage is found."""

import sys
import time
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from minigrad.errors import FileError
from weights_converter import (
    WeightsError,
    converted,
    read_weights,
    verify,
    vgg_spec,
    write_weights,
)


@pytest.fixture
def small(tmp_path, make_weights):
    """A file that stops at conv1_2, to be changed."""
    path = tmp_path / "small.h5"
    write_weights(path, make_weights("conv1_2"))
    return path


def complaint(path, **options):
    """The sentence with which `read_weights` refuses a file."""
    with pytest.raises(WeightsError) as caught:
        read_weights(path, **options)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert isinstance(caught.value, FileError)
    return message


# ---------------------------------------------------------------- what is in the file


def plain(value):
    """An attribute with its text, stored as bytes of fixed length, as str."""
    value = np.asarray(value)
    return (np.char.decode(value, "utf-8") if value.dtype.kind == "S" else value).tolist()


def test_the_file_is_laid_out_as_designed(converted_file, layers):
    with h5py.File(converted_file) as file:
        attributes = {name: plain(value) for name, value in file.attrs.items()}
        assert attributes["format"] == "minigrad-weights"
        assert attributes["version"] == 1
        assert attributes["architecture"] == "vgg19"
        assert attributes["layout"] == "OIHW"
        assert attributes["color_order"] == "BGR"
        assert list(attributes["input_range"]) == [0, 255]
        assert list(attributes["mean"]) == [103.939, 116.779, 123.68]
        assert list(attributes["std"]) == [1, 1, 1]
        assert attributes["source"] == "vgg19_keras.h5"
        assert len(attributes["source_sha256"]) == 64
        assert "CC BY 4.0" in attributes["licence"]
        assert "CC BY-NC 4.0" in attributes["licence"]
        assert tuple(attributes["layers"]) == vgg_spec.LAYERS
        for name, (weight, bias) in layers.items():
            assert file[name]["weight"].dtype == file[name]["bias"].dtype == np.float32
            np.testing.assert_array_equal(file[name]["weight"], weight)
            np.testing.assert_array_equal(file[name]["bias"], bias)


def test_what_is_written_is_read(tmp_path, make_weights):
    weights = make_weights(
        "conv2_2", color_order="RGB", mean=(0.485, 0.456, 0.406), source="größe.h5"
    )
    write_weights(tmp_path / "w.h5", weights)
    again = read_weights(tmp_path / "w.h5")
    assert replace(again, layers={}) == replace(weights, layers={}, complete=False)
    assert list(again.layers) == list(weights.layers)
    for name, (weight, bias) in again.layers.items():
        assert weight.dtype == bias.dtype == np.float32
        np.testing.assert_array_equal(weight, weights.layers[name][0])
        np.testing.assert_array_equal(bias, weights.layers[name][1])


def test_no_stored_text_steers_a_terminal(tmp_path, make_weights):
    wild = "a\x1b[31m\r\nb\u202e\x9bä"
    made = make_weights(source=wild, licence=wild, changes=wild)
    write_weights(tmp_path / "w.h5", made)
    with h5py.File(tmp_path / "w.h5") as file:
        for name in ("source", "licence", "changes"):
            assert plain(file.attrs[name]) == r"a\x1b[31m\r\nb\u202e\x9bä"


def test_the_same_weights_give_the_same_bytes(tmp_path, make_weights):
    """Within a second, which HDF5 before 2.0 notes in the file."""
    began = 0
    while int(time.time()) != began:
        began = int(time.time())
        for name in ("a.h5", "b.h5"):
            write_weights(tmp_path / name, make_weights())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def test_weights_are_frozen(make_weights):
    with pytest.raises(FrozenInstanceError):
        make_weights().color_order = "RGB"


# ---------------------------------------------------------------- part of a file


def test_until_reads_no_further(converted_file):
    weights = read_weights(converted_file, until="conv3_4")
    assert tuple(weights.layers) == vgg_spec.LAYERS[:8]
    assert weights.complete  # the file is


def test_layers_after_until_are_not_touched(tmp_path, make_weights):
    path = tmp_path / "w.h5"
    write_weights(path, make_weights("conv2_1"))
    flip_a_byte(path, "conv2_1")
    assert len(read_weights(path, until="conv1_2").layers) == 2
    assert "damaged" in complaint(path)


def test_a_file_that_stops_early_is_legal_and_marked(small):
    weights = read_weights(small)
    assert tuple(weights.layers) == ("conv1_1", "conv1_2")
    assert not weights.complete


@pytest.mark.parametrize("until", ["conv5_1", "conv9_9", "relu1_1", ""])
def test_until_a_layer_that_is_not_there(small, until):
    assert f"has no layer {until}: it has conv1_1, conv1_2" in complaint(small, until=until)


# ---------------------------------------------------------------- wrong attributes


def test_no_attribute_may_be_missing(small):
    with h5py.File(small) as file:
        names = set(file.attrs) - {"format"}
    for name in names:
        with h5py.File(small, "a") as file:
            value = file.attrs.pop(name)
        assert f"lacks the attribute {name}" in complaint(small)
        with h5py.File(small, "a") as file:
            file.attrs[name] = value
    read_weights(small)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("format", "other", "not a converted weights file"),
        ("version", 2, "version is '2', not 1"),
        ("architecture", "vgg11", "not vgg19 or vgg16"),
        ("layout", "HWIO", "not OIHW"),
        ("color_order", "GBR", "not BGR or RGB"),
        ("color_order", 3, "not BGR or RGB"),
        ("input_range", [0.0], "not 2 finite numbers"),
        ("input_range", [255.0, 0.0], "but must increase"),
        ("mean", [1.0, np.nan, 1.0], "not 3 finite numbers"),
        ("mean", "103.939", "not 3 finite numbers"),
        ("input_range", [0.0, 1e308], "no number may be above 1e+06"),
        ("mean", [1.0, 1e308, 1.0], "no number may be above 1e+06"),
        ("std", [1.0, 0.0, 1.0], "must be 0.0001 or more"),
        ("std", [1.0, 1e-300, 1.0], "must be 0.0001 or more"),
        ("source", "", "not the name of a file"),
        ("source_sha256", "f8ee3256", "not 64 hexadecimal digits"),
        ("source", ["a", "b"], "not the name of a file"),
        ("licence", "", "not the terms of use"),
        ("licence", ["CC0", "MIT"], "licence is \"[b'CC0' b'MIT']\", not the terms of use"),
        ("changes", ["one", "two"], "changes is \"[b'one' b'two']\", not words"),
        ("changes", h5py.Empty("S1"), "not words"),
        ("layers", ["conv1_2", "conv1_1"], "lists the layers conv1_2, conv1_1"),
        ("layers", ["conv1_1", "conv2_1"], "those of VGG19 are expected, from the first"),
        ("layers", ["conv1_1", "conv1_2", "conv2_1"], "no datasets conv2_1/weight"),
        ("layers", h5py.Empty("S1"), "lists the layers"),
    ],
    ids=str,
)
def test_wrong_attributes(small, name, value, words):
    with h5py.File(small, "a") as file:
        file.attrs[name] = value
    assert words in complaint(small)


def test_long_texts_are_shortened_where_they_are_printed(tmp_path, make_weights):
    write_weights(tmp_path / "long.h5", make_weights(
        licence="x" * 60_000, source="y" * 60_000, changes="z" * 60_000))
    assert read_weights(tmp_path / "long.h5").licence == "x" * 60_000
    report = str(verify(tmp_path / "long.h5"))
    assert len(report) < 3 * 2100 + 1000
    assert all(f"{letter * 1000} … {letter * 1000}\n" in report + "\n" for letter in "xyz")


# ---------------------------------------------------------------- wrong layers


@pytest.mark.parametrize(
    "dataset, array, words",
    [
        ("weight", np.zeros((64, 64, 3), "f4"), "weight of conv1_2 has shape (64, 64, 3)"),
        ("weight", np.zeros((64, 64, 3, 3), "f8"), "weight of conv1_2 is float64"),
        ("bias", np.zeros(63, "f4"), "but VGG has (64,)"),
        ("bias", np.full(64, np.nan, "f4"), "bias of conv1_2 contains 64 of 64 values"),
        ("bias", None, "no datasets conv1_2/weight and conv1_2/bias"),
    ],
    ids=["three axes", "float64", "too few", "not finite", "none"],
)
def test_wrong_datasets(small, dataset, array, words):
    with h5py.File(small, "a") as file:
        del file[f"conv1_2/{dataset}"]
        if array is None:
            file.create_group(f"conv1_2/{dataset}")
        else:
            file[f"conv1_2/{dataset}"] = array
    assert words in complaint(small)


def test_a_shape_is_refused_before_it_is_read(small):
    with h5py.File(small, "a") as file:  # 4 TB that were never written
        del file["conv1_2/weight"]
        file.create_dataset("conv1_2/weight", shape=(10**6, 10**6), dtype="f4")
    assert "has shape (1000000, 1000000)" in complaint(small)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"conv1_1": (np.zeros((64, 3, 3, 3), "f4"), np.zeros(3, "f4"))}, "has shape (3,)"),
        ({"conv1_1": (np.zeros((64, 3, 3, 3)), np.zeros(64))}, "float64, not float32"),
        ({"conv1_1": (np.full((64, 3, 3, 3), np.inf, "f4"), np.zeros(64, "f4"))}, "infinite"),
        ({}, "lists the layers none"),
        ({"conv1_2": (np.zeros((64, 64, 3, 3), "f4"), np.zeros(64, "f4"))}, "the layers conv1_2"),
    ],
    ids=["shape", "type", "infinite", "none", "not the first"],
)
def test_the_writer_refuses_what_the_reader_would(tmp_path, make_weights, changes, words):
    with pytest.raises(WeightsError) as caught:
        write_weights(tmp_path / "w.h5", make_weights(layers=changes))
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_attribute_that_the_reader_refuses_is_never_left_on_disk(tmp_path, make_weights):
    with pytest.raises(WeightsError) as caught:
        write_weights(tmp_path / "w.h5", make_weights(color_order="GBR"))
    assert str(caught.value).startswith(f"{tmp_path / 'w.h5'}: the attribute color_order is 'GBR'")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- damaged and foreign files


def flip_a_byte(path, layer):
    """Change one bit in the middle of a layer's kernels."""
    with h5py.File(path) as file:
        chunk = file[f"{layer}/weight"].id.get_chunk_info(0)
    with open(path, "r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def test_one_flipped_bit_is_found(small):
    flip_a_byte(small, "conv1_1")
    assert "damaged HDF5 file" in complaint(small)


def test_damage_is_found_or_changes_nothing(tmp_path, make_weights):
    """Bytes changed at random places, in the metadata above all: no crash, no wrong number."""
    path = tmp_path / "w.h5"
    write_weights(path, make_weights("conv1_1"))
    data, whole = path.read_bytes(), read_weights(path)
    generator = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        damaged = np.frombuffer(data, np.uint8).copy()
        places = generator.integers(len(data), size=generator.choice([1, 8, 64]))
        damaged[places] = generator.integers(256, size=len(places))
        path.write_bytes(damaged.tobytes())
        try:
            again = read_weights(path)
        except WeightsError:
            refused += 1
            continue
        assert replace(again, layers={}) == replace(whole, layers={})
        for old, new in zip(whole.layers["conv1_1"], again.layers["conv1_1"]):
            np.testing.assert_array_equal(old, new)
    assert refused > 150


@pytest.mark.parametrize("keep", [0, 4, 9, 60, 200, 1000, 5000, 100_000, -1])
def test_truncated_files(small, keep):
    data = small.read_bytes()
    small.write_bytes(data[:keep])
    message = complaint(small)
    if keep >= 1000:
        assert f"is cut short: it has {len(data[:keep]):,} bytes" in message
        assert f"{len(data):,}" in message


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>404", "is a web page"),
        (b"\xef\xbb\xbf\r\n <HTML>", "is a web page"),
        (b"PK\x03\x04rest", "is a zip archive"),
        (b"\x80\x02\x8a\x0al\xfc\x9c", "is a Python pickle"),
        (b"MATLAB 5.0 MAT-file", "is a MATLAB file"),
        (b"MATLAB 7.3 MAT-file", "is a MATLAB file of version 7.3; save it in MATLAB with -v7"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"\x1f\x8b\x08", "is a gzip archive"),
        (b'{"modelTopology": 1}', "is a JSON file"),
        (b"some text", "is of an unknown kind"),
    ],
)
def test_foreign_files(tmp_path, content, words):
    path = tmp_path / "vgg19.h5"
    path.write_bytes(content)
    message = complaint(path)
    assert words in message
    can_be_converted = content[:2] in (b"PK", b"\x80\x02", b"MA", b'{"')
    assert ("DEST.h5 converts weights of other programs" in message) == can_be_converted


def test_a_keras_file_is_told_what_to_do(thin_keras):
    assert "run python -m weights_converter" in complaint(thin_keras())


def test_a_file_of_the_small_network_is_told_what_to_do(small, refused):
    with h5py.File(small, "r+") as file:
        file.attrs["architecture"] = np.bytes_(b"vgg19-student")
    for message in (complaint(small), refused(small)):
        assert f"small network, not of VGG19 or VGG16; it is used as it is: python -m nst.run " \
               f"--weights {small}" in message


def test_missing_files_and_folders(tmp_path):
    assert "there is no file" in complaint(tmp_path / "none.h5")
    assert "there is no file" in complaint(tmp_path / ("x" * 300))
    assert "is not a file" in complaint(tmp_path)


# ---------------------------------------------------------------- where it is written


def test_a_link_stays_a_link(tmp_path, make_weights):
    (tmp_path / "real.h5").write_bytes(b"old")
    (tmp_path / "link.h5").symlink_to("real.h5")
    write_weights(tmp_path / "link.h5", make_weights())
    assert (tmp_path / "link.h5").is_symlink()
    assert len(read_weights(tmp_path / "real.h5").layers) == 2


def test_an_older_file_survives_a_failure(small, make_weights):
    before = small.read_bytes()
    with pytest.raises(WeightsError):
        write_weights(small, make_weights(source_sha256="wrong"))
    assert small.read_bytes() == before
    assert list(small.parent.iterdir()) == [small]


def _full(*arguments):
    raise MemoryError


@pytest.mark.parametrize("place", ["_file_image", "_check_written"])
def test_an_older_file_survives_a_lack_of_memory(small, make_weights, monkeypatch, place):
    before = small.read_bytes()
    monkeypatch.setattr(f"weights_converter.converted.{place}", _full)
    with pytest.raises(WeightsError, match=f"not enough memory to write {small}; close other"):
        write_weights(small, make_weights("conv1_2"))
    assert small.read_bytes() == before and len(list(small.parent.iterdir())) == 1


def test_hdf5_is_not_called_without_memory_for_all_of_the_file(make_weights, monkeypatch):
    """It crashes if its file ends halfway."""
    monkeypatch.setattr("weights_converter.converted.RESERVE", 1 << 60)
    monkeypatch.setitem(sys.modules, "h5py", None)      # importing it would fail
    with pytest.raises(MemoryError):
        converted._file_image(make_weights("conv1_2"))


def test_a_file_is_not_to_blame_for_a_lack_of_memory(small, monkeypatch):
    monkeypatch.setattr("weights_converter.converted.find_dataset", _full)
    with pytest.raises(WeightsError, match=f"^there is not enough memory to read {small}; close"):
        read_weights(small)


def test_a_disk_that_changes_bytes_is_noticed(tmp_path, make_weights, monkeypatch):
    def write_badly(path, data):
        with open(path, "xb") as file:
            file.write(data)
        flip_a_byte(path, "conv1_1")

    monkeypatch.setattr(Path, "write_bytes", write_badly)
    with pytest.raises(WeightsError, match="damaged"):
        write_weights(tmp_path / "w.h5", make_weights())
    assert list(tmp_path.iterdir()) == []
