"""The losses against their formulae, written out in NumPy."""

import numpy as np
import pytest

import minigrad
from nst import Settings
from nst.config.choices import STATISTICAL_LOSSES
from nst.loss import objective as losses
from nst.loss.normalizations import NORMS
from nst.loss.objective import Objective
from nst.loss.style import distances, statistics
from nst.loss.targets import content_targets, style_targets
from nst.model import weights
from nst.pictures.masks import Masks

NO_MASKS = Masks()


def written_out(norm, features, content, style):
    """(C, E) of one layer from matrices F: N×M, eq. 8-10 as they are printed."""
    n, m = features.shape
    content_sum = ((features - content) ** 2).sum()
    gram, target = features @ features.T, style @ style.T * (m / style.shape[1])
    style_sum = ((gram - target) ** 2).sum()
    return {"gatys": (content_sum / 2, style_sum / (4 * n**2 * m**2)),
            "gatys2016": (content_sum / (n * m), style_sum / (n**2 * m**2)),
            "johnson": (content_sum / (n * m), style_sum / (n**4 * m**2)),
            "mse": (content_sum / (n * m), style_sum / n**2),
            "sum": (content_sum, style_sum)}[norm]


def layer_losses(features, content, style, settings, masks=NO_MASKS):
    """(C, E) as the program computes them, of features in a layer called relu1_1."""
    size = {"relu1_1": features.shape[2:]}
    to_content = content_targets({"relu1_1": content}, settings, masks)["relu1_1"]
    styles = [{"relu1_1": one} for one in (style if isinstance(style, list) else [style])]
    to_styles = style_targets(styles, size, settings, masks)["relu1_1"]
    return (losses.content_loss(features, to_content).item(),
            sum(found.item() for found in distances(
                statistics(features, [target.mask for target in to_styles], None,
                           settings.style_loss), to_styles)))


def one_layer(**settings):
    return Settings(content_layers="relu1_1=1", style_layers="relu1_1=1", **settings)


@pytest.fixture
def layer(rng, device):
    """Features, content and style of one layer, the style of another size."""
    return [minigrad.tensor(rng.standard_normal((1, 5, *size)), device=device)
            for size in ((4, 6), (4, 6), (3, 7))]


def rows(tensor):
    return tensor.numpy().reshape(tensor.shape[1], -1)


@pytest.mark.parametrize("norm", NORMS)
def test_losses_of_a_layer(norm, layer):
    found = layer_losses(*layer, one_layer(norm=norm, auto_weights=False, style_loss="gram"))
    np.testing.assert_allclose(found, written_out(norm, *map(rows, layer)), rtol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_automatic_weights_make_every_norm_a_relative_error(norm, layer):
    features, content, style = map(rows, layer)
    gram, target = features @ features.T / 24, style @ style.T / 21
    expected = (((features - content) ** 2).sum() / (content**2).sum(),
                ((gram - target) ** 2).sum() / (target**2).sum())
    found = layer_losses(*layer, one_layer(norm=norm, style_loss="gram"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("style_loss", STATISTICAL_LOSSES)
def test_automatic_weights_do_not_depend_on_the_unit_of_the_features(style_loss, layer):
    settings = one_layer(style_loss=style_loss)
    found = layer_losses(*layer, settings)
    np.testing.assert_allclose(layer_losses(*(x * 1000.0 for x in layer), settings), found,
                               rtol=1e-12)


@pytest.mark.parametrize("style_loss", STATISTICAL_LOSSES)
def test_a_target_of_zeros_has_no_relative_error_but_a_finite_one(style_loss, layer):
    nothing = minigrad.zeros(1, 5, 4, 6, dtype="float64", device=layer[0].device)
    found = layer_losses(layer[0], nothing, nothing, one_layer(style_loss=style_loss))
    assert np.isfinite(found).all()


def test_total_variation(device, rng):
    x = rng.uniform(0, 255, (1, 3, 5, 4))
    squares = np.concatenate([np.diff(x, axis=2).ravel() ** 2, np.diff(x, axis=3).ravel() ** 2])
    found = losses.total_variation(minigrad.tensor(x, device=device))
    np.testing.assert_allclose(found.item(), squares.mean(), rtol=1e-12)


@pytest.mark.parametrize("variation", [losses.total_variation, losses.edge_variation],
                         ids=["squares", "edges"])
@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 1, 4)], ids=["a pixel", "a row"])
def test_variation_of_what_is_plain_or_tiny_is_zero(variation, shape):
    picture = minigrad.ones(*shape).requires_grad_()
    found = variation(picture)
    found.backward()
    assert found.item() == 0 and not picture.grad.numpy().any()


