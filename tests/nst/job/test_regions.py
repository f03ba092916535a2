"""Regions that are found in both pictures."""

import numpy as np
import pytest

from minigrad.errors import ArgumentError
from nst import Settings, stylize
from nst.job import regions
from nst.job.transfer import prepare
from nst.loss.objective import Objective
from nst.output.words import beginning_in_words
from nst.pictures import tensors
from nst.pictures.picture import Picture

QUICK = {"weights": "random:0", "device": "cpu", "iterations": 2, "style_layers": "relu1_1,relu2_1",
         "content_layers": "relu2_1"}


def halves(flipped, width=96, height=64):
    """A picture whose one half is stripes and whose other half is plain."""
    columns = np.tile(np.arange(width), (height, 1))
    stripes = (columns % 8 < 4) * 160 + 40
    picture = np.where(columns < width // 2, stripes, 120)[..., None] + np.array([0, 20, 40])
    picture = picture + np.random.default_rng(0).normal(0, 2, picture.shape)
    return (picture[:, ::-1] if flipped else picture).clip(0, 255).astype(np.uint8)


# The stripes of the one are above, those of the other below.
PHOTO, PAINTING = (halves(flipped).swapaxes(0, 1).copy() for flipped in (False, True))


def test_a_region_is_the_same_in_both_pictures():
    found = prepare(halves(False), halves(True), Settings(regions=2, **QUICK)).inputs
    assert len(found.styles) == len(found.masks.regions) == len(found.masks.styles) == 3
    assert found.masks.regions[2] is found.masks.styles[2] is None      # the whole
    for ours, theirs in zip(found.masks.regions[:2], found.masks.styles[:2]):
        left, right = ours[8:-8, 8:40].mean(), ours[8:-8, 56:-8].mean()
        assert abs(left - right) > 0.8
        assert (left > right) == (theirs[8:-8, 8:40].mean() < theirs[8:-8, 56:-8].mean())
    assert np.abs(found.masks.regions[0] + found.masks.regions[1] - 1).max() < 1e-6


def test_regions_are_found_without_being_asked_for():
    quick = {**QUICK, "style_layers": "relu1_1,relu4_1", "scales": 1}
    job = prepare(PHOTO, PAINTING, Settings(**quick))
    assert job.settings.guided and len(job.inputs.masks.regions) == job.settings.regions + 1
    assert f"style 64×96 in {job.settings.regions} regions, at" in beginning_in_words(job)
    again = prepare(PHOTO, PAINTING, Settings(**quick, regions=job.settings.regions))
    for ours, theirs in zip(job.inputs.masks.regions, again.inputs.masks.regions):
        assert (ours is theirs is None) or (ours == theirs).all()


def test_regions_that_explain_little_are_not_used_unless_asked_for():
    """A picture of noise has no regions but those that the height makes."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    quick = {**QUICK, "style_layers": "relu1_1,relu4_1", "scales": 1}
    assert not prepare(noise, halves(True), Settings(**quick)).settings.guided
    assert prepare(noise, halves(True), Settings(**quick, regions=3)).settings.guided


def test_regions_that_are_not_above_each_other_are_not_used_unless_asked_for():
    """A disc of stripes on a plain background."""
    rows, columns = np.mgrid[:240, :320]
    inside = (rows - 120) ** 2 + (columns - 160) ** 2 < 70 ** 2
    disc = np.where(inside, (columns % 8 < 4) * 200.0, 120.0)[..., None].repeat(3, axis=2)
    disc = (disc + np.random.default_rng(0).normal(0, 2, disc.shape)).clip(0, 255).astype(np.uint8)
    quick = {**QUICK, "style_layers": "relu1_1,relu4_1", "scales": 1}
    assert not prepare(disc, PAINTING, Settings(**quick)).settings.guided
    assert prepare(disc, PAINTING, Settings(**quick, regions=2)).settings.guided


def white(width, height):
    return np.full((height, width, 3), 255, np.uint8)


@pytest.mark.parametrize("content, style, settings", [
    (PHOTO, PAINTING, {"regions": 1}),
    (PHOTO, [PAINTING] * 2, {}),
    (PHOTO, PAINTING, {"style_masks": [white(64, 96)]}),
    (PHOTO, PAINTING, {"style_loss": "swd"}),
    (PHOTO, PAINTING[:, :60], {}),
    (PHOTO, PAINTING, {"style_layers": "relu1_1"}),
    (None, PAINTING, {"content_weight": 0, "canvas": "64x64"}),
], ids=["one", "two styles", "masks", "random directions", "small", "shallow", "texture"])
def test_the_picture_is_painted_as_a_whole(content, style, settings):
    job = prepare(content, style, Settings(**{**QUICK, "style_layers": "relu1_1,relu4_1",
                                              "scales": 1, **settings}))
    assert not job.settings.guided and None not in job.inputs.masks.regions
    assert "regions" not in beginning_in_words(job)


def test_found_regions_are_compared_in_shallow_layers_only():
    job = prepare(halves(False), halves(True), Settings(
        **{**QUICK, "style_layers": "relu1_1,relu3_1,relu4_1", "scales": 1}, regions=2))
    styles = [tensors.to_tensor(style, job.network, "cpu") for style in job.inputs.styles]
    content = tensors.to_tensor(job.inputs.content, job.network, "cpu")
    targets = Objective(job.network, job.settings, content, styles, job.inputs.masks).style_targets
    assert [len(targets[layer]) for layer in ("relu1_1", "relu3_1", "relu4_1")] == [3, 3, 1]


def test_the_regions_cover_each_picture_once():
    found = prepare(halves(False), halves(True), Settings(regions=2, **QUICK)).inputs
    for masks in (found.masks.regions, found.masks.styles):
        np.testing.assert_allclose(sum(masks[:2]), 1, atol=0.01)


def test_a_run_paints_each_region_in_the_colors_of_its_own():
    """The stripes of the style are red, on the right; those of the photograph are on the left."""
    style = halves(True)
    style[:, 48:] = style[:, 48:] // [1, 3, 3]
    picture = np.asarray(stylize(halves(False), style, Settings(
        **{**QUICK, "iterations": 60}, regions=2, content_weight=0.01, style_weight=16, margin=0,
        )).image, float)
    redness = picture[..., 0] - picture[..., 1]
    assert redness[:, 8:40].mean() > 2 * redness[:, 56:-8].mean()


def test_what_is_transparent_of_the_style_is_in_no_region():
    style = halves(True)
    alpha = np.full(style.shape[:2], 255, np.uint8)
    alpha[:32] = 0
    style[:32] = np.random.default_rng(1).integers(0, 256, style[:32].shape)       # not seen
    found = prepare(halves(False), Picture(style, alpha), Settings(regions=2, **QUICK)).inputs
    lower = [mask[40:-8, 8:40].mean() for mask in found.masks.styles[:2]]
    assert sorted(np.round(lower)) == [0, 1]
    for mask in found.masks.styles:
        assert not mask[:32].any()


def test_a_style_with_one_opaque_pixel_has_no_regions():
    style = halves(True)
    alpha = np.zeros(style.shape[:2], np.uint8)
    alpha[30, 40] = 255
    dot = Picture(style, alpha)
    found = prepare(halves(False), dot, Settings(**{**QUICK, "style_layers": "relu4_1"}))
    assert found.inputs.masks.regions == () and np.isfinite(found.run().history[-1].total)
    with pytest.raises(ArgumentError, match="do not have 2 regions in common"):
        prepare(halves(False), dot, Settings(regions=2, **QUICK))


def test_clusters_that_one_picture_does_not_have_do_not_count():
    rows = np.concatenate([np.zeros((10, 3)), np.ones((10, 3))])
    assert regions.clusters(rows, 10, 2, seed=0) is None
    rows[::2] += 5
    labels = regions.clusters(rows, 10, 2, seed=0)
    assert labels is not None and len(set(labels[::2])) == len(set(labels[1::2])) == 1


@pytest.mark.parametrize("style, settings, message", [
    (halves(True), {"regions": 0}, "regions is 0, but must be 1 or more"),
    (halves(True), {"regions": 2, "region_masks": ["all"]}, "region-masks is given as well"),
    (halves(True), {"regions": 2, "blend": [1]}, "blend is given as well"),
    (None, {"regions": 2, "style_weight": 0}, "needs a content and a style picture"),
    ([halves(True)] * 2, {"regions": 2}, "found in one style picture, but there are 2"),
    (halves(True), {"regions": 20}, "do not have 20 regions in common; choose fewer"),
], ids=["no region", "masks", "blend", "no style", "two styles", "too many"])
def test_what_cannot_be_is_refused(style, settings, message):
    with pytest.raises(ArgumentError, match=message):
        prepare(halves(False), style, Settings(**QUICK, **settings))
