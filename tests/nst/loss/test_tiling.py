"""Tiles against the whole picture: the same features, losses and gradients.

That nothing is approximated shows in float64, where loss and gradient agree to a dozen digits.
In float32 rounding decides on which side of a ReLU some features are, which of two nearly equal
pixels wins a pooling window. Where matrix products treat all rows alike (OpenBLAS's AVX-512
kernels do), a tile is rounded as the whole picture is, and gradients agree to 10⁻⁵. Its AVX2
kernels add up six of every twelve rows in another order; then gradients of the *same* untiled
evaluation differ by 10⁻⁵ to 10⁻³ with the number of threads, and tiles are held to that.

The Wasserstein distance contains roots of eigenvalues. One that is 0 but for rounding, 10⁻¹⁷ of the
largest in float64, has a root of 3·10⁻⁹ of the largest root, so eight or nine digits agree.
"""

import dataclasses
import itertools

import numpy as np
import pytest

import minigrad
from minigrad.errors import ArgumentError, NoRuleError
from nst import Settings
from nst.config.choices import PADDINGS, POOLINGS, STATISTICAL_LOSSES
from nst.loss import tiling
from nst.loss.objective import Objective
from nst.loss.tiled import TiledObjective
from nst.model import small, vgg, weights
from nst.model.receptive_field import reach
from nst.pictures.masks import Masks

SHALLOW = {"content_layers": "relu2_2", "style_layers": "relu1_1,relu2_1,relu3_1"}


def in_float64(network):
    return dataclasses.replace(network, parameters={
        name: (weight.double(), bias.double())
        for name, (weight, bias) in network.parameters.items()})


@pytest.fixture(scope="module")
def shallow():
    return in_float64(weights.load("random:0", "relu3_1", "cpu"))


@pytest.fixture(scope="module")
def deep():
    return weights.load("random:0", "relu5_1", "cpu")


@pytest.fixture
def noise(rng):
    """Centred pictures of noise by height and width, float64."""
    return lambda height, width: minigrad.tensor(rng.uniform(-120, 130, (1, 3, height, width)))


def evaluated(objective, picture):
    """(Losses, gradient) at a picture."""
    leaf = picture.detach().clone().requires_grad_()
    losses = objective(leaf)
    losses.total.backward()
    return losses, leaf.grad.numpy()


# Relative differences of loss and gradient in float64; W2 takes roots of small numbers.
EXACT = {"gram": {"loss": 1e-12, "pixels": 1e-10}, "w2": {"loss": 1e-7, "pixels": 1e-6}}


def assert_same(whole, tiled, loss, pixels):
    """``loss`` and ``pixels``: how much of them may differ."""
    (losses, gradient), (by_tiles, tiled_gradient) = whole, tiled
    for name in ("total", "content", "style", "tv", "palette"):
        if getattr(losses, name) is None:
            assert getattr(by_tiles, name) is None
        else:
            assert getattr(by_tiles, name).dtype == np.float64
            assert getattr(by_tiles, name).item() == pytest.approx(getattr(losses, name).item(),
                                                                   rel=loss)
    for name in ("content_layers", "style_layers"):
        assert list(getattr(by_tiles, name)) == list(getattr(losses, name))
    assert tiled_gradient.dtype == gradient.dtype
    assert np.linalg.norm(tiled_gradient - gradient) <= pixels * np.linalg.norm(gradient)


# --------------------------------------------------------------------------- geometry


def test_reach_of_the_layers():
    assert [reach([f"relu{k}_1"]) for k in range(1, 6)] == [1, 4, 10, 30, 70]
    assert reach(["relu1_1", "relu4_2"]) == 38
    assert reach(["relu4_1"], ["conv1_1", "conv2_1", "conv3_1", "conv4_1"]) == 1 + 2 + 4 + 8


def test_a_picture_changed_beyond_the_reach_keeps_its_features(shallow, noise):
    picture = noise(64, 64)
    far = picture.numpy().copy()
    first, last = 24, 31                            # what position 6 and 7 of relu3_1 stand for
    touched = slice(first - reach(["relu3_1"]), last + reach(["relu3_1"]) + 1)
    outside = np.ones((64, 64), bool)
    outside[touched, touched] = False
    far[:, :, outside] += 50
    features, others = (shallow.features(minigrad.tensor(x), {"relu3_1"})["relu3_1"].numpy()
                        [:, :, 6:8, 6:8] for x in (picture.numpy(), far))
    np.testing.assert_allclose(others, features, rtol=1e-12)
    far[:, :, touched.start] += 1e4                 # and the reach is no wider than need be
    changed = shallow.features(minigrad.tensor(far), {"relu3_1"})["relu3_1"].numpy()[:, :, 6:8, 6:8]
    assert abs(changed - features).max() > 1