def test_edge_variation(device, rng):
    x = rng.uniform(0, 255, (1, 3, 5, 4))
    squares = ((x[0, :, :-1, 1:] - x[0, :, :-1, :-1]) ** 2
               + (x[0, :, 1:, :-1] - x[0, :, :-1, :-1]) ** 2).sum(axis=0)
    found = losses.edge_variation(minigrad.tensor(x, device=device))
    np.testing.assert_allclose(found.item(), (np.sqrt(squares + 4) - 2).mean(), rtol=1e-12)


def test_an_edge_costs_its_height_whether_steep_or_not():
    steep, ramp = np.zeros((2, 1, 3, 8, 12))
    steep[..., 6:], ramp[..., :] = 120, np.clip(np.arange(12) - 3, 0, 6) * 20
    edges, squares = ([variation(minigrad.tensor(picture)).item() for picture in (steep, ramp)]
                      for variation in (losses.edge_variation, losses.total_variation))
    assert edges[0] == pytest.approx(edges[1], rel=0.06)
    assert squares[0] > 5 * squares[1]


@pytest.fixture
def problem(rng):
    """A shallow random network, and three pictures: content, style of another size, result."""
    network = weights.load("random:0", "relu2_1", "cpu")
    content, style, picture = (minigrad.tensor(rng.uniform(-120, 130, (1, 3, *size)).astype("f"))
                               for size in ((16, 12), (10, 14), (16, 12)))
    return network, content, style, picture


def objective(problem, **settings):
    network, content, style, _ = problem
    settings = {"content_layers": "relu2_1", "style_layers": "relu1_1=0.25,relu2_1=2", **settings}
    return Objective(network, Settings.preset("gatys", **settings), content, style)


def test_total_is_the_weighted_sum_of_the_terms(problem):
    found = objective(problem, content_weight=3, style_weight=5, tv_weight=7)(problem[3])
    assert all(loss.dtype == np.float64
               for loss in (found.total, found.content, found.style, found.tv))
    assert list(found.style_layers) == ["relu1_1", "relu2_1"]
    for term, layers in ((found.content, found.content_layers), (found.style, found.style_layers)):
        by_layer = sum(loss.item() for loss in layers.values())
        assert by_layer == pytest.approx(term.item(), rel=1e-14)
    expected = 3 * found.content.item() + 5 * found.style.item() + 7 * found.tv.item()
    assert found.total.item() == pytest.approx(expected, rel=1e-14)


def test_layer_weights(problem):
    both = objective(problem)(problem[3]).style.item()
    single = [objective(problem, style_layers={layer: 1})(problem[3]).style.item()
              for layer in ("relu1_1", "relu2_1")]
    assert both == pytest.approx(0.25 * single[0] + 2 * single[1], rel=1e-12)


def test_terms_of_weight_zero_are_not_computed(problem):
    assert objective(problem, style_weight=0)(problem[3]).style is None
    found = objective(problem, content_weight=0)(problem[3])
    assert found.content is None
    assert found.tv.item() > 0                          # measured, but no part of the total
    assert found.total.item() == 1000 * found.style.item()


@pytest.mark.parametrize("style_loss, rounding", [("w2", 1e-6), ("gram", 0)])
def test_a_picture_is_at_no_distance_from_itself(style_loss, rounding, problem):
    network, content, _, _ = problem
    settings = Settings(content_layers="relu2_1", style_layers="relu2_1", style_loss=style_loss)
    itself = Objective(network, settings, content, content)(content)
    assert itself.content.item() == 0
    assert abs(itself.style.item()) <= rounding
    assert itself.palette.item() < 1e-12


def test_frozen_weights_get_no_gradient_and_no_picture_outlives_its_evaluation(problem):
    picture = problem[3].requires_grad_()
    objective(problem)(picture).total.backward()
    assert picture.grad.shape == picture.shape
    assert all(tensor.grad is None for pair in problem[0].parameters.values() for tensor in pair)
