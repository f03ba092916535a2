"""The palette term: the sliced Wasserstein distance of colours."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import gradcheck
from nst.loss.palette import DIRECTIONS, colors_of, palette_targets
from nst.pictures.masks import Masks


def picture(rng, height, width, scale=50.0):
    return scale * rng.standard_normal((1, 3, height, width))


def target_of(styles, size, blend=None, masks=None):
    blend = blend or [1 / len(styles)] * len(styles)
    return palette_targets([mg.tensor(style) for style in styles], size, blend, masks or Masks())


def distance(targets, result):
    colors = colors_of(mg.tensor(result), 0)
    return sum(target.distance(colors).item() for target in targets)


def test_directions_are_unit_vectors_and_no_two_are_parallel():
    assert DIRECTIONS.shape == (13, 3)
    cosines = np.abs(DIRECTIONS @ DIRECTIONS.T)
    np.testing.assert_allclose(np.diag(cosines), 1, rtol=1e-6)
    assert np.sort(cosines, axis=1)[:, -2].max() < 0.99


def test_places_do_not_matter(rng):
    style = picture(rng, 6, 7)
    shuffled = rng.permutation(style.reshape(3, -1), axis=1).reshape(1, 3, 7, 6)
    assert distance(target_of([style], (7, 6)), shuffled) == pytest.approx(0, abs=1e-12)


def test_a_shift_of_all_colors_is_at_the_distance_of_its_square_relative_to_the_variance(rng):
    style = picture(rng, 8, 8)
    variance = style.reshape(3, -1).var(axis=1).sum() / 3
    shift = np.array([3.0, -4.0, 5.0]).reshape(1, 3, 1, 1)
    expected = ((DIRECTIONS @ shift.ravel()) ** 2).mean() / variance
    assert distance(target_of([style], (8, 8)), style + shift) == pytest.approx(expected, rel=1e-6)


def test_the_same_colors_in_another_number_of_pixels_are_near(rng):
    style, larger = picture(rng, 40, 40), picture(rng, 60, 50)
    assert distance(target_of([style], (60, 50)), larger) < 0.01
    assert distance(target_of([style], (60, 50)), 2 * larger) > 0.5


def test_the_gradient(rng):
    target, = target_of([picture(rng, 5, 6, 1.0)], (4, 6))
    colors = mg.tensor(rng.standard_normal((3, 24)), requires_grad=True)
    assert gradcheck(target.distance, (colors,))


def test_a_blend_is_the_mixture_of_both_styles(rng):
    dark, light = np.full((1, 3, 4, 4), -100.0), np.full((1, 3, 9, 9), 100.0)
    targets = target_of([dark, light], (10, 10), [0.3, 0.7])
    mixture = np.full((1, 3, 10, 10), 100.0)
    mixture.reshape(3, -1)[:, :30] = -100
    assert distance(targets, mixture) < 0.02
    assert distance(targets, light[:, :, :1, :1].repeat(10, 2).repeat(10, 3)) > 0.5


def test_each_region_has_the_palette_of_its_own_style(rng):
    left = np.zeros((6, 8), np.float32)
    left[:, :4] = 1
    dark, light = picture(rng, 6, 4) - 100, picture(rng, 6, 4) + 100
    targets = target_of([dark, light], (6, 8), masks=Masks(None, (left, 1 - left), (None, None)))
    assert distance(targets, np.concatenate([dark, light], axis=3)) == pytest.approx(0, abs=1e-12)
    assert distance(targets, np.concatenate([light, dark], axis=3)) > 1


def test_a_mask_of_one_pixel_and_a_style_of_one_color_give_finite_numbers(rng):
    pixel = np.zeros((6, 8), np.float32)
    pixel[2, 3] = 1
    flat = np.full((1, 3, 6, 4), 7.0)
    targets = target_of([flat, flat], (6, 8), masks=Masks(None, (pixel, None), (None, None)))
    leaf = mg.tensor(picture(rng, 6, 8), requires_grad=True)
    total = sum(target.distance(colors_of(leaf, 0)) for target in targets)
    total.backward()
    assert np.isfinite(total.item()) and np.isfinite(leaf.grad.numpy()).all()


def test_the_border_has_no_part_in_it(rng):
    result = picture(rng, 10, 12)
    inside = np.ascontiguousarray(result[:, :, 2:-2, 2:-2])
    np.testing.assert_array_equal(colors_of(mg.tensor(result), 2).numpy(), inside.reshape(3, -1))
