"""The sliced Wasserstein distance against sorted numbers."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import gradcheck
from nst.loss import sliced
from nst.loss.sliced import Cloud

FIRST = mg.tensor([[1.0, 0.0]], dtype="float64")       # projects onto the first channel


def distance(x, y, directions, mask=None):
    features = x if isinstance(x, mg.Tensor) else mg.tensor(x)
    table = sliced.quantiles(sliced.cloud(mg.tensor(y)), directions)
    return sliced.sliced_distance(sliced.cloud(features, mask), directions, table)


def channel(*numbers):
    """Features 1×2×1×M with numbers in the first channel and noise in the other."""
    noise = np.random.default_rng(1).standard_normal(len(numbers))
    return np.array([numbers, noise], np.float64)[None, :, None]


def test_sorted_numbers_are_compared():
    found = distance(channel(5, 1, 3), channel(0, 3, 6), FIRST)
    assert found.item() == (1 + 0 + 1) / 3
    assert found.dtype == np.float64


def test_quantiles_of_another_number_of_positions():
    found = distance(channel(0, 0, 0, 0), channel(4, 0), FIRST)
    np.testing.assert_allclose(found.item(), (0 + 1 + 9 + 16) / 4)  # at 1/8, 3/8, 5/8 and 7/8


def test_in_one_dimension_a_moved_picture_is_at_the_distance_of_the_move():
    assert distance(channel(1, 2, 5), channel(4, 5, 8), FIRST).item() == pytest.approx(9)


def test_a_mask_counts_positions_as_it_says():
    table = sliced.quantiles(sliced.cloud(mg.tensor(channel(0, 0, 0))), FIRST)
    mask = np.array([[0.5, 0, 0.25]], np.float32)
    cloud = sliced.cloud(mg.tensor(channel(1, 7, 2)), mask)
    assert sliced.sliced_distance(cloud, FIRST, table).item() == pytest.approx((2 * 1 + 4) / 3)
    assert sliced.cloud(mg.tensor(channel(1, 7, 2)), np.zeros((1, 3), np.float32)) is None


def test_a_blend_has_the_quantiles_of_its_parts():
    low, high = (sliced.cloud(mg.tensor(channel(*[value] * 4))) for value in (0, 8))
    table = sliced.quantiles(sliced.mixed([low, high], [0.25, 0.75]), FIRST)
    assert table.shape == (1, 8)
    np.testing.assert_allclose(table[0, [0, 3, 4, 7]], [0, 8, 8, 8])
    assert sliced.mixed([low, high], [0.0, 1.0]) is high


def test_clouds_of_equal_shares_are_clouds_without_shares(rng):
    x, y = rng.standard_normal((9, 3)), rng.standard_normal((7, 3))
    directions = sliced.draw_directions(rng, 3, mg.tensor(x))
    found = [sliced.sliced_distance(Cloud(mg.tensor(x), shares(9)), directions, sliced.quantiles(
                 Cloud(mg.tensor(y), shares(7)), directions)).item()
             for shares in (lambda n: None, lambda n: np.full(n, 1 / n))]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_directions_have_length_one(rng):
    directions = sliced.draw_directions(rng, 5, mg.zeros(1)).numpy()
    assert directions.shape == (sliced.DIRECTIONS, 5) and directions.dtype == np.float32
    np.testing.assert_allclose((directions**2).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient(rng, masked):
    y = rng.standard_normal((1, 3, 4, 4))
    directions = sliced.draw_directions(rng, 3, mg.tensor(y))
    mask = rng.uniform(0.1, 1, (3, 4)) if masked else None
    x = mg.tensor(rng.standard_normal((1, 3, 3, 4)), requires_grad=True)
    assert gradcheck(lambda x: distance(x, y, directions, mask), (x,))
