"""Sliced Wasserstein distances: exact values, invariances, and clouds without spread."""

import numpy as np
import pytest

from nst.measure import slices


@pytest.mark.oracle
def test_directions_are_units_and_those_of_pytorch():
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(slices.SEED)
    for channels in slices.CHANNELS:
        along = slices.directions(channels)
        assert along.shape == (128, channels) and along.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(along, axis=1), 1, atol=1e-6)
        theirs = torch.nn.functional.normalize(torch.randn(128, channels, generator=generator),
                                               dim=1)
        np.testing.assert_allclose(along, theirs.numpy(), atol=5e-6)


def test_directions_stay_as_they_are():
    """Figures of different versions compare only by the same directions."""
    assert slices.directions(3)[0].tolist() == pytest.approx([0.55104, -0.81452, -0.18143],
                                                             abs=1e-5)
    assert abs(slices.directions(64).mean()) < 5e-3     # an 8th of a unit, 8192 times: ±0.0014


def test_quantiles_are_those_of_numpy(rng):
    vectors = rng.normal(size=(64, 1000)).astype(np.float32)
    expected = np.quantile(slices.directions(64) @ vectors, np.linspace(0, 1, 512), axis=1).T
    np.testing.assert_allclose(slices.quantiles(vectors), expected, atol=1e-5)


def test_one_vector_and_two():
    point = np.arange(3.0)[:, None]
    along = slices.directions(3) @ np.arange(3.0)
    np.testing.assert_allclose(slices.quantiles(point), np.repeat(along[:, None], 512, 1),
                               rtol=1e-5, atol=1e-6)
    ends = slices.quantiles(np.hstack([point, 3 * point]))
    np.testing.assert_allclose(ends[:, [0, -1]], np.sort([along, 3 * along], 0).T, rtol=1e-5)


def test_the_distance_of_a_cloud_to_itself_and_of_a_shift(rng):
    cloud = rng.normal(size=(64, 900)).astype(np.float32)
    one = slices.quantiles(cloud)
    assert slices.relative_distance(one, one) == 0
    assert slices.relative_distance(slices.quantiles(cloud[:, ::-1]), one) < 1e-6
    shift = rng.normal(size=64).astype(np.float32)
    spread = one.var(axis=1).mean()
    expected = np.sqrt(((slices.directions(64) @ shift) ** 2).mean() / spread)
    shifted = slices.quantiles(cloud + shift[:, None])
    assert slices.relative_distance(shifted, one) == pytest.approx(expected, rel=1e-4)
    # The unit does not count, only the spread of the style.
    assert slices.relative_distance(5 * shifted, 5 * one) == pytest.approx(expected, rel=1e-4)


def test_a_plain_picture_in_the_mean_is_at_distance_one(rng):
    cloud = rng.normal(3, 2, (64, 2000)).astype(np.float32)
    plain = np.repeat(cloud.mean(axis=1, keepdims=True), 50, axis=1)
    assert slices.relative_distance(slices.quantiles(plain), slices.quantiles(cloud)
                                    ) == pytest.approx(1, abs=0.01)


def test_a_style_without_spread():
    point, other = (slices.quantiles(np.full((64, 9), value, np.float32)) for value in (1, 2))
    assert slices.relative_distance(point, point) == 0
    assert slices.relative_distance(other, point) is None
    zeros = slices.quantiles(np.zeros((64, 9), np.float32))
    assert slices.relative_distance(point, zeros) is None
    assert slices.relative_distance(np.full((128, 512), np.inf), point) is None


def test_large_clouds_are_sampled(rng, monkeypatch):
    cloud = rng.normal(size=(64, 30_000)).astype(np.float32)
    whole = slices.quantiles(cloud)
    monkeypatch.setattr(slices, "MAX_POSITIONS", 5000)
    sampled = slices.quantiles(cloud)
    assert 0 < slices.relative_distance(sampled, whole) < 0.05
    np.testing.assert_array_equal(sampled, slices.quantiles(cloud))
    drawn = slices._drawn(30_000)
    assert (np.diff(drawn) > 0).all() and drawn[0] < 6 and drawn[-1] >= 29_994


# --------------------------------------------------------------------------------- colours


def test_the_colour_distance_of_a_shift(rng):
    picture = rng.uniform(20, 200, (20, 30, 3))
    assert slices.color_distance(picture, picture) == 0
    assert slices.color_distance(picture[::-1, ::-1], picture) == 0
    for shift in ([10.0, 0, 0], [10, 10, 10], [0, -4, 3]):
        expected = np.abs(slices.directions(3) @ np.array(shift)).mean()
        assert slices.color_distance(picture + shift, picture) == pytest.approx(expected, abs=1e-3)
        # A direction of the sphere sees half of a shift.
        assert expected == pytest.approx(np.linalg.norm(shift) / 2, rel=0.2)


def test_the_colour_distance_of_black_and_white_and_of_sizes():
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((5, 7, 3), 255, np.uint8)
    expected = 255 * np.abs(slices.directions(3).sum(axis=1)).mean()
    assert slices.color_distance(black, white) == pytest.approx(expected, rel=1e-5)
    assert slices.color_distance(white, white[:2]) == pytest.approx(0, abs=1e-9)
