"""Structural similarity: known values, another implementation, refusals."""

import numpy as np
import pytest

from minigrad.errors import ArgumentError, ShapeError
from nst.measure import similarity


@pytest.fixture
def grey(rng):
    return np.cumsum(rng.normal(0, 9, (40, 53)), axis=1).clip(-120, 120) + 128


def test_ssim_of_equal_and_of_plain_pictures(grey):
    assert similarity.ssim(grey, grey) == 1
    # Without structure only the first factor is left: (2ab + c₁)/(a² + b² + c₁).
    a, b, c1 = 100.0, 50.0, 2.55**2
    plain = np.full((20, 20), a), np.full((20, 20), b)
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert similarity.ssim(*plain) == pytest.approx(expected, rel=1e-9)
    assert similarity.ssim(grey, 255 - grey) < 0


def test_ssim_as_scikit_image_has_it(grey, rng):
    skimage = pytest.importorskip("skimage.metrics")
    for noise in (1, 10, 80):
        other = grey + rng.normal(0, noise, grey.shape)
        theirs = skimage.structural_similarity(grey, other, data_range=255, gaussian_weights=True,
                                               sigma=1.5, use_sample_covariance=False)
        assert similarity.ssim(grey, other) == pytest.approx(theirs, abs=1e-9)


def test_ssim_of_one_window_by_hand(rng):
    x, y = rng.uniform(0, 255, (2, 11, 11))
    distance = np.arange(-5, 6)
    weight = np.exp(-(distance[:, None] ** 2 + distance**2) / 4.5)
    weight /= weight.sum()
    mx, my = (weight * x).sum(), (weight * y).sum()
    vx, vy = (weight * (x - mx) ** 2).sum(), (weight * (y - my) ** 2).sum()
    cov = (weight * (x - mx) * (y - my)).sum()
    expected = ((2 * mx * my + 6.5025) * (2 * cov + 58.5225)
                / ((mx**2 + my**2 + 6.5025) * (vx + vy + 58.5225)))
    assert similarity.ssim(x, y) == pytest.approx(expected, rel=1e-9)


def test_pictures_that_ssim_cannot_compare(grey):
    with pytest.raises(ShapeError, match=r"shapes \(40, 53\) and \(40, 52\)"):
        similarity.ssim(grey, grey[:, 1:])
    with pytest.raises(ArgumentError, match="53×10 pixels, but the window needs 11"):
        similarity.ssim(grey[:10], grey[:10])
