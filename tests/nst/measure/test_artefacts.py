"""Artefacts: constructed pictures with known figures, and what the figures must not notice."""

import numpy as np
import pytest

from nst.measure import artefacts

GREY = np.full((60, 80, 3), 120.0)
TINY = [np.full((1, 1, 3), 7.0), np.full((1, 90, 3), 7.0), np.zeros((10, 10, 3))]


def ripple(amplitude, period, height=60, width=80):
    """Vertical waves about a grey of 120."""
    wave = amplitude * np.sin(2 * np.pi * np.arange(width) / period + 0.3)
    return np.repeat(np.broadcast_to(120 + wave, (height, width))[..., None], 3, axis=2)


# ------------------------------------------------------------------------------- ripples


def ripples(*pictures):
    return artefacts.plain_parts(*pictures).ripples


def test_plain_pictures_have_no_ripples():
    assert artefacts.plain_parts(GREY, GREY, GREY) == artefacts.Plain(1, 1)
    assert artefacts.plain_parts(GREY + 30, GREY, GREY - 50) == artefacts.Plain(1, 1)


@pytest.mark.parametrize("period, share", [(2.5, 0.99), (4, 0.88), (8, 0.25), (64, 0.0001)])
def test_ripples_are_counted_by_energy_up_to_eight_pixels(period, share):
    """A wave has half the square of its amplitude; of the amplitude half is left at 8 pixels."""
    wave = ripple(10, period)
    assert ripples(wave, GREY, GREY) == pytest.approx(1 + share * 50, rel=0.05)
    assert ripples(wave, GREY, wave) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("period, fine, coarse", [(4, 0.879, 0.0039), (16, 0.025, 0.606)])
def test_relief_is_fine_energy_over_coarse(period, fine, coarse):
    """Shares of a wave's energy that the Gaussian means with σ = 1.5 and 6 leave."""
    found = artefacts.plain_parts(ripple(10, period, 90, 200), np.full((90, 200, 3), 120.0), GREY)
    assert found.relief == pytest.approx((1 + 50 * fine) / (1 + 50 * coarse), rel=0.1)


def test_bold_strokes_are_ripples_but_no_relief():
    both = ripple(10, 4) + ripple(30, 20) - 120
    twice = 120 + 2 * (both - 120)
    found = artefacts.plain_parts(twice, GREY, both)
    assert found.ripples > 3 and found.relief == pytest.approx(1, abs=0.2)


def test_only_the_plain_parts_count(rng):
    """Noise where the content is busy is none; the same noise in the plain part is."""
    content, noise = GREY.copy(), rng.normal(0, 20, GREY.shape)
    content[:, :37] += rng.normal(0, 40, (60, 37, 3))
    busy, plain = content.copy(), GREY.copy()
    plain[:, 37:] += noise[:, 37:]
    assert ripples(busy, content, GREY) < 5
    assert ripples(plain, content, GREY) > 50
    half = GREY.copy()                                      # the style is plain in one half
    half[:, :20] += noise[:, :20]
    assert ripples(plain, content, half) == ripples(plain, content, GREY)


def test_the_plain_parts_do_not_mind_the_way_up(rng):
    """Equal blocks count together, so no corner of a plain picture is preferred."""
    shape = 5 + 48 + 5, 5 + 64 + 5, 3               # whole blocks, so that none is dropped
    result, content = GREY[0, 0] + rng.normal(0, 5, shape), np.full(shape, 120.0)
    found, turned = (artefacts.plain_parts(each, content, GREY)
                     for each in (result, result[::-1, ::-1]))
    assert turned.ripples == pytest.approx(found.ripples, rel=1e-9)
    assert turned.relief == pytest.approx(found.relief, rel=1e-9)


def test_the_plain_parts_of_small_pictures():
    small = np.full((11, 16, 3), 9.0)
    assert artefacts.plain_parts(small, small, small) == artefacts.Plain(1, 1)
    for tiny in TINY:
        assert artefacts.plain_parts(tiny, tiny, GREY) is None
    assert artefacts.plain_parts(GREY, GREY, TINY[0]) is None


# ----------------------------------------------------------------------------------- rim


def test_a_picture_without_a_rim():
    assert artefacts.rim(GREY)[0] == 0
    orange = GREY + np.array([80.0, 0, -80])
    assert artefacts.rim(orange)[0] == 0


