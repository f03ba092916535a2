"""Statistics of features and their distances, above all the Wasserstein distance."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import gradcheck
from nst.config.settings import Settings
from nst.loss.objective import Objective
from nst.loss.style import distances, statistics, style_target
from nst.loss.tiled import TiledObjective
from nst.model.weights import load
from nst.pictures.masks import Masks

pytestmark = pytest.mark.usefixtures("narrow_network")


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def wasserstein(x, y):
    """The squared distance of the normal distributions of two sets of columns."""
    c, d = np.cov(x, bias=True), np.cov(y, bias=True)
    between = root(root(d) @ c @ root(d))
    return ((x.mean(1) - y.mean(1)) ** 2).sum() + np.trace(c + d - 2 * between)


def features_of(rng, channels=4, height=6, width=7):
    mixing = rng.standard_normal((channels, channels))
    columns = mixing @ rng.standard_normal((channels, height * width)) + 2
    return columns.reshape(1, channels, height, width)


def distance(x, y, **options):
    of_style, = statistics(mg.tensor(y), [None], None, "w2")
    found = statistics(x if isinstance(x, mg.Tensor) else mg.tensor(x), [options.get("mask")],
                       options.get("window"), "w2")
    return distances(found, [style_target(of_style, None, 1.0, "w2")])[0]


def test_the_distance_is_that_of_normal_distributions(rng):
    x, y = features_of(rng), features_of(rng, height=5, width=9)
    assert distance(x, y).item() == pytest.approx(
        wasserstein(x.reshape(4, -1), y.reshape(4, -1)), rel=1e-9)


def test_a_picture_is_at_no_distance_from_itself(rng):
    x = features_of(rng)
    assert distance(x, x).item() == pytest.approx(0, abs=1e-9)


def test_in_one_dimension_it_is_a_difference_of_means_and_deviations(rng):
    x, y = rng.normal(1, 2, (1, 1, 5, 8)), rng.normal(-3, 0.5, (1, 1, 4, 4))
    assert distance(x, y).item() == pytest.approx(
        (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2, rel=1e-9)


def test_a_moved_picture_is_at_the_distance_of_the_move(rng):
    x, shift = features_of(rng), rng.standard_normal((1, 4, 1, 1))
    assert distance(x + shift, x).item() == pytest.approx((shift**2).sum(), rel=1e-7)


def test_the_gradient(rng):
    y = features_of(rng)
    assert gradcheck(lambda x: distance(x, y),
                     (mg.tensor(features_of(rng), requires_grad=True),))


def test_a_window_counts_only_what_is_inside(rng):
    x, y = features_of(rng), features_of(rng)
    inside = distance(np.ascontiguousarray(x[:, :, 1:5, 2:6]), y).item()
    assert distance(x, y, window=(1, 5, 2, 6)).item() == pytest.approx(inside, rel=1e-12)


def test_a_mask_of_zeros_and_ones_counts_only_what_it_covers(rng):
    x, y = features_of(rng), features_of(rng)
    mask = np.zeros((1, 1, 6, 7))
    mask[..., :3] = 1
    left = distance(np.ascontiguousarray(x[..., :3]), y).item()
    assert distance(x, y, mask=mg.tensor(mask)).item() == pytest.approx(left, rel=1e-12)


@pytest.mark.parametrize("style_loss", ["w2", "gram"])
def test_the_whole_is_the_sum_of_masks_that_add_up_to_one(rng, style_loss):
    x = rng.standard_normal((1, 4, 9, 11))
    first = rng.random((1, 1, 9, 11))
    first[..., :4], first[..., 8:] = 1, 0
    masks = [mg.tensor(first), mg.tensor(1 - first), None]
    gradients = []
    for partition in (False, True):
        leaf = mg.tensor(x, requires_grad=True)
        matrices = statistics(leaf, masks, None, style_loss, partition=partition)
        sum((matrix ** 2).sum() for matrix in matrices).backward()
        gradients.append((matrices[2].numpy(), leaf.grad.numpy()))
    for whole, summed in zip(*gradients):
        np.testing.assert_allclose(summed, whole, rtol=1e-12)


@pytest.mark.parametrize("plain", ["style", "result", "both"])
def test_one_color_has_a_singular_covariance_and_a_finite_gradient(rng, plain):
    flat = np.full((1, 4, 6, 7), 3.0)
    x = flat if plain != "style" else features_of(rng)
    y = flat if plain != "result" else features_of(rng)
    leaf = mg.tensor(x.astype(np.float32), requires_grad=True)
    loss = distance(leaf, y.astype(np.float32))
    loss.backward()
    assert np.isfinite(loss.item()) and np.isfinite(leaf.grad.numpy()).all()
    if plain != "both":
        assert loss.item() > 0


def losses(objective, picture):
    leaf = mg.tensor(picture, requires_grad=True)
    result = objective(leaf)
    result.total.backward()
    return result, leaf.grad.numpy()


@pytest.mark.parametrize("border", [0, 16, 40])      # 40: some tiles lie in the border only
@pytest.mark.parametrize("name", ["w2", "gram"])
def test_tiles_change_neither_the_loss_nor_the_gradient(rng, name, border):
    network = load("random:0", "relu3_1", "cpu")
    settings = Settings(style_layers="relu1_1,relu3_1", content_layers="relu2_1", style_loss=name)
    size = (72 + 2 * border, 90 + 2 * border)
    content, style, picture = (rng.uniform(-100, 100, (1, 3, *shape)).astype(np.float32)
                               for shape in (size, (60, 80), size))
    mask = rng.uniform(size=(72, 90)).astype(np.float32)
    masks = Masks(None, (mask, None), (None, None))
    arguments = (network, settings, mg.tensor(content), [mg.tensor(style)] * 2, masks, size, border)
    whole, gradient = losses(Objective(*arguments), picture)
    tiled, by_tiles = losses(TiledObjective(*arguments, side=32), picture)
    assert tiled.total.item() == pytest.approx(whole.total.item(), rel=1e-4)
    assert np.linalg.norm(by_tiles - gradient) < 1e-3 * np.linalg.norm(gradient)


def test_the_border_has_no_part_in_the_style(rng):
    network = load("random:0", "relu1_1", "cpu")
    settings = Settings(style_layers="relu1_1", content_layers="relu1_1")
    size = (64, 64)
    content, style = (mg.tensor(rng.uniform(-100, 100, (1, 3, 64, 64)).astype(np.float32))
                      for _ in range(2))
    objective = Objective(network, settings, content, style, size=size, border=16)
    picture = rng.uniform(-100, 100, (1, 3, 64, 64)).astype(np.float32)
    before = objective(mg.tensor(picture)).style.item()
    picture[:, :, :14] += 50            # a kernel of 3×3 reaches one pixel further
    assert objective(mg.tensor(picture)).style.item() == pytest.approx(before, rel=1e-6)
