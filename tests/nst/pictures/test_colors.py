"""Colours taken from another picture: exact where that is possible, never NaN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.errors import ArgumentError, ShapeError
from nst.pictures import colors


def noise(seed, height=24, width=20, low=90, high=160):
    """Colours in the middle of the range, correlated as in a photograph."""
    rng = np.random.default_rng(seed)
    mixing = rng.uniform(0.2, 1, (3, 3))
    picture = rng.standard_normal((height, width, 3)) @ mixing
    return np.interp(picture, (picture.min(), picture.max()), (low, high))


def covariance(picture):
    return np.cov(picture.reshape(-1, 3).T, bias=True)


# ------------------------------------------------------------------------- luminance


def test_luminance_of_the_result_and_colours_of_the_content():
    result, content = noise(1), noise(2)
    both = colors.keep_luminance(result, content)
    np.testing.assert_allclose(colors.luminance(both), colors.luminance(result), rtol=1e-6)
    grey = colors.luminance
    np.testing.assert_allclose(both - grey(both)[..., None],
                               content - grey(content)[..., None], atol=1e-4)


def test_a_colour_that_does_not_fit_grows_paler_not_brighter():
    result = np.full((2, 2, 3), 250.0)
    content = np.tile([200.0, 20.0, 20.0], (2, 2, 1))
    both = colors.keep_luminance(result, content)
    np.testing.assert_allclose(colors.luminance(both), 250, rtol=1e-5)
    assert both.max() <= 255 and both[0, 0, 0] > both[0, 0, 1]      # still a red, a pale one
    np.testing.assert_allclose(both[..., 1], both[..., 2])


def test_luminance_of_itself_changes_nothing():
    content = noise(3, low=0, high=255)
    np.testing.assert_allclose(colors.keep_luminance(content, content), content, atol=1e-3)


# ---------------------------------------------------------------------------- affine


def test_mean_and_covariance_become_those_of_the_reference():
    picture, reference = noise(4, low=20, high=240), noise(5, height=9, low=100, high=150)
    matched = colors.match_affine(picture, reference)
    np.testing.assert_allclose(matched.mean((0, 1)), reference.mean((0, 1)), rtol=1e-9)
    np.testing.assert_allclose(covariance(matched), covariance(reference), rtol=1e-4)


def test_the_map_is_symmetric_so_own_statistics_change_nothing():
    picture = noise(6)
    np.testing.assert_allclose(colors.match_affine(picture, picture), picture, atol=1e-3)
    # Channels that are independent are scaled by the ratio of their deviations, not mixed.
    rng = np.random.default_rng(0)
    independent = np.linalg.qr(rng.standard_normal((400, 4)) * [0, 1, 1, 1] + [1, 0, 0, 0])[0]
    picture = 128 + 100 * independent[:, 1:].reshape(20, 20, 3)
    matched = colors.match_affine(picture, 128 + (picture - 128) * [1, 2, 0.5])
    np.testing.assert_allclose(matched, 128 + (picture - 128) * [1, 2, 0.5], atol=1e-2)


@pytest.mark.filterwarnings("error")
def test_grey_and_plain_pictures():
    coloured = noise(7)
    grey = np.repeat(noise(8)[..., :1], 3, axis=2)
    plain = np.full((5, 5, 3), 77.0)
    recoloured = colors.match_affine(grey, coloured)
    # Grey can only become shades along one line of colours, through the reference's mean.
    assert np.linalg.matrix_rank(covariance(recoloured), tol=1e-3) == 1
    np.testing.assert_allclose(recoloured.mean((0, 1)), coloured.mean((0, 1)), atol=1e-3)
    made_grey = colors.match_affine(coloured, grey)
    np.testing.assert_allclose(made_grey, made_grey[..., :1].repeat(3, 2), atol=1e-2)
    np.testing.assert_allclose(colors.match_affine(coloured, plain), 77, atol=1e-2)
    np.testing.assert_allclose(colors.match_affine(plain, coloured),
                               np.broadcast_to(coloured.mean((0, 1)), plain.shape), atol=1e-3)


def test_faint_noise_does_not_become_confetti():
    rng = np.random.default_rng(9)
    drawing = rng.uniform(0, 255, (40, 40, 1)) + rng.normal(0, 0.5, (40, 40, 3))
    reference = noise(10, low=0, high=255)
    matched = colors.match_affine(drawing.clip(0, 255), reference)
    off_the_line = np.sqrt(np.linalg.eigvalsh(covariance(matched))[:2])
    assert off_the_line.max() <= colors.MAX_GAIN * 0.6


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_affine_of_anything_is_a_picture(data):
    """Few colours, one pixel, one channel: covariances of every rank."""
    def any_picture():
        seed = data.draw(st.integers(0, 999))
        shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
        rank = data.draw(st.integers(0, 3))
        rng = np.random.default_rng(seed)
        mixing = rng.normal(size=(rank, 3)) * data.draw(st.sampled_from([1e-4, 1, 80]))
        return (128 + rng.normal(size=(*shape, rank)) @ mixing).clip(0, 255)
    picture, reference = any_picture(), any_picture()
    matched = colors.match_affine(picture, reference)
    assert matched.shape == picture.shape and np.isfinite(matched).all()
    assert matched.min() >= 0 and matched.max() <= 255


# ------------------------------------------------------------------------- histogram


def test_histograms_become_those_of_the_reference():
    picture, reference = noise(11), noise(12, height=50, low=0, high=255)
    matched = colors.match_histogram(picture, reference)
    for share in (0.05, 0.5, 0.95):
        np.testing.assert_allclose(np.quantile(matched, share, axis=(0, 1)),
                                   np.quantile(reference, share, axis=(0, 1)), atol=2)


def test_colours_agree_as_triples():
    """Of a picture in two colours, one in two others makes those two: no third comes into being."""
    rng = np.random.default_rng(3)
    one, other = (np.array(c)[rng.integers(0, 2, (40, 40))] + rng.normal(0, 2, (40, 40, 3))
                  for c in ([(30, 60, 200), (240, 140, 20)], [(90, 90, 90), (200, 30, 30)]))
    matched = colors.match_histogram(one, other)
    distance = np.linalg.norm(matched[:, :, None] - [(90, 90, 90), (200, 30, 30)], axis=-1)
    assert np.mean(distance.min(2) < 15) > 0.95
    blue = one[..., 2] > 100
    assert np.abs(matched[blue].mean(0) - matched[~blue].mean(0)).max() > 50    # apart still


def test_histogram_of_itself_changes_nothing_and_equal_stays_equal():
    picture = np.random.default_rng(1).integers(0, 3, (30, 30, 3)).astype(np.float32) * 100
    np.testing.assert_allclose(colors.match_histogram(picture, picture), picture, atol=0.1)
    matched = colors.match_histogram(picture, noise(13))
    assert matched.dtype == np.float32
    assert len(np.unique(matched.reshape(-1, 3).round(2), axis=0)) <= 27


def test_histograms_of_grey_and_plain_pictures():
    grey, plain = np.repeat(noise(8)[..., :1], 3, axis=2), np.full((5, 5, 3), 77.0)
    for picture in (grey, plain, noise(7)):
        for reference in (grey, plain, noise(7)):
            matched = colors.match_histogram(picture, reference)
            assert np.isfinite(matched).all() and matched.min() >= 0 and matched.max() <= 255
    np.testing.assert_allclose(colors.match_histogram(noise(7), plain), 77, atol=0.01)


def test_channels_as_scikit_image_matches_them():
    exposure = pytest.importorskip("skimage.exposure")
    picture, reference = noise(14, 60, 60), noise(15, 80, 40)
    expected = exposure.match_histograms(picture, reference, channel_axis=-1)
    actual = colors.match_histogram(picture, reference)
    for c in range(3):
        np.testing.assert_allclose(np.sort(actual[..., c], axis=None),
                                   np.sort(expected[..., c], axis=None), atol=1)


# ---------------------------------------------------------------------------- misuse


@pytest.mark.parametrize("function", [colors.keep_luminance, colors.match_affine,
                                      colors.match_histogram])
def test_what_is_no_picture(function):
    with pytest.raises(ShapeError, match=rf"{function.__name__}: .*shape \(4, 4\)"):
        function(np.zeros((4, 4)), np.zeros((4, 4, 3)))
    with pytest.raises(ArgumentError, match=f"{function.__name__}: .* NaN"):
        function(np.zeros((4, 4, 3)), np.full((4, 4, 3), np.nan))


def test_two_sizes_have_no_common_luminance():
    with pytest.raises(ShapeError, match="the result is 5×4 and the content 6×4 pixels"):
        colors.keep_luminance(np.zeros((4, 5, 3)), np.zeros((4, 6, 3)))
