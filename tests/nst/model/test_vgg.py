"""The network: names, how far it runs, and where its weights come from."""

import numpy as np
import pytest
from PIL import Image

import minigrad
from minigrad.errors import ArgumentError
from nst import demo
from nst.model import vgg, weights
from weights_converter import Weights, WeightsError, write_weights


def test_layers_are_those_of_the_paper():
    assert len(vgg.LAYERS) == 16 + 16 + 5
    assert vgg.LAYERS[:6] == ("conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1")
    assert vgg.LAYERS[-3:] == ("conv5_4", "relu5_4", "pool5")


@pytest.mark.parametrize("layer, convolution", [("conv1_1", "conv1_1"), ("relu4_2", "conv4_2"),
                                                ("pool3", "conv3_4")])
def test_last_convolution(layer, convolution):
    assert vgg.last_convolution(layer) == convolution


@pytest.mark.parametrize("layer", ["relu1_1", "pool1", "conv3_4", "relu5_1", "pool5"])
def test_size_at_is_the_size_of_the_features(layer, device):
    network = weights.load("random:0", layer, device)
    found = network.features(minigrad.zeros(1, 3, 39, 50, device=device), [layer])[layer]
    assert found.shape[2:] == vgg.size_at(layer, 39, 50)


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_features_follow_from_each_other(pooling, device, rng):
    """conv, ReLU and pooling as NumPy says, layer after layer."""
    network = weights.load("random:3", "conv2_1", device)
    x = minigrad.tensor(rng.standard_normal((1, 3, 7, 6)).astype("f"), device=device)
    found = network.features(x, ["conv1_2", "relu1_2", "pool1", "conv2_1"], pooling)
    conv, relu, pool = (found[name].numpy() for name in ("conv1_2", "relu1_2", "pool1"))
    np.testing.assert_array_equal(relu, np.maximum(conv, 0))
    assert (conv < 0).any()
    windows = relu[:, :, :6].reshape(1, 64, 3, 2, 3, 2)         # the odd row is dropped
    expected = windows.max((3, 5)) if pooling == "max" else windows.mean((3, 5))
    np.testing.assert_allclose(pool, expected, rtol=1e-6)
    assert found["conv2_1"].shape == (1, 128, 3, 3)


@pytest.mark.parametrize("padding, mode", [("zeros", "constant"), ("replicate", "edge"),
                                           ("reflect", "reflect")])
@pytest.mark.parametrize("layer", ["conv1_1", "relu1_1"])
def test_padding_of_the_picture_is_the_first_layers_alone(padding, mode, layer, device, rng):
    network = weights.load("random:3", "conv1_2", device)
    x = rng.standard_normal((1, 3, 6, 5)).astype("f")
    wider = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode)
    inner = network.features(minigrad.tensor(wider, device=device), [layer])[layer]
    found = network.features(minigrad.tensor(x, device=device), [layer, "conv1_2"], "max", padding)
    np.testing.assert_allclose(found[layer].numpy(), inner.numpy()[:, :, 1:-1, 1:-1], atol=1e-4)
    assert found["conv1_2"].shape == (1, 64, 6, 5)


def test_scaled_average_pooling_keeps_the_size_of_features(real_weights):
    """Of relu5_1, within a seventh of that of max pooling; plain averages leave a fifth of it."""
    network = weights.load(str(real_weights), "relu5_1", "cpu")
    scene = np.asarray(Image.open(demo.scene_path()).resize((128, 96)), "f")
    centred = scene[..., ::-1] - np.array(network.mean, "f")
    x = minigrad.tensor(centred.transpose(2, 0, 1)[None].copy())
    size = {pooling: float(np.square(network.features(x, ["relu5_1"], pooling)["relu5_1"].numpy())
                           .mean() ** 0.5) for pooling in ("max", "avg", "avg-scaled")}
    assert size["avg-scaled"] == pytest.approx(size["max"], rel=0.14)
    assert size["avg"] < 0.25 * size["max"]


def test_only_what_is_asked_for_is_loaded_and_run():
    network = weights.load("random:0", "relu2_1", "cpu")
    assert list(network.parameters) == ["conv1_1", "conv1_2", "conv2_1"]
    x = minigrad.zeros(1, 3, 4, 4)
    assert list(network.features(x, {"relu1_1"})) == ["relu1_1"]


