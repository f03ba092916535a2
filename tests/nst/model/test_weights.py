"""VGG16 and half-precision files in the style transfer; where weights are looked for."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minigrad
import minigrad.functional as F
from minigrad.errors import ArgumentError
from nst import demo
from nst.model import weights
from weights_converter import WeightsError, vgg_spec, write_weights

KERAS_FILE = Path(__file__).parents[4] / "shared" / "weights" / "vgg19_notop_keras_layout.h5"


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory):
    """A file of VGG16 that stops at conv4_1, with random numbers."""
    made = weights.random_weights(2, "conv4_1")
    names = vgg_spec.layers_of("vgg16")[:8]
    path = tmp_path_factory.mktemp("vgg16") / "vgg16.h5"
    write_weights(path, replace(made, layers={name: made.layers[name] for name in names},
                                architecture="vgg16", source_sha256="0" * 64))
    return str(path)


def test_vgg16_runs_without_the_layers_that_it_has_not(vgg16, rng):
    picture = minigrad.tensor(rng.standard_normal((1, 3, 16, 16)).astype("f"))
    network = weights.load(vgg16, "relu4_1", "cpu")
    found = network.features(picture, ["relu3_3", "pool3", "relu4_1"])
    np.testing.assert_array_equal(found["pool3"].numpy(),
                                  F.max_pool2d(found["relu3_3"], 2).numpy())
    assert found["relu4_1"].shape == (1, 512, 2, 2)


def test_vgg16_as_far_as_a_pool(vgg16, rng):
    network = weights.load(vgg16, "pool3", "cpu")
    assert list(network.parameters)[-1] == "conv3_3"
    picture = minigrad.tensor(rng.standard_normal((1, 3, 16, 16)).astype("f"))
    assert network.features(picture, ["pool3"])["pool3"].shape == (1, 256, 2, 2)


@pytest.mark.parametrize("layer", ["conv3_4", "relu3_4"])
def test_a_layer_that_vgg16_has_not_is_refused(vgg16, rng, layer):
    with pytest.raises(WeightsError, match="has no layer conv3_4: it has conv1_1"):
        weights.load(vgg16, layer, "cpu")
    network = weights.load(vgg16, "relu4_1", "cpu")
    message = f"{layer} is requested, .* no conv3_4: they are those of VGG16"
    with pytest.raises(ArgumentError, match=message):
        network.features(minigrad.zeros(1, 3, 16, 16), [layer, "relu4_1"])


def test_a_pool_that_a_short_vgg19_does_not_reach(tmp_path):
    made = replace(weights.random_weights(2, "conv3_3"), source_sha256="0" * 64)
    write_weights(tmp_path / "w.h5", made)
    with pytest.raises(WeightsError, match="has no layer conv3_4"):
        weights.load(str(tmp_path / "w.h5"), "pool3", "cpu")


def test_half_precision_files_compute_in_float32(tmp_path):
    made = weights.random_weights(2, "conv1_2")
    layers = {name: tuple(array.astype("f2").astype("f4") for array in pair)
              for name, pair in made.layers.items()}
    write_weights(tmp_path / "w.h5", replace(made, layers=layers, dtype="float16",
                                             source_sha256="0" * 64))
    weight, bias = weights.load(str(tmp_path / "w.h5"), "conv1_2", "cpu").parameters["conv1_2"]
    assert weight.dtype == bias.dtype == np.float32
    np.testing.assert_array_equal(weight.numpy(), layers["conv1_2"][0])


def test_half_precision_costs_little(real_weights, tmp_path):
    """The table in docs/weights.md, on one picture: features and Gram matrices, relatively."""
    from weights_converter import convert

    half = tmp_path / "half.h5"
    convert(KERAS_FILE, half, dtype="float16", layers="conv1_1..conv5_1")
    assert half.stat().st_size < 26_000_000
    picture = np.asarray(Image.open(demo.scene_path()).resize((96, 96)), np.float32)
    layers = ["relu1_1", "relu3_1", "relu5_1"]
    found = []
    for path in (real_weights, half):
        network = weights.load(str(path), "relu5_1", "cpu")
        centred = picture[None].transpose(0, 3, 1, 2)[:, ::-1] - np.float32(network.mean).reshape(
            1, 3, 1, 1)
        found.append(network.features(minigrad.tensor(centred), layers))
    for layer in layers:
        full, rounded = (features[layer].numpy()[0].reshape(features[layer].shape[1], -1)
                         for features in found)
        for a, b in ((full, rounded), (full @ full.T, rounded @ rounded.T)):
            assert 1e-5 < np.linalg.norm(a - b) / np.linalg.norm(a) < 1e-3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the folders of Linux")
def test_the_cache_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.cache_file() == tmp_path / "nst" / "vgg19.h5"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert weights.cache_file() == Path.home() / ".cache" / "nst" / "vgg19.h5"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert weights.cache_file() == Path.home() / ".cache" / "nst" / "vgg19.h5"


@pytest.mark.parametrize("module, folder", [
    ("unix", ".cache/nst"), ("macos", "Library/Caches/nst"), ("windows", "AppData/Local/nst")])
def test_the_cache_folder_of_each_system(module, folder, monkeypatch, tmp_path):
    """The folders are those of earlier versions, which knew them without a library."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.windows.get_win_folder",
                        lambda name: str(tmp_path / "AppData" / "Local"))
    system = importlib.import_module(f"platformdirs.{module}")
    system_class = {"unix": "Unix", "macos": "MacOS", "windows": "Windows"}[module]
    monkeypatch.setattr("platformdirs.PlatformDirs", getattr(system, system_class))
    assert weights.cache_file() == tmp_path / folder / "vgg19.h5"


def test_the_order_in_which_weights_are_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("NST_WEIGHTS", "from-the-environment.h5")
    assert weights.find("named.h5") == "named.h5"
    assert weights.find() == "from-the-environment.h5"
    monkeypatch.delenv("NST_WEIGHTS")
    weights.cache_file().parent.mkdir()
    weights.cache_file().write_bytes(b"")
    assert weights.find() == str(weights.cache_file())


def test_the_hint_is_for_those_who_have_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    assert weights.full_network_is_missing("small")
    assert not weights.full_network_is_missing("random:0")
    weights.cache_file().parent.mkdir()
    weights.cache_file().write_bytes(b"")
    assert not weights.full_network_is_missing("small")
    weights.cache_file().unlink()
    monkeypatch.setenv("NST_WEIGHTS", "vgg19.h5")
    assert not weights.full_network_is_missing("small")


def test_one_line_says_how_to_fetch():
    assert "python -m weights_converter fetch vgg19" in weights.HOW_TO_FETCH
    assert "\n" not in weights.HOW_TO_FETCH
