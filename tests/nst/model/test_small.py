"""The small network that ships: its file, its layers, how near it is to VGG19, when it serves."""

import dataclasses
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigrad import Tensor, no_grad
from minigrad.errors import ArgumentError
from nst import Settings, demo, stylize
from nst.measure import metrics
from nst.model import small, vgg, weights
from nst.model.small import ADAPTED
from nst.model.small_file import read_small, write_small
from nst.pictures import tensors
from tools.distill import evaluation, plan
from weights_converter import vgg_spec

DATA = small.path().parent
CARD = (DATA / "README.md").read_text(encoding="utf-8")
LOG = (DATA / "training.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def network():
    return weights.load("small", "relu5_1", "cpu")


@pytest.fixture(scope="module")
def scene(network):
    picture = tensors.load(demo.scene_path(), "content").scaled(160)
    return tensors.to_tensor(picture, network, "cpu")


# --------------------------------------------------------------------- what it costs


def test_it_is_as_small_as_it_must_be():
    stored = read_small(small.path())
    shapes = {name: weight.shape for name, (weight, _) in stored.layers.items()}
    assert plan.count_parameters(stored.layers) <= 1_100_000
    assert small.path().stat().st_size <= 2_000_000
    assert plan.teacher_operations() == 361_152
    assert plan.operations(shapes) * 9 <= plan.teacher_operations()
    used = {*plan.FILTERS, *Settings().style_layers, *Settings().content_layers}
    assert plan.operations({name: shape for name, shape in shapes.items() if name in used}
                           ) * 10 <= plan.teacher_operations()
    assert shapes == plan.shapes()


def test_the_card_says_what_is_true():
    stored = read_small(small.path())
    shapes = {name: weight.shape for name, (weight, _) in stored.layers.items()}
    assert hashlib.sha256(small.path().read_bytes()).hexdigest() in CARD
    assert f"{plan.count_parameters(stored.layers):,} parameters" in CARD
    assert f"{small.path().stat().st_size:,} bytes" in CARD
    assert f"{plan.operations(shapes):,.0f} multiplications" in CARD
    for word in ("Simonyan", "CC BY", "public domain", "relu5_1", "held out"):
        assert word in CARD


def test_the_log_is_that_of_this_file():
    stored = read_small(small.path())
    seed, steps = re.fullmatch(r".*seed (\d+), (\d+) steps", stored.source).groups()
    assert f"--seed {seed}" in LOG and f"--steps {steps}" in LOG
    assert f"teacher sha256 {stored.source_sha256}" in LOG
    first = (DATA / "training-1.log").read_text(encoding="utf-8")
    assert re.search(r"^earlier network sha256 [0-9a-f]{64}$", LOG, re.MULTILINE)[0][-64:] in CARD
    assert "--steps 4000" in first and re.search(r"^step +4000 ", first, re.MULTILINE)
    assert re.search(rf"^step +{steps} ", LOG, re.MULTILINE)
    numbers = [int(n) for n in re.findall(r"^step +(\d+) ", LOG, re.MULTILINE)]
    assert set(numbers) >= set(range(25, int(steps) + 1, 25))


# ------------------------------------------------------------------------ its layers


def test_layers_have_the_shapes_of_vgg19(network):
    picture = Tensor(np.zeros((2, 3, 37, 50), np.float32))
    with no_grad():
        found = network.features(picture, tuple(ADAPTED))
    assert list(found) == list(ADAPTED)
    for layer, features in found.items():
        block = int(layer[4])
        height, width = 37 >> (block - 1), 50 >> (block - 1)
        channels = vgg_spec.WEIGHT_SHAPES[layer.replace("relu", "conv")][0]
        assert features.shape == (2, channels, height, width)
        assert features.numpy().min() >= 0


def test_no_more_is_computed_than_is_asked_for(network, scene):
    with no_grad():
        alone = network.features(scene, {"relu2_1"})
        all_of_them = network.features(scene, tuple(ADAPTED))
    assert list(alone) == ["relu2_1"]
    np.testing.assert_array_equal(alone["relu2_1"].numpy(), all_of_them["relu2_1"].numpy())
    assert network.features(scene, ()) == {}


@pytest.mark.parametrize("layer", ["conv4_2", "relu3_4", "relu5_2", "pool1"])
def test_a_layer_that_it_has_not(network, scene, layer):
    with pytest.raises(ArgumentError, match=f"no layer {layer}.*relu1_1.*--weights"):
        network.features(scene, {"relu1_1", layer})


@pytest.mark.parametrize("pooling", ["max", "avg", "avg-scaled"])
@pytest.mark.parametrize("padding", ["zeros", "replicate", "reflect"])
def test_pooling_and_padding_are_those_of_vgg(network, scene, pooling, padding):
    """Padding shows at the edge alone, pooling behind the first block alone."""
    with no_grad():
        plain, other = (network.features(scene, {"relu1_1", "relu2_1"}, *how)
                        for how in (("max", "zeros"), (pooling, padding)))
    np.testing.assert_allclose(other["relu1_1"].numpy()[..., 2:-2, 2:-2],
                               plain["relu1_1"].numpy()[..., 2:-2, 2:-2], rtol=1e-3, atol=1e-2)
    edge = other["relu1_1"].numpy()[..., 0, :] - plain["relu1_1"].numpy()[..., 0, :]
    assert (abs(edge).max() > 1) == (padding != "zeros")
    inside = (slice(None), slice(None), slice(5, -5), slice(5, -5))
    same = np.allclose(other["relu2_1"].numpy()[inside], plain["relu2_1"].numpy()[inside],
                       rtol=1e-3, atol=0.1)
    assert same == (pooling == "max")


@pytest.mark.oracle
def test_features_are_those_that_pytorch_computes(network, scene):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    stored = read_small(small.path())
    x, found = torch.tensor(scene.numpy() / np.float32(64)), {}
    for name in plan.FILTERS:
        if name.endswith("_1") and name != "conv1_1":
            x = functional.max_pool2d(x, 2)
        weight, bias = map(torch.tensor, stored.layers[name])
        x = functional.conv2d(x, weight, bias, padding=1).relu()
        for layer in (layer for layer, read in ADAPTED.items() if read == name):
            found[layer] = functional.conv2d(x, *map(torch.tensor, stored.layers[layer])).relu()
    with no_grad():
        actual = network.features(scene, tuple(ADAPTED))
    for layer, expected in found.items():
        scale = float(expected.abs().max())
        np.testing.assert_allclose(actual[layer].numpy(), expected.numpy(), rtol=0,
                                   atol=1e-4 * scale)


def test_it_follows_vgg19_on_a_picture_that_it_has_not_seen(network, real_weights):
    """The demonstration's pictures are held out; VGG19 is not on every machine."""
    teacher = weights.load(str(real_weights), "relu5_1", "cpu")
    found = [evaluation.feature_errors(network, teacher,
                                       tensors.load(path, "held-out").scaled(192))
             for path in (demo.scene_path(), demo.painting_path())]
    errors = evaluation.mean([one.values for one in found])
    distances = evaluation.mean([one.distances for one in found])
    most = {"relu1_1": 0.05, "relu2_1": 0.25, "relu3_1": 0.4, "relu4_1": 0.45, "relu4_2": 0.55,
            "relu5_1": 0.85}
    assert set(errors) == set(ADAPTED)
    assert all(errors[layer] < most[layer] for layer in most), errors
    assert all(distance < 0.7 for distance in distances.values()), distances


# --------------------------------------------------------------------- when it serves


def test_it_paints_where_there_is_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "cache_file", lambda: tmp_path / "vgg19.h5")
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    assert weights.find() == "small"
    (tmp_path / "vgg19.h5").touch()
    assert weights.find() == str(tmp_path / "vgg19.h5")
    assert weights.find("small") == "small"


