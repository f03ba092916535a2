"""What goes into a run: which pictures, at which sizes, in whose colours."""

import dataclasses
import time

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import ArgumentError
from nst import Settings, stylize
from nst.job import inputs
from nst.job.fitting import fit_to_memory
from nst.job.transfer import prepare
from nst.pictures import colors
from nst.pictures.picture import Picture

pytestmark = pytest.mark.usefixtures("narrow_network")

SMALL = {"size": 32, "iterations": 3, "weights": "random:0", "content_layers": "relu2_1",
         "style_layers": "relu1_1,relu2_1"}


def load(pictures, content=True, style=True, **settings):
    return inputs.load(pictures[0] if content else None, pictures[1] if style else None,
                       Settings(**{**SMALL, **settings}))


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_an_initial_picture_of_another_shape_loses_its_sides():
    """A red square in the middle of blue sides."""
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[..., 2] = 255
    wide[:, 20:40] = (255, 0, 0)
    content = np.full((40, 40, 3), 128, np.uint8)
    loaded = inputs.load(content, content, Settings(init=wide, content_layers="relu1_1",
                                                    style_layers="relu1_1"))
    assert (np.asarray(loaded.initial)[:, 2:-2] == (255, 0, 0)).all()
    assert "60×20 pixels, which is not the shape of 40×40" in loaded.note
    same = inputs.load(content, content, Settings(init=content[:20, :20], content_layers="relu1_1",
                                                  style_layers="relu1_1"))
    assert same.note == ""


def test_style_scale_two_is_a_style_picture_twice_as_large(pictures):
    doubled = load(pictures, style_scale=2)
    larger = load(pictures, size=64)
    assert same(doubled.styles[0], larger.styles[0])
    assert doubled.content.size == (32, 24) and doubled.styles[0].size == (46, 64)


def test_a_texture_of_any_size(pictures):
    loaded = load(pictures, content=False, content_weight=0, canvas="50x20")
    assert (loaded.size, loaded.content, loaded.initial) == ((50, 20), None, None)
    assert loaded.styles[0].size == (23, 32)
    assert load(pictures, content=False, content_weight=0).size == (23, 32)
    result = stylize(None, pictures[1], Settings(**{**SMALL, "iterations": 30},
                                                   content_weight=0, canvas=(50, 20)))
    assert result.image.size == (50, 20)
    assert result.history[-1].content is None
    assert result.history[-1].style < 0.5 * result.history[0].style


def test_the_content_comes_back_out_of_noise_without_a_style(pictures, whole_network):
    result = stylize(pictures[0], None, Settings(**{**SMALL, "iterations": 120}, style_weight=0,
                                                      tv_weight=0))
    content = np.asarray(Image.open(pictures[0]).resize((32, 24), 1), float)
    assert result.history[0].content > 100 * result.history[-1].content
    assert np.corrcoef(content.ravel(), np.asarray(result.image, float).ravel())[0, 1] > 0.9


@pytest.mark.parametrize("missing, more, sentence", [
    ("content", {}, "there is no content picture, but content-weight is 1"),
    ("style", {}, "there is no style picture, but style-weight is"),
    ("content", {"content_weight": 0, "colors": "luminance"}, "colors is luminance"),
    ("content", {"content_weight": 0, "init": "content"}, "init is content, but there is no"),
    ("style", {"style_weight": 0, "init": "style"}, "init is style, but there is no"),
    ("content", {"content_weight": 0, "canvas": "32x1"}, "the painted picture is 32×1 pixels"),
])
def test_what_is_missing_is_named(pictures, missing, more, sentence):
    with pytest.raises(ArgumentError) as error:
        load(pictures, **{missing: False}, **more)
    assert sentence in str(error.value)


# ------------------------------------------------------------------------------- colours


def test_affine_colours_change_the_style_before_the_run(pictures):
    plain, matched = load(pictures), load(pictures, colors="affine")
    assert same(plain.content, matched.content)
    expected = colors.match_affine(np.asarray(plain.styles[0]), np.asarray(plain.content))
    np.testing.assert_array_equal(matched.styles[0].pixels, expected)


@pytest.mark.parametrize("name, function", [("luminance", colors.keep_luminance),
                                            ("histogram", colors.match_histogram)])
def test_colours_after_the_run_change_nothing_in_it(pictures, name, function):
    plain, recolored = (stylize(*pictures, Settings(**SMALL, colors=choice, init="content"))
                        for choice in ("style", name))
    assert [entry.total for entry in plain.history] == [entry.total for entry in recolored.history]
    content = np.asarray(load(pictures).content)
    np.testing.assert_array_equal(recolored.picture.pixels,
                                  function(plain.picture.pixels, content))


def test_the_transparency_of_the_content_is_kept(pictures):
    content = np.dstack([np.asarray(Image.open(pictures[0])), np.full((48, 64), 255, np.uint8)])
    content[:, :20, 3] = 0
    result = stylize(Image.fromarray(content), pictures[1], Settings(**{**SMALL, "size": 64}))
    assert result.image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(result.image)[..., 3], content[..., 3])


def test_reduced_pictures_keep_their_proportions():
    picture = Picture(np.zeros((30, 50, 3), np.uint8))
    loaded = inputs.Inputs(picture, (picture, picture.resized((80, 20))), None, inputs.Masks(),
                          (50, 30))
    half = loaded.reduced(0.5)
    assert (half.size, half.content.size) == ((25, 15), (25, 15))
    assert [style.size for style in half.styles] == [(25, 15), (40, 10)]
    assert half.initial is None


def test_a_recolored_start_has_the_colors_of_the_painting(pictures):
    found = inputs.load(*pictures, Settings(size=48, weights="random:0", init="recolored"))
    start, style = (np.asarray(picture, float).reshape(-1, 3)
                    for picture in (found.initial, found.styles[0]))
    np.testing.assert_allclose(start.mean(axis=0), style.mean(axis=0), atol=6)     # clipping


def test_a_recolored_start_leaves_alone_what_is_in_no_region(pictures):
    mask = np.zeros((36, 48), np.uint8)
    mask[:, :20] = 255
    found = inputs.load(*pictures, Settings(size=48, weights="random:0", region_masks=[mask],
                                            init="recolored"))
    start, content = (np.asarray(picture, float) for picture in (found.initial, found.content))
    np.testing.assert_allclose(start[:, 30:], content[:, 30:], atol=1e-3)
    assert np.abs(start[:, :15] - content[:, :15]).mean() > 3


def test_a_run_starts_from_the_content_by_default(pictures):
    found = inputs.load(*pictures, Settings(size=48, weights="random:0"))
    np.testing.assert_array_equal(np.asarray(found.initial), np.asarray(found.content))


def test_a_margin_that_does_not_fit_into_memory(pictures):
    """It is found before tiles for it are sought, which took seconds or did not end."""
    with pytest.raises(ArgumentError, match=r"a picture of 400032×.* or --margin"):
        load(pictures, margin=200_000)


def test_the_search_for_tiles_of_a_large_picture_is_quick(pictures):
    """No list of all tiles for each of hundreds of plans."""
    job = prepare(*pictures, Settings(**SMALL))
    scale = dataclasses.replace(job.scales[-1], margin=20_000)
    spec = dataclasses.replace(job.spec, scales=[scale],
                               settings=job.settings.replace(max_memory=10**10))
    start = time.process_time()
    with pytest.raises(ArgumentError, match="even in tiles"):
        fit_to_memory(spec)
    assert time.process_time() - start < 2