@pytest.mark.parametrize("side, place", [
    (np.s_[:2], "top"), (np.s_[-2:], "bottom"), (np.s_[:, :2], "left"), (np.s_[:, -2:], "right")])
def test_a_known_rim_of_saturation_and_of_luminance(side, place):
    picture = GREY + np.array([50.0, 0, -50])               # saturation 100
    picture[side] = np.array([195.0, 120, 45])              # saturation 150
    assert artefacts.rim(picture) == (pytest.approx(0.5, abs=1e-6), f"saturation, {place}")
    picture = GREY.copy()
    picture[side] *= 0.75
    assert artefacts.rim(picture) == (pytest.approx(0.25, abs=1e-6), f"luminance, {place}")
    picture[side] = 120 * 1.25
    assert artefacts.rim(picture)[0] == pytest.approx(0.25, abs=1e-6)


def test_the_rim_in_the_dark_counts_less():
    picture = np.full((40, 40, 3), 2.0)
    picture[:2] = 10
    assert artefacts.rim(picture)[0] == pytest.approx(8 / 32, abs=1e-6)


def test_what_lies_between_rim_and_inside_does_not_count():
    picture = GREY.copy()
    picture[12:20, 12:20] = 0
    assert artefacts.rim(picture)[0] == 0
    picture = GREY.copy()
    picture[:, 2:6] = picture[:, -6:-2] = picture[2:6] = picture[-6:-2] = 119
    assert artefacts.rim(picture)[0] < 0.01


def test_the_rim_of_small_pictures():
    for tiny in (TINY[0], TINY[2], np.zeros((13, 13, 3))):
        assert artefacts.rim(tiny) is None
    row = np.full((1, 90, 3), 100.0)
    row[:, :2] = 50
    assert artefacts.rim(row) == (pytest.approx(0.5), "luminance, left")
    assert artefacts.rim(np.zeros((16, 16, 3)))[0] == 0


# ------------------------------------------------------------------------------- clipped


def test_clipped_share_counts_pixels_once():
    pixels = np.full((4, 5, 3), 100.0)
    pixels[0, 0] = 0, 0, 255
    pixels[1, 1, 2] = 252.6         # becomes 253 when it is written
    pixels[1, 2, 0] = 2.4
    pixels[2, 2] = 2.6, 252.4, 3
    assert artefacts.clipped_share(pixels) == 3 / 20
    assert artefacts.clipped_share(pixels.round().astype(np.uint8)) == 3 / 20


def test_what_the_style_clips_is_allowed():
    style = np.full((10, 10, 3), 100.0)
    style[0] = 255
    result = np.full((10, 20, 3), 100.0)
    assert artefacts.excess_clipping(result, style) == 0
    result[:3] = 0
    assert artefacts.excess_clipping(result, style) == pytest.approx(0.2)
    assert artefacts.excess_clipping(result, None) == pytest.approx(0.3)
    assert artefacts.excess_clipping(np.zeros((1, 1, 3)), None) == 1


# -------------------------------------------------------------------------- border index


def test_border_index_sees_a_frame_and_not_the_motif(rng):
    noise = rng.uniform(0, 255, (90, 120, 3))
    assert artefacts.border_index(noise) == pytest.approx(1, abs=0.1)
    flat, restless = noise.copy(), noise * 0.1 + 100
    for side in (np.s_[:4], np.s_[-4:], np.s_[:, :4], np.s_[:, -4:]):
        flat[side], restless[side] = 90, noise[side]
    assert artefacts.border_index(flat) < 0.1
    assert artefacts.border_index(restless) > 10
    motif = noise.copy()            # a smooth sky above and water below are no frame
    motif[:30] = motif[-30:] = 120 + noise[:30] * 0.02
    assert artefacts.border_index(motif) == pytest.approx(1, abs=0.25)


def test_border_index_by_hand():
    """Columns of two brightnesses in the outer 4 pixels, nothing inside: known sums."""
    pixels = np.zeros((40, 40, 3))
    pixels[:, 0] = 10
    # Outer strip: 40 differences of 10; of 2·40·39 pairs, 2·32·31 lie further in.
    expected = 40 * 100 / (2 * 40 * 39 - 2 * 32 * 31) + 1
    assert artefacts.border_index(pixels) == pytest.approx(expected)
    for plain in (np.full((50, 50, 3), 7.0), np.zeros((1, 1, 3)), np.zeros((8, 9, 3))):
        assert artefacts.border_index(plain) == 1