@pytest.mark.parametrize("layers", [["relu1_1"], ["relu2_1", "pool2"], ["relu5_1"]])
@pytest.mark.parametrize("size", [(64, 64), (97, 330), (1000, 65), (511, 513)])
@pytest.mark.parametrize("side", [64, 100, 256, 5000])
def test_cores_are_a_partition_and_halos_cover_the_reach(layers, size, side):
    grid = tiling.grid(layers)
    tiles = grid.tiles(size, side)
    covered = np.zeros(size, int)
    for tile in tiles:
        covered[tile.rows.core_start:tile.rows.core_stop,
                tile.columns.core_start:tile.columns.core_stop] += 1
        for span, length in zip((tile.rows, tile.columns), size):
            assert span.start % grid.smallest == 0
            assert span.start == 0 or span.core_start - span.start >= reach(layers)
            assert span.stop == length or span.stop - span.core_stop >= reach(layers)
            assert span.stop == length or span.stop % grid.step == 0
            assert span.core_stop - span.core_start <= max(side, grid.smallest) + grid.step
    assert (covered == 1).all()
    assert grid.largest(size, side) == max((tile.size for tile in tiles), key=np.prod)
    if side >= max(size):
        assert len(tiles) == 1
    for layer in layers:
        seen = np.zeros(vgg.size_at(layer, *size), int)
        for tile in tiles:
            seen[tile.of_picture(layer)[2:]] += 1
            rows, columns = tile.within(layer)
            height, width = vgg.size_at(layer, *tile.size)
            assert 0 <= rows.start < rows.stop <= height
            assert 0 <= columns.start < columns.stop <= width
        assert (seen == 1).all()


def test_tiles_that_are_too_small_are_refused(shallow, noise):
    with pytest.raises(ArgumentError, match=r"tile is 8 pixels, but relu3_1 needs tiles of 16"):
        TiledObjective(shallow, Settings(**SHALLOW), noise(32, 32), noise(32, 32), side=8)


# ------------------------------------------------------------------- exact, shallow network

SIZES_AND_SIDES = (((48, 48), 16), ((63, 90), 33), ((129, 50), 64))


def tilings():
    """Every size, padding and pooling with every other one; the rest of the combinations is slow.

    Gram matrices, whose sums are exact to more digits, are tested with every size, padding and
    pooling once.
    """
    for (i, (size, side)), (j, padding), (k, pooling), style_loss in itertools.product(
            enumerate(SIZES_AND_SIDES), enumerate(PADDINGS), enumerate(POOLINGS),
            STATISTICAL_LOSSES):
        quick = (i + j + k) % 3 == 0 and (style_loss == "w2" or i == j)
        yield pytest.param(size, side, padding, pooling, style_loss,
                           marks=[] if quick else pytest.mark.slow)


@pytest.mark.parametrize("size, side, padding, pooling, style_loss", list(tilings()))
def test_tiles_are_exact(shallow, noise, size, side, padding, pooling, style_loss):
    settings = Settings(**SHALLOW, padding=padding, pooling=pooling, tv_weight=0.01,
                        style_loss=style_loss)
    content, style, picture = noise(*size), noise(70, 45), noise(*size)
    whole = Objective(shallow, settings, content, style)
    tiled = TiledObjective(shallow, settings, content, style, side=side)
    assert len(tiled.tiles) > 1
    assert_same(evaluated(whole, picture), evaluated(tiled, picture), **EXACT[style_loss])


@pytest.mark.parametrize("settings", [
    {"content_weight": 0}, {"style_weight": 0}, {"style_weight": 0, "tv_weight": 3},
    {"auto_weights": False, "norm": "sum", "style_loss": "gram"}, {"auto_weights": False},
    {"auto_weights": False, "norm": "gatys2016", "style_loss": "gram"}, {"palette_weight": 0},
    {"content_layers": "conv1_2,relu3_1", "style_layers": "conv2_1,pool1,relu1_1"}])
