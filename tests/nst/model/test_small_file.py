"""The small network's file: what is written is read again, and damaged files are refused."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from nst.model import small_file
from weights_converter.errors import WeightsError


@pytest.fixture
def small_weights():
    rng = np.random.default_rng(0)
    shapes = {"conv1_1": (4, 3, 3, 3), "conv1_2": (5, 4, 3, 3), "relu1_1": (64, 4, 1, 1)}
    layers = {name: (rng.standard_normal(shape).astype(np.float32),
                     rng.standard_normal(shape[0]).astype(np.float32))
              for name, shape in shapes.items()}
    return small_file.SmallWeights(layers, "BGR", (1.0, 2.0, 3.0), (64.0,) * 3, "a test",
                                     "0" * 64, "none")


def test_what_is_written_is_read_again(small_weights, tmp_path):
    path = tmp_path / "small.h5"
    small_file.write_small(path, replace(small_weights, source="a test\x1b\n"))
    again = replace(small_file.read_small(path), source="a test")
    assert small_file.read_small(path).source == r"a test\x1b\n"     # it steers no terminal
    assert small_file.is_small(path)
    assert list(again.layers) == list(small_weights.layers)
    for name, pair in again.layers.items():
        for found, expected in zip(pair, small_weights.layers[name]):
            np.testing.assert_array_equal(found, expected.astype(np.float16))
            assert found.dtype == np.float32
    for name in ("color_order", "mean", "std", "source", "source_sha256", "licence"):
        assert getattr(again, name) == getattr(small_weights, name)


def test_a_number_beyond_float16_is_refused(small_weights, tmp_path):
    small_weights.layers["conv1_1"][0][0, 0, 0, 0] = 7e4
    with pytest.raises(WeightsError, match="conv1_1"):
        small_file.write_small(tmp_path / "small.h5", small_weights)
    assert not list(tmp_path.iterdir())


def listing(opened, names):
    opened.attrs["layers"] = np.array(names, "S")


DAMAGES = {
    "format": (lambda f: f.attrs.modify("format", b"other"), "format"),
    "another network": (lambda f: f.attrs.modify("architecture", b"vgg19"), "architecture"),
    "colours": (lambda f: f.attrs.modify("color_order", b"GRB"), "color_order"),
    "no mean": (lambda f: f.attrs.pop("mean"), "mean"),
    "deviation 0": (lambda f: f.attrs.modify("std", (1.0, 0.0, 1.0)), "std"),
    "no layers": (lambda f: listing(f, []), "no convolutions"),
    "a layer twice": (lambda f: listing(f, [b"conv1_1", b"conv1_1"]), "once"),
    "a path": (lambda f: listing(f, [b"../conv1_1"]), "conv1_1"),
    "a layer without data": (lambda f: f.pop("conv1_2"), "conv1_2"),
    "order": (lambda f: listing(f, [b"conv1_2", b"conv1_1"]), "in the order of VGG19"),
    "NaN": (lambda f: f["conv1_1/bias"].__setitem__(0, np.nan), "NaN"),
    "a layer that VGG19 lacks": (lambda f: listing(f, [b"conv1_1", b"conv1_3"]), "conv1_3"),
    "adapters only": (lambda f: listing(f, [b"relu1_1"]), "no convolutions"),
    "a mean without end": (lambda f: f.attrs.modify("mean", (0.0, 1e308, 0.0)), "above 1e"),
    "a tiny deviation": (lambda f: f.attrs.modify("std", (1.0, 1e-300, 1.0)), "0.0001 or more"),
    "an adapter alone": (lambda f: listing(f, [b"conv1_1", b"relu2_1"]), "relu2_1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_wrong_file_is_refused_in_one_sentence(damage, small_weights, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "small.h5"
    small_file.write_small(path, small_weights)
    spoil, word = DAMAGES[damage]
    with h5py.File(path, "r+") as spoiled:
        spoil(spoiled)
    with pytest.raises(WeightsError, match=word) as error:
        small_file.read_small(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_flipped_bytes_are_noticed_or_harmless(small_weights, tmp_path):
    """Whatever byte is changed, reading succeeds with the same numbers or says one sentence."""
    path, spoiled = tmp_path / "small.h5", tmp_path / "spoiled.h5"
    small_file.write_small(path, small_weights)
    good, whole = path.read_bytes(), small_file.read_small(path)
    rng = np.random.default_rng(0)
    for _ in range(150):
        bad = bytearray(good)
        bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))
        spoiled.write_bytes(bad)
        try:
            found = small_file.read_small(spoiled)
        except WeightsError:
            continue
        for name, pair in found.layers.items():
            for array, right in zip(pair, whole.layers[name]):
                np.testing.assert_array_equal(array, right)


def _as_raw_bytes(h5py, file, other):
    file.create_dataset("conv1_1/bias", (4,), "f4", external=[(str(other), 0, 16)])


def _as_a_view(h5py, file, other):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(other), "conv1_1/bias", (4,))
    file.create_virtual_dataset("conv1_1/bias", layout)


def _as_a_link(h5py, file, other):
    file["conv1_1/bias"] = h5py.ExternalLink(str(other), "/conv1_1/bias")


@pytest.mark.parametrize("place, words", [
    (_as_raw_bytes, "conv1_1/bias are in another file"),
    (_as_a_view, "conv1_1/bias are in another file"),
    (_as_a_link, "has no datasets conv1_1/weight and conv1_1/bias")])
def test_no_other_file_is_read(place, words, small_weights, tmp_path):
    """The other file exists and has such biases, so that following the reference would work."""
    h5py = pytest.importorskip("h5py")
    path, other = tmp_path / "small.h5", tmp_path / "other.h5"
    for name in (path, other):
        small_file.write_small(name, small_weights)
    with h5py.File(path, "r+") as file:
        del file["conv1_1/bias"]
        place(h5py, file, other)
    with pytest.raises(WeightsError, match=words):
        small_file.read_small(path)


@pytest.mark.parametrize("shape, words", [
    ((4096, 4096, 3, 3), "at most 512 each"), ((512, 512, 3, 3), "takes 512 channels, but gets 3")])
def test_no_memory_is_taken_for_a_wrong_shape(small_weights, tmp_path, shape, words):
    """A file of a few kilobytes may state gigabytes of zeros."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "small.h5"
    small_file.write_small(path, small_weights)
    with h5py.File(path, "r+") as file:
        del file["conv1_1"]
        file.create_dataset("conv1_1/weight", shape, "f4")      # never written: zeros
        file.create_dataset("conv1_1/bias", shape[:1], "f4")
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match=words):
            small_file.read_small(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89HDF\r\n\x1a\n rest"])
def test_other_files_are_no_small(content, tmp_path):
    path = tmp_path / "file.h5"
    path.write_bytes(content)
    assert not small_file.is_small(path)
    assert not small_file.is_small(tmp_path / "missing.h5")
    with pytest.raises(WeightsError):
        small_file.read_small(path)
