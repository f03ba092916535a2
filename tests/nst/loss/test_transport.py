"""Relaxed transport and self-similarity, against numbers worked out by hand and in NumPy."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import gradcheck
from nst.loss import transport


def tensors(*arrays, grad=False):
    return [mg.tensor(np.asarray(array, np.float64), requires_grad=grad) for array in arrays]


def test_cosine_distances():
    x, y = tensors([[1, 0], [0, 2], [3, 3]], [[5, 0], [-1, 0]])
    np.testing.assert_allclose(transport.cosine_distances(x, y).numpy(),
                               [[0, 2], [1, 1], [1 - 0.5**0.5, 1 + 0.5**0.5]], atol=1e-12)


def test_euclidean_distances():
    x, y = tensors([[0, 0], [3, 4]], [[0, 0], [0, 4]])
    np.testing.assert_allclose(transport.euclidean_distances(x, y).numpy(), [[0, 4], [5, 3]],
                               atol=2e-3)      # a distance of 0 counts as a thousandth


def test_the_relaxed_distance_is_the_larger_of_both_directions():
    costs, = tensors([[1, 2, 9], [3, 4, 5]])
    assert transport.relaxed_distance(costs).item() == 8 / 3    # (1 + 3)/2 and (1 + 2 + 5)/3


def test_the_distance_of_moments():
    x, y = tensors([[1, 2], [3, 2]], [[0, 0], [0, 2], [0, 4]])
    # Means (2, 2) and (0, 2); covariances diag(1, 0) and diag(0, 8/3).
    assert transport.moment_distance(x, y).item() == pytest.approx(2 / 2 + (1 + 8 / 3) / 4)


def test_self_similarity_of_three_rows():
    x, = tensors([[1, 0], [0, 1], [-1, 0]])     # distances 1, 2 and 1
    np.testing.assert_allclose(transport.self_similarity(x).numpy(),
                               [[0, 1 / 2, 2 / 3], [1 / 3, 0, 1 / 3], [2 / 3, 1 / 2, 0]],
                               atol=1e-4)


def test_content_is_what_rotations_of_the_features_leave(rng):
    x = rng.standard_normal((7, 4))
    turned = 3 * x @ np.linalg.qr(rng.standard_normal((4, 4)))[0]
    target = transport.self_similarity(mg.tensor(x))
    assert transport.self_similarity_distance(mg.tensor(turned), target).item() < 1e-9
    other = transport.self_similarity_distance(mg.tensor(rng.standard_normal((7, 4))), target)
    assert 0 < other.item() <= 2


DISTANCES = {
    "transport": lambda x, y: transport.relaxed_distance(transport.cosine_distances(x, y)),
    "palette": lambda x, y: transport.relaxed_distance(transport.euclidean_distances(x, y)),
    "moments": transport.moment_distance,
    "similarity": lambda x, y: transport.self_similarity_distance(
        x, transport.self_similarity(y)),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_gradients(name, rng):
    x, = tensors(rng.standard_normal((5, 4)), grad=True)
    y, = tensors(rng.standard_normal((5, 4)))
    assert gradcheck(lambda x: DISTANCES[name](x, y), (x,))


@pytest.mark.parametrize("plain", ["zeros", "ones"])
@pytest.mark.parametrize("name", DISTANCES)
def test_plain_pictures_have_finite_distances_and_gradients(name, plain, rng):
    flat = np.full((6, 4), float(plain == "ones"), np.float32)
    rich = rng.standard_normal((6, 4)).astype(np.float32)
    for x, y in ((flat, rich), (rich, flat), (flat, flat)):
        leaf = mg.tensor(x, requires_grad=True)
        loss = DISTANCES[name](leaf, mg.tensor(y))
        loss.backward()
        assert loss.dtype == np.float64 and np.isfinite(loss.item())
        assert np.isfinite(leaf.grad.numpy()).all()