def test_weights_are_frozen():
    network = weights.load("random:0", "conv1_1", "cpu")
    assert not any(tensor.requires_grad for pair in network.parameters.values() for tensor in pair)


def test_random_weights_keep_the_size_of_the_signal():
    """He initialisation: the mean square of a layer's output stays about that of its input."""
    x = minigrad.tensor(np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype("f"))
    found = weights.load("random:5", "relu3_4", "cpu").features(x, ["relu1_1", "relu3_4"])
    first, last = (float((tensor.numpy() ** 2).mean()) for tensor in found.values())
    assert 0.1 < last / first < 10


def test_random_weights_follow_their_seed_and_are_a_prefix():
    short, whole = weights.random_weights(1, "conv2_1"), weights.random_weights(1, "conv3_1")
    for name, (weight, _) in short.layers.items():
        np.testing.assert_array_equal(weight, whole.layers[name][0])
    assert (short.layers["conv1_1"][0] != weights.random_weights(2, "conv1_1")
            .layers["conv1_1"][0]).all()


@pytest.mark.parametrize("source", ["random:", "random:-1", "random:x",
                                    pytest.param("random:" + "1" * 4400, id="4,400 digits")])
def test_a_random_network_needs_a_seed(source):
    with pytest.raises(ArgumentError, match="followed by a whole number"):
        weights.load(source, "conv1_1", "cpu")


def test_search_order(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "cache_file", lambda: tmp_path / "vgg19.h5")
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    monkeypatch.setattr(weights.small, "path", lambda: tmp_path / "lost.h5")
    with pytest.raises(weights.NoWeightsError) as error:
        weights.find()
    assert len(str(error.value).splitlines()) == 2
    (tmp_path / "vgg19.h5").touch()
    assert weights.find() == str(tmp_path / "vgg19.h5")
    monkeypatch.setenv("NST_WEIGHTS", "of_the_variable.h5")
    assert weights.find() == "of_the_variable.h5"
    assert weights.find("named.h5") == "named.h5"


def test_a_file_that_stops_early_serves_what_it_holds(tmp_path):
    path = tmp_path / "short.h5"
    short = weights.random_weights(0, "conv2_1")
    write_weights(path, Weights(**{**vars(short), "source_sha256": "0" * 64}))
    assert list(weights.load(str(path), "relu2_1", "cpu").parameters)[-1] == "conv2_1"
    with pytest.raises(WeightsError, match=r"short\.h5 .*conv2_2"):
        weights.load(str(path), "pool2", "cpu")


def test_weights_for_pixels_between_0_and_1_get_them(tmp_path, device):
    """The same network in torchvision's convention gives the same features."""
    oxford = weights.random_weights(0, "conv1_1")
    mean, std = np.array([.485, .456, .406]), np.array([.229, .224, .225])
    weight, bias = oxford.layers["conv1_1"]
    # Its kernels are ours for RGB, times 255·σ for what the input was divided by.
    rgb = (weight[:, ::-1] * (255 * std)[:, None, None]).astype("f")
    torchvision = Weights(**{**vars(oxford), "layers": {"conv1_1": (rgb, bias)},
                             "source_sha256": "0" * 64, "color_order": "RGB",
                             "input_range": (0.0, 1.0), "mean": tuple(mean), "std": tuple(std)})
    path = tmp_path / "torchvision.h5"
    write_weights(path, torchvision)
    one, other = (weights.load(source, "conv1_1", device) for source in ("random:0", str(path)))
    np.testing.assert_allclose(other.mean, 255 * mean, rtol=1e-6)
    x = np.random.default_rng(0).uniform(-100, 100, (1, 3, 5, 5)).astype("f")
    features = [network.features(minigrad.tensor(picture, device=device), ["conv1_1"])["conv1_1"]
                for network, picture in ((one, x), (other, x[:, ::-1].copy()))]
    np.testing.assert_allclose(features[0].numpy(), features[1].numpy(), rtol=1e-4, atol=1e-3)
