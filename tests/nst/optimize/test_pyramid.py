"""The Laplacian pyramid as a linear map from levels to pictures, and its transpose."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from nst.optimize import pyramid
from nst.optimize.variables import Pixels, Pyramid

SIZES = [(37, 50), (64, 64), (17, 33), (1, 40), (16, 16), (3, 100), (1, 1)]


def levels_of(rng, size, dtype=np.float64):
    return [rng.standard_normal((1, 3, *level)).astype(dtype)
            for level in pyramid.level_sizes(size)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_adjoint_is_the_transpose(rng, size):
    levels, gradient = levels_of(rng, size), rng.standard_normal((1, 3, *size))
    back = pyramid.adjoint(gradient)
    assert [level.shape for level in back] == [level.shape for level in levels]
    assert (pyramid.expand(levels) * gradient).sum() == pytest.approx(
        sum((a * b).sum() for a, b in zip(levels, back)), rel=1e-11, abs=1e-11)


def test_enlarging_by_two_is_bilinear(rng):
    x = rng.standard_normal((1, 3, 5, 7))
    expected = F.interpolate(mg.tensor(x), size=(10, 14), mode="bilinear").numpy()
    np.testing.assert_allclose(pyramid.enlarge(x, (10, 14)), expected, atol=1e-15)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_plane_stays_a_plane(size):
    levels = [np.zeros((1, 3, *level)) for level in pyramid.level_sizes(size)]
    levels[-1] += 7
    np.testing.assert_allclose(pyramid.expand(levels), 7 * pyramid.RATES[min(len(levels), 4) - 1]
                               if len(levels) > 1 else 7)


def test_the_finest_levels_move_the_picture_least():
    levels = [np.zeros((1, 3, *level)) for level in pyramid.level_sizes((64, 64))]
    levels[0][..., 10, 10] = 1
    assert pyramid.expand(levels).max() == pytest.approx(pyramid.RATES[0])
    assert list(pyramid.RATES) == sorted(pyramid.RATES)


def test_levels_halve_down_to_a_few_pixels():
    assert pyramid.level_sizes((352, 245)) == [(352, 245), (176, 123), (88, 62), (44, 31),
                                               (22, 16), (11, 8)]


def picture_of(rng, size):
    innermost = rng.standard_normal((1, *size, 3)).astype(np.float32)
    return mg.tensor(innermost, requires_grad=True).permute(0, 3, 1, 2).detach().requires_grad_()


def test_the_gradient_of_a_level_is_that_of_the_sum(rng):
    picture = picture_of(rng, (20, 35))
    variable = Pyramid(picture)
    weights = rng.standard_normal(picture.shape).astype(np.float32)
    picture.grad = mg.tensor(weights)
    variable.pull_gradient()
    step = [1e-2 * rng.standard_normal(level.shape) for level in variable.parameters]
    before = picture.numpy().copy()
    with mg.no_grad():
        for level, change in zip(variable.parameters, step):
            level[...] = mg.tensor(change.astype(np.float32))
    variable.update_picture()
    predicted = sum((level.grad.numpy() * change).sum()
                    for level, change in zip(variable.parameters, step))
    assert ((picture.numpy() - before) * weights).sum() == pytest.approx(predicted, rel=1e-3)


def test_rebasing_keeps_the_picture_and_clears_the_levels(rng):
    picture = picture_of(rng, (20, 35))
    variable = Pyramid(picture)
    with mg.no_grad():
        variable.parameters[2][...] = 1
        variable.update_picture()
        picture[...] = picture.clip(-0.5, 0.5)
    clamped = picture.numpy().copy()
    variable.rebase()
    variable.update_picture()
    np.testing.assert_array_equal(picture.numpy(), clamped)
    assert all(not level.numpy().any() for level in variable.parameters)


@pytest.mark.parametrize("kind", [Pixels, Pyramid])
def test_a_state_restores_the_variable(rng, kind):
    first = kind(picture_of(rng, (20, 35)))
    with mg.no_grad():
        first.parameters[-1][...] = 3
    first.update_picture()
    copy = kind(first.picture.detach().clone().requires_grad_())
    copy.load(first.state())
    copy.update_picture()
    np.testing.assert_array_equal(copy.picture.numpy(), first.picture.numpy())
    for one, other in zip(copy.parameters, first.parameters):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