def test_every_kind_of_loss_is_exact(shallow, noise, settings):
    settings = Settings(**{**SHALLOW, **settings})
    content, style, picture = noise(60, 52), noise(70, 45), noise(60, 52)
    assert_same(evaluated(Objective(shallow, settings, content, style), picture),
                evaluated(TiledObjective(shallow, settings, content, style, side=32), picture),
                **EXACT[settings.style_loss])


def test_masks_regions_and_blends_are_exact(shallow, noise, rng):
    size, style_size = (60, 76), (70, 45)
    content, picture = noise(*size), noise(*size)
    styles = [noise(*style_size), noise(48, 48), noise(33, 80)]
    masks = Masks(content=rng.random(size).astype("f"),
                  regions=(rng.random(size).astype("f"), None, rng.random(size).astype("f")),
                  styles=(rng.random(style_size).astype("f"), None, None))
    settings = Settings(**SHALLOW, blend=(1, 2, 3))
    for chosen in (masks, Masks()):
        assert_same(
            evaluated(Objective(shallow, settings, content, styles, chosen), picture),
            evaluated(TiledObjective(shallow, settings, content, styles, chosen, side=32), picture),
            **EXACT["w2"])


def test_without_a_gradient_there_is_none(shallow, noise):
    settings = Settings(**SHALLOW, tv_weight=2)
    content, style, picture = noise(60, 52), noise(70, 45), noise(60, 52)
    whole, tiled = (Objective(shallow, settings, content, style),
                    TiledObjective(shallow, settings, content, style, side=32))
    for losses in (tiled(picture), minigrad.no_grad()(tiled)(picture.requires_grad_())):
        assert not losses.total.requires_grad
        assert losses.total.item() == pytest.approx(whole(picture).total.item(), rel=1e-8)


def test_gradients_of_a_multiple_and_no_second_ones(shallow, noise):
    content, style = noise(48, 48), noise(48, 48)
    tiled = TiledObjective(shallow, Settings(**SHALLOW), content, style, side=16)
    _, gradient = evaluated(tiled, style)
    leaf = style.detach().requires_grad_()
    (-2 * tiled(leaf).total).backward()
    np.testing.assert_allclose(leaf.grad.numpy(), -2 * gradient, rtol=1e-12)
    with pytest.raises(NoRuleError, match="known_product"):
        minigrad.grad(tiled(leaf).total, leaf, create_graph=True)


# ------------------------------------------------------------------------ the deep network


def rows_are_alike():
    """Whether equal rows of a matrix have equal products, to the last bit."""
    rng = np.random.default_rng(0)
    row, other = rng.normal(size=(1, 64)).astype("f"), rng.normal(size=(64, 64)).astype("f")
    products = row.repeat(48, axis=0) @ other
    return bool((products == products[0]).all())


def test_the_default_layers_in_float32(deep, noise):
    content, style, picture = (noise(*size).float() for size in ((150, 210), (90, 70), (150, 210)))
    tiled = TiledObjective(deep, Settings(), content, style, side=128)
    assert len(tiled.tiles) == 4
    assert_same(evaluated(Objective(deep, Settings(), content, style), picture),
                evaluated(tiled, picture), loss=1e-5,
                pixels=1e-4 if rows_are_alike() else 3e-3)


@pytest.mark.slow
@pytest.mark.parametrize("size, side, padding, pooling", [
    ((200, 256), 64, "replicate", "max"), ((161, 333), 128, "zeros", "avg"),
    ((333, 100), 96, "reflect", "avg-scaled")])
def test_the_default_layers_are_exact(deep, noise, size, side, padding, pooling):
    settings, network = Settings(padding=padding, pooling=pooling), in_float64(deep)
    content, style, picture = noise(*size), noise(150, 190), noise(*size)
    tiled = TiledObjective(network, settings, content, style, side=side)
    assert len(tiled.tiles) > 2
    assert_same(evaluated(Objective(network, settings, content, style), picture),
                evaluated(tiled, picture), **EXACT["w2"])


def test_the_small_network_is_exact(noise):
    network = in_float64(weights.load(small.SMALL, "relu5_1", "cpu"))
    content, style, picture = noise(150, 100), noise(90, 70), noise(150, 100)
    tiled = TiledObjective(network, Settings(), content, style, side=64)
    assert len(tiled.tiles) == 6
    assert_same(evaluated(Objective(network, Settings(), content, style), picture),
                evaluated(tiled, picture), **EXACT["w2"])
