"""Figures of quality: known values, and what they should react to."""

import re

import numpy as np
import pytest

import minigrad.functional as F
from minigrad.errors import ArgumentError
from nst.measure import artefacts, metrics, slices, table
from nst.model import weights
from nst.pictures import tensors
from nst.pictures.picture import Picture

pytestmark = pytest.mark.usefixtures("narrow_network")

LAYERS = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_2",)}


@pytest.fixture(scope="module")
def network():
    return weights.load("random:0", "relu2_2", "cpu")


# --------------------------------------------------------------------------- features


def test_content_and_style_are_at_distance_zero_of_themselves(network, colours):
    content, style = (tensors.load(colours(*size), "content")
                      for size in ((40, 60, 1), (50, 30, 2)))
    as_content = metrics.measure(content, content, style, network, "cpu", **LAYERS)
    assert as_content.content == {"relu2_2": 0} and as_content.ssim == 1
    assert as_content.border == artefacts.border_index(content.pixels)
    assert min(as_content.style.values()) > 0.01
    as_style = metrics.measure(style, style, style, network, "cpu", **LAYERS)
    assert as_style.style == as_style.swd == {"relu1_1": 0, "relu2_1": 0}
    assert as_style.swd_unused == {"relu1_2": 0, "relu2_2": 0}
    assert (as_style.color_distance, as_style.ripples, as_style.clipped) == (0, 1, 0)
    other = metrics.measure(style.resized((60, 40)), content, style, network, "cpu", **LAYERS)
    assert other.content["relu2_2"] > 0.1 and other.ssim < 0.9
    assert other.style_mean < as_content.style_mean


def test_distances_by_definition(network, colours, rng):
    content, style = (tensors.load(colours(32, 48, seed), "content") for seed in (3, 4))
    result = Picture(rng.uniform(0, 255, (32, 48, 3)).astype(np.float32))
    quality = metrics.measure(result, content, style, network, "cpu", **LAYERS)

    def features(picture, layer):
        return network.features(tensors.to_tensor(picture, network, "cpu"), {layer})[layer]

    f, p = (features(x, "relu2_2").numpy() for x in (result, content))
    assert quality.content["relu2_2"] == pytest.approx(
        np.sqrt(((f - p) ** 2).sum() / (p**2).sum()), rel=1e-5)
    g, a = (F.gram_matrix(features(x, "relu1_1")).numpy() for x in (result, style))
    assert quality.style["relu1_1"] == pytest.approx(
        np.sqrt(((g - a) ** 2).sum() / (a**2).sum()), rel=1e-4)


def test_the_size_of_the_style_does_not_count(network, colours):
    """Gram matrices are per position: a wider picture of the same kind is as near."""
    content = tensors.load(colours(32, 32, 5), "content")
    tile = np.asarray(tensors.load(colours(32, 32, 6), "style"))
    once, twice = (metrics.measure(content, content, Picture(np.tile(tile, (1, n, 1))), network,
                                   "cpu", **LAYERS) for n in (1, 2))
    assert once.style["relu1_1"] == pytest.approx(twice.style["relu1_1"], rel=0.05)


def test_another_content_is_noticed(network, colours):
    wide, tall = (tensors.load(colours(*size, 1), "content") for size in ((30, 60), (60, 30)))
    with pytest.raises(ArgumentError, match="result is 60×30 pixels, but the content scaled to "
                                            "that would be 30×60"):
        metrics.measure(wide, tall, wide, network, "cpu", **LAYERS)
    with pytest.raises(ArgumentError, match="finished picture is 4×4"):
        small = tensors.load(colours(4, 4, 1), "content")
        metrics.measure(small, small, wide, network, "cpu", ("relu5_1",), ("relu4_2",))


# ------------------------------------------------------------------- what can be measured


def test_each_picture_passes_through_the_network_once(network, colours, monkeypatch):
    content, style = (tensors.load(colours(*size), "content")
                      for size in ((40, 60, 1), (50, 30, 2)))
    walks, walk = [], type(network).walk
    monkeypatch.setattr(type(network), "walk",
                        lambda *arguments: walks.append(1) or walk(*arguments))
    metrics.measure(content, content, style, network, "cpu", **LAYERS)
    assert len(walks) == 3


def test_swd_is_that_of_the_features(network, colours):
    content, style = (tensors.load(colours(*size), "content")
                      for size in ((40, 60, 1), (50, 30, 2)))
    quality = metrics.measure(content, content, style, network, "cpu", **LAYERS)
    for layer, found in {**quality.swd, **quality.swd_unused}.items():
        one, other = (slices.quantiles(
            network.features(tensors.to_tensor(each, network, "cpu"), {layer})[layer].numpy()[0]
            .reshape(-1, each.width * each.height // 4 ** (int(layer[4]) - 1)))
            for each in (content, style))
        assert found == slices.relative_distance(one, other) > 0.01
    assert quality.swd_mean == pytest.approx(sum(quality.swd.values()) / 2)


def test_a_network_without_the_unused_layers():
    """The small network has adapters for some layers only: a figure less, not an error."""
    network = weights.load("small", metrics.DEEPEST, "cpu")
    known = [layer for layer in metrics.UNUSED_LAYERS if network.has_layer(layer)]
    picture = Picture(np.random.default_rng(3).integers(0, 255, (32, 48, 3), np.uint8))
    quality = metrics.measure(picture, picture, Picture(picture.pixels[::-1, :32]), network, "cpu")
    assert list(quality.swd_unused) == known and len(quality.swd) == 5
    lacking = metrics.Quality(**{**vars(quality), "swd_unused": {}})
    assert lacking.swd_unused_mean is None and lacking.record()["swd_unused_mean"] is None
    assert "the network has none of these layers" in table.rows(lacking)[1][2]
    assert "unused layers –" in table.line(lacking)
    shallow = weights.load("random:0", "relu1_1", "cpu")
    assert not shallow.has_layer("relu1_2") and shallow.has_layer("relu1_1")


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (40, 24)])
@pytest.mark.parametrize("plain", [True, False], ids=["one colour", "noise"])
def test_every_figure_is_a_number_or_none(network, size, plain, rng):
    """Also of one pixel and of one colour; the sentences say a dash."""
    pixels = [np.full((*size, 3), level, np.uint8) if plain
              else rng.integers(0, 255, (*size, 3), np.uint8) for level in (3, 200, 90)]
    layers = {"style_layers": ("relu1_1",), "content_layers": ("relu1_2",)}
    for which in ((0, 1, 2), (0, 0, 0), (1, 0, 2)):
        quality = metrics.measure(*(Picture(pixels[k]) for k in which), network, "cpu", **layers)
        record = quality.record()
        assert not [value for value in (*record.values(), *record["swd"].values())
                    if isinstance(value, float) and not np.isfinite(value)]
        assert not re.search(r"\b(nan|inf)\b", f"{table.rows(quality)} {table.line(quality)}")


def test_features_without_end_are_no_figure():
    """Weights at which float32 overflows."""
    endless, zeros = (metrics.View({}, {"relu1_1": gram}, {"relu1_1": gram}) for gram in
                      (np.full((2, 2), np.inf, np.float32), np.zeros((2, 2), np.float32)))
    assert endless.gram_errors(endless) == endless.content_errors(zeros) == {"relu1_1": None}
