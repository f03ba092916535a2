"""Figures of quality: known values, another implementation, and what they should react to."""

import numpy as np
import pytest

import minigrad.functional as F
from minigrad.errors import ArgumentError, ShapeError
from nst.measure import metrics
from nst.model import weights
from nst.pictures import tensors
from nst.pictures.picture import Picture

LAYERS = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_2",)}


@pytest.fixture(scope="module")
def network():
    return weights.load("random:0", "relu2_2", "cpu")


@pytest.fixture
def grey(rng):
    return np.cumsum(rng.normal(0, 9, (40, 53)), axis=1).clip(-120, 120) + 128


# ------------------------------------------------------------------------------- SSIM


def test_ssim_of_equal_and_of_plain_pictures(grey):
    assert metrics.ssim(grey, grey) == 1
    # Without structure only the first factor is left: (2ab + c₁)/(a² + b² + c₁).
    a, b, c1 = 100.0, 50.0, 2.55**2
    plain = np.full((20, 20), a), np.full((20, 20), b)
    assert metrics.ssim(*plain) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), rel=1e-9)
    assert metrics.ssim(grey, 255 - grey) < 0


def test_ssim_as_scikit_image_has_it(grey, rng):
    skimage = pytest.importorskip("skimage.metrics")
    for noise in (1, 10, 80):
        other = grey + rng.normal(0, noise, grey.shape)
        expected = skimage.structural_similarity(grey, other, data_range=255, gaussian_weights=True,
                                               sigma=1.5, use_sample_covariance=False)
        assert metrics.ssim(grey, other) == pytest.approx(expected, abs=1e-9)


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
    assert metrics.ssim(x, y) == pytest.approx(expected, rel=1e-9)


def test_pictures_that_ssim_cannot_compare(grey):
    with pytest.raises(ShapeError, match=r"shapes \(40, 53\) and \(40, 52\)"):
        metrics.ssim(grey, grey[:, 1:])
    with pytest.raises(ArgumentError, match="53×10 pixels, but the window needs 11"):
        metrics.ssim(grey[:10], grey[:10])


# --------------------------------------------------------------------- clipped, border


def test_clipped_share_counts_pixels_once():
    pixels = np.full((4, 5, 3), 100.0)
    pixels[0, 0] = 0, 0, 255
    pixels[1, 1, 2] = 254.6         # becomes 255 when it is written
    pixels[2, 2] = 0.6, 254.4, 1
    assert metrics.clipped_share(pixels) == 2 / 20


def test_border_index_sees_a_frame_and_not_the_motif(rng):
    noise = rng.uniform(0, 255, (90, 120, 3))
    assert metrics.border_index(noise) == pytest.approx(1, abs=0.1)
    flat, restless = noise.copy(), noise * 0.1 + 100
    for side in (np.s_[:4], np.s_[-4:], np.s_[:, :4], np.s_[:, -4:]):
        flat[side], restless[side] = 90, noise[side]
    assert metrics.border_index(flat) < 0.1
    assert metrics.border_index(restless) > 10
    motif = noise.copy()            # a smooth sky above and water below are no frame
    motif[:30] = motif[-30:] = 120 + noise[:30] * 0.02
    assert metrics.border_index(motif) == pytest.approx(1, abs=0.25)


def test_border_index_by_hand():
    """Columns of two brightnesses in the outer 4 pixels, nothing inside: known sums."""
    pixels = np.zeros((40, 40, 3))
    pixels[:, 0] = 10
    # Outer strip: 40 differences of 10; of 2·40·39 pairs, 2·32·31 lie further in.
    assert metrics.border_index(pixels) == pytest.approx(40 * 100 / (2 * 40 * 39 - 2 * 32 * 31) + 1)
    for plain in (np.full((50, 50, 3), 7.0), np.zeros((1, 1, 3)), np.zeros((8, 9, 3))):
        assert metrics.border_index(plain) == 1


# --------------------------------------------------------------------------- features


def test_content_and_style_are_at_distance_zero_of_themselves(network, colours):
    content, style = (tensors.load(colours(*size), "content")
                      for size in ((40, 60, 1), (50, 30, 2)))
    as_content = metrics.measure(content, content, style, network, "cpu", **LAYERS)
    assert as_content.content == {"relu2_2": 0} and as_content.ssim == 1
    assert as_content.border == metrics.border_index(content.pixels)
    assert min(as_content.style.values()) > 0.01
    as_style = metrics.measure(style, style, style, network, "cpu", **LAYERS)
    assert as_style.style == {"relu1_1": 0, "relu2_1": 0}
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