def test_a_network_without_some_adapters(tmp_path, scene):
    written = read_small(small.path())
    layers = {name: pair for name, pair in written.layers.items() if name != "relu3_1"}
    write_small(tmp_path / "copy.h5", dataclasses.replace(written, layers=layers))
    loaded = weights.load(str(tmp_path / "copy.h5"), "relu4_1", "cpu")
    assert not loaded.has_layer("relu3_1") and loaded.has_layer("relu3_2")
    with pytest.raises(ArgumentError, match=r"no layer relu3_1, only relu1_1.*relu3_2"):
        loaded.features(scene, {"relu1_1", "relu3_1"})


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_weights_that_overflow_are_named_without_a_warning(tmp_path, pictures, run_here):
    written = read_small(small.path())
    layers = {name: (np.full_like(weight, 65504), bias)
              for name, (weight, bias) in written.layers.items()}
    write_small(tmp_path / "large.h5", dataclasses.replace(written, layers=layers))
    done = run_here(*pictures, "-o", "o.png", "--weights", tmp_path / "large.h5", "--size", 32,
                    "--iterations", 2)
    assert done.returncode == 3 and "too large for float32; check the weights file" in done.stderr


def test_a_copy_of_the_file_serves_under_its_own_name(tmp_path, network, scene):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(small.path().read_bytes())
    loaded = weights.load(str(copy), "relu1_1", "cpu")
    assert isinstance(loaded, small.SmallNetwork) and loaded.source == str(copy)
    with no_grad():
        np.testing.assert_array_equal(loaded.features(scene, {"relu3_1"})["relu3_1"].numpy(),
                                      network.features(scene, {"relu3_1"})["relu3_1"].numpy())


def test_a_transfer_with_it_comes_near_to_the_style(network):
    """Measured by itself here: the figures by VGG19 are in the card."""
    size, content, style = 48, demo.scene_path(), demo.painting_path()
    result = stylize(content, style, Settings(size=size, iterations=24, weights="small",
                                              device="cpu"))
    assert result.weights == "small" and result.history[-1].total < result.history[0].total
    before, after = (metrics.measure(picture, tensors.load(content, "content").scaled(size),
                                     tensors.load(style, "style").scaled(size), network, "cpu")
                     for picture in (tensors.load(content, "content").scaled(size), result.picture))
    assert after.style_mean < 0.6 * before.style_mean


def test_the_command_says_that_it_is_the_small_one(run_here, pictures, tmp_path):
    quick = ("--size", 48, "--iterations", 2, "--device", "cpu")
    done = run_here(*pictures, "-o", "out.png", *quick)
    assert done.returncode == 0, done.stderr
    assert "comes with nst" in done.stdout and "fetch vgg19" in done.stdout
    assert Image.open(tmp_path / "out.png").size == (48, 36)
    refused = run_here(*pictures, "-o", "other.png", *quick, "--style-layers", "relu3_4")
    assert refused.returncode == 2 and "no layer relu3_4" in refused.stderr
    assert not (tmp_path / "other.png").exists()


def test_every_layer_name_is_one_of_vgg19():
    assert set(ADAPTED) < set(vgg.LAYERS)
    assert all(isinstance(path, Path) and path.is_file()
               for path in (small.path(), *(DATA / name for name in (
                   "README.md", "training.log", "training-1.log"))))
