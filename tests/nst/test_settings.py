"""What settings allow, and what they say about the rest."""

import dataclasses

import pytest

from minigrad.errors import ArgumentError
from nst import Settings, vgg


def test_preset_gatys_names_exactly_the_defaults():
    assert Settings.preset("gatys") == Settings()


def test_explicit_values_beat_the_preset():
    assert Settings.preset("gatys", size=99, style_weight=7) == Settings(size=99, style_weight=7)


def test_default_style_layers_share_one():
    layers = Settings().style_layers
    assert list(layers) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    assert set(layers.values()) == {0.2}


@pytest.mark.parametrize("layers", ["conv4_2=2,pool1=0.5", ["conv4_2=2", "pool1=0.5"],
                                    {"conv4_2": 2, "pool1": 0.5}])
def test_layers_in_three_forms(layers):
    assert Settings(content_layers=layers).content_layers == {"conv4_2": 2.0, "pool1": 0.5}


def test_unweighted_layers_share_one_among_all_that_are_named():
    assert Settings(style_layers="relu1_1,relu2_1=3").style_layers == {
        "relu1_1": 0.5, "relu2_1": 3.0}


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().size = 3


def test_a_term_without_weight_needs_no_layers():
    assert Settings(style_weight=0).layers == {"relu4_2"}
    assert Settings(content_weight=0, style_layers="relu1_1").layers == {"relu1_1"}


@pytest.mark.parametrize("wrong, sentence", [
    ({"size": -5}, "size is -5, but must be 1 or more"),
    ({"size": 2.5}, "size is a whole number, 1 or more, not 2.5"),
    ({"iterations": 0}, "iterations is 0"),
    ({"seed": -1}, "seed is -1"),
    ({"style_weight": -1}, "style-weight is -1, but must be finite and 0 or more"),
    ({"content_weight": float("nan")}, "content-weight is nan"),
    ({"tv_weight": float("inf")}, "tv-weight is inf"),
    ({"learning_rate": 0}, "learning-rate is 0, but must be finite and above 0"),
    ({"content_weight": 0, "style_weight": 0}, "both 0"),
    ({"optimizer": "newton"}, "optimizer is one of lbfgs, adam, sgd, not 'newton'"),
    ({"pooling": "min"}, "pooling is one of max, avg"),
    ({"norm": "l2"}, "norm is one of gatys, mse, sum"),
    ({"style_layers": "relu1_1,relu1_1"}, "names the layer relu1_1 twice"),
    ({"style_layers": "relu1_1=-2"}, "the weight of relu1_1 is -2"),
    ({"style_layers": "relu1_1=x"}, "the weight of relu1_1 is a number"),
    ({"style_layers": ""}, "names the layer ''"),
    ({"style_layers": {}}, "names no layer"),
])
def test_impossible_values_are_named(wrong, sentence):
    with pytest.raises(ArgumentError) as error:
        Settings(**wrong)
    assert sentence in str(error.value)


def test_an_unknown_layer_lists_the_known_ones():
    with pytest.raises(ArgumentError) as error:
        Settings(content_layers="relu6_1")
    assert "'relu6_1'" in str(error.value)
    assert all(layer in str(error.value) for layer in vgg.LAYERS)


def test_unknown_preset():
    with pytest.raises(ArgumentError, match="preset is one of gatys, not 'best'"):
        Settings.preset("best")
