"""What settings allow, and what they say about the rest."""

import dataclasses

import pytest

from minigrad.errors import ArgumentError
from nst import Settings
from nst.config.presets import PRESETS
from nst.model import vgg


def test_balanced_is_the_default_preset():
    assert Settings.preset("balanced") == Settings.preset() == Settings()


@pytest.mark.parametrize("preset", PRESETS)
def test_explicit_values_beat_the_preset(preset):
    explicit = {"size": 99, "style_weight": 7.0, "pooling": "avg", "scales": 2,
                "padding": "reflect", "auto_weights": True, "iterations": 5, "norm": "mse",
                "average": 0.5}
    found = Settings.preset(preset, **explicit)
    assert {name: getattr(found, name) for name in explicit} == explicit


def test_preset_gatys_is_the_method_as_published():
    gatys = Settings.preset("gatys")
    assert gatys.style_layers == dict.fromkeys(
        ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"], 0.2)
    assert (gatys.content_layers, gatys.content_weight, gatys.style_weight) == (
        {"relu4_2": 1.0}, 1, 1000)
    assert (gatys.norm, gatys.pooling, gatys.padding, gatys.scales, gatys.auto_weights) == (
        "gatys", "max", "zeros", 1, False)


def test_preset_gatys_names_all_that_shapes_the_result():
    """So that it stays as it is when defaults move; the rest says what is to be painted."""
    pictures_and_places = {"canvas", "blend", "content_mask", "region_masks", "style_masks",
                           "weights", "device", "precision", "seed", "max_memory", "tile",
                           "processes"}
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert set(PRESETS["gatys"]) == fields - pictures_and_places


def test_auto_is_none_where_none_is_allowed():
    assert Settings(size="auto", scales="auto", learning_rate="auto", init="auto") == Settings()
    with pytest.raises(ArgumentError, match="iterations must be a whole number"):
        Settings(iterations=None)


def test_where_to_start_by_default():
    assert Settings().start == Settings(colors="affine").start == "content"
    assert Settings(style_weight=0).start == Settings(content_weight=0).start == "random"
    assert Settings(style_weight=0, init="content").start == "content"


@pytest.mark.parametrize("name", ["content", "style", "tv", "palette"])
def test_weights_fit_float32(name):
    with pytest.raises(ArgumentError, match=rf"^{name}-weight is 1e\+300, but must be 0 or from "
                       r"1e-20 to 1e\+30: gradients are float32$"):
        Settings(**{f"{name}_weight": 1e300})
    assert getattr(Settings(**{f"{name}_weight": 1e30}), f"{name}_weight") == 1e30


@pytest.mark.parametrize("weight", [1e-21, 1e31])
def test_weights_of_layers_fit_float32(weight):
    with pytest.raises(ArgumentError, match=r"the weight of relu1_1 is .*, but must be from 1e-20"):
        Settings(style_layers={"relu1_1": weight, "relu2_1": 1})


@pytest.mark.parametrize("canvas", ["640x480", "640×480", "640X480", (640, 480), [640, 480]])
def test_canvas_in_several_forms(canvas):
    assert Settings(content_weight=0, canvas=canvas).canvas == (640, 480)


@pytest.mark.parametrize("blend", ["1,3", [1, 3], (1.0, 3.0)])
def test_blend_in_several_forms(blend):
    assert Settings(blend=blend).blend == (1.0, 3.0)


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
    ({"size": 2.5}, "size must be a whole number, 1 or more, not 2.5"),
    ({"iterations": 0}, "iterations is 0"),
    ({"seed": -1}, "seed is -1"),
    ({"style_weight": -1}, "style-weight is -1, but must be finite and 0 or more"),
    ({"content_weight": float("nan")}, "content-weight is nan"),
    ({"tv_weight": float("inf")}, "tv-weight is inf"),
    ({"learning_rate": 0}, "learning-rate is 0, but must be finite and above 0"),
    ({"content_weight": 0, "style_weight": 0}, "both 0"),
    ({"optimizer": "newton"}, "optimizer must be one of lbfgs, adam, sgd, not 'newton'"),
    ({"pooling": "min"}, "pooling must be one of max, avg"),
    ({"norm": "l2"}, "norm must be one of gatys, gatys2016, johnson, mse, sum"),
    ({"scales": 0}, "scales is 0, but must be 1 or more"),
    ({"style_scale": 0}, "style-scale is 0"),
    ({"average": 1}, "average is 1, but must be finite and 0 or more and below 1"),
    ({"clamp": "yes"}, "clamp must be true or false, not 'yes'"),
    ({"colors": "mine"}, "colors must be one of style, luminance, affine, histogram"),
    ({"canvas": "640", "content_weight": 0},
     "canvas must be WIDTHxHEIGHT in pixels, as in 640x480"),
    ({"canvas": "0x4", "content_weight": 0}, "canvas is 0, but must be 1 or more"),
    ({"canvas": "64x48"}, "set content-weight to 0"),
    ({"blend": "1,x"}, "blend must be a number, 0 or more, not 'x'"),
    ({"blend": [0, 0]}, "at least one number must be above 0"),
    ({"blend": 3}, "blend must be a list of numbers, not 3"),
    ({"region_masks": 3}, "region-masks must be a list"),
    ({"lr_schedule": "cosine", "optimizer": "lbfgs"}, "line search of lbfgs finds its own"),
    ({"style_layers": "relu1_1,relu1_1"}, "names the layer relu1_1 twice"),
    ({"style_layers": "relu1_1=-2"}, "the weight of relu1_1 is -2"),
    ({"style_layers": "relu1_1=x"}, "the weight of relu1_1 must be a number"),
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
    with pytest.raises(ArgumentError, match=r"preset must be one of fast, .*, gatys, not 'best'"):
        Settings.preset("best")


NINES, HEX = 10**400 - 1, 16**5000 - 1


@pytest.mark.parametrize("name", sorted(field.name for field in dataclasses.fields(Settings)
                                        if field.name not in ("content_mask", "init")))
@pytest.mark.parametrize("value", [NINES, HEX, "9" * 400, 1e308, [NINES], [HEX] * 10**5],
                         ids=["int", "hex", "text", "float", "list", "long list"])
def test_numbers_without_end_get_a_short_sentence(name, value):
    """No more digits than Python writes, no overflow, and no list in full."""
    if (name in ("weights", "device") and isinstance(value, str)) or (
            name.endswith("_masks") and not isinstance(value, (int, float))) or (
            name == "blend" and value == [1e308]):
        return                          # these are names
    with pytest.raises(ArgumentError) as error:
        Settings(**{name: value})
    assert str(error.value).startswith(name.replace("_", "-")) and len(str(error.value)) < 600


@pytest.mark.parametrize("options", [
    {"style_layers": {"relu1_1": NINES}}, {"style_layers": {"a" * 10**6: 1}},
    {"style_layers": ["b" * 10**6]}, {"style_layers": [HEX]}, {"blend": [1.0, HEX]},
    {"max_memory": "9" * 305 + "TB"}, {"canvas": f"{10**30}x5", "content_weight": 0},
    {"size": 10**6 + 1}, {"iterations": 10**9 + 1}, {"regions": 21}, {"seed": 2**63},
    {"style_scale": 100_001}], ids=lambda options: next(iter(options)))
def test_bounds(options):
    with pytest.raises(ArgumentError) as error:
        Settings(**options)
    assert str(error.value).isprintable() and len(str(error.value)) < 600
