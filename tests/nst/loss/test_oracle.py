"""Losses and one whole evaluation against PyTorch, which computes them independently."""

import itertools

import numpy as np
import pytest

from nst import Settings
from nst.loss.normalizations import NORMS
from nst.loss.objective import Objective
from nst.model import vgg, weights
from nst.pictures import tensors

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


class Reference:
    """Style transfer in PyTorch: the same weights, layers and formulae, its own operations."""

    def __init__(self, network, settings):
        self.settings = settings
        self.parameters = {name: [torch.from_numpy(tensor.numpy()) for tensor in pair]
                           for name, pair in network.parameters.items()}

    def features(self, x):
        features, layers = {}, self.settings.layers
        mode = {"zeros": "constant"}.get(self.settings.padding, self.settings.padding)
        x = torch.nn.functional.pad(x, (1, 1, 1, 1), mode)
        for name in vgg.LAYERS:
            if len(features) == len(layers):
                break
            if name.startswith("conv"):
                x = torch.nn.functional.conv2d(x, *self.parameters[name],
                                               padding=0 if name == "conv1_1" else 1)
            else:
                x = torch.relu(x) if name.startswith("relu") else self.pooled(x, name)
            if name in layers:
                features[name] = x
        return features

    def pooled(self, x, name):
        if self.settings.pooling == "max":
            return torch.nn.functional.max_pool2d(x, 2)
        block = vgg.Layer.parse(name).block
        scale = vgg.MAX_TO_AVERAGE[block] if self.settings.pooling == "avg-scaled" else 1
        return scale * torch.nn.functional.avg_pool2d(x, 2)

    def relative_loss(self, picture, content, style):
        """With automatic weights: relative errors, layer weights as proportions."""
        s = self.settings
        with torch.no_grad():
            of_content, of_style = self.features(content), self.features(style)
        features = self.features(picture)
        total = s.tv_weight * self.total_variation(picture / 255)
        for layer, weight in s.content_layers.items():
            error = (features[layer] - of_content[layer]).double().norm()
            relative = error / of_content[layer].double().norm()
            share = weight / sum(s.content_layers.values())
            total += s.content_weight * share * relative**2
        for layer, weight in s.style_layers.items():
            share = weight / sum(s.style_layers.values())
            distance = relative_w2 if s.style_loss == "w2" else relative_gram
            total += s.style_weight * share * distance(*(
                f.flatten(2)[0].double() for f in (features[layer], of_style[layer])))
        return total + s.palette_weight * palette_distance(picture, style)

    def loss(self, picture, content, style):
        if self.settings.auto_weights:
            return self.relative_loss(picture, content, style)

        s = self.settings
        with torch.no_grad():
            of_content, of_style = self.features(content), self.features(style)
        features = self.features(picture)
        total = s.tv_weight * self.total_variation(picture)
        for layer, weight in s.content_layers.items():
            n, m = features[layer].flatten(2).shape[1:]
            squares = (features[layer] - of_content[layer]).double().square().sum()
            total += s.content_weight * weight * squares * {
                "gatys": 0.5, "sum": 1}.get(s.norm, 1 / (n * m))
        for layer, weight in s.style_layers.items():
            f, a = features[layer].flatten(2)[0], of_style[layer].flatten(2)[0]
            n, m = f.shape
            squares = (f @ f.T - a @ a.T * (m / a.shape[1])).double().square().sum()
            total += s.style_weight * weight * squares * {
                "gatys": 1 / (4 * n**2 * m**2), "gatys2016": 1 / (n**2 * m**2),
                "johnson": 1 / (n**4 * m**2), "mse": 1 / n**2, "sum": 1}[s.norm]
        return total

    def total_variation(self, picture):
        if self.settings.tv_exponent == 1:
            unit = 1 / 255 if self.settings.auto_weights else 1
            corner = picture[:, :, :-1, :-1]
            length = ((picture[:, :, :-1, 1:] - corner).square()
                      + (picture[:, :, 1:, :-1] - corner).square()).double().sum(dim=1)
            return ((length + (2 * unit) ** 2).sqrt() - 2 * unit).mean()
        differences = [torch.diff(picture, dim=dim).double().square() for dim in (2, 3)]
        return sum(d.sum() for d in differences) / sum(d.numel() for d in differences)


def relative_gram(f, a):
    """(‖G − A‖/‖A‖)² of features N×M, per position."""
    grams = [x @ x.T / x.shape[1] for x in (f, a)]
    return ((grams[0] - grams[1]).norm() / grams[1].norm()) ** 2


def relative_w2(f, a):
    """The squared Wasserstein distance of normal distributions over the style's second moment."""
    means, covariances = zip(*((x.mean(1), torch.cov(x, correction=0)) for x in (f, a)))
    values, vectors = torch.linalg.eigh(covariances[1])
    values = values.clamp_min(0) * (values > 1e-7 * (a * a).mean(1).sum())
    root = (vectors * values.sqrt()) @ vectors.T
    between = torch.linalg.eigvalsh(root @ covariances[0] @ root)
    overlap = between[between > 1e-10 * between.max()].sqrt().sum()
    distance = ((means[0] - means[1]).square().sum() + covariances[0].trace()
                + covariances[1].trace() - 2 * overlap)
    return distance / (a * a).mean(1).sum()


def palette_distance(picture, style):
    """The sliced Wasserstein distance of colours over the style's variance."""
    x, y = (colors.flatten(2)[0].double() for colors in (picture, style))
    variance = (y - y.mean(1, keepdim=True)).square().mean(1).sum() / 3
    places = (torch.arange(x.shape[1]) + 0.5) / x.shape[1] * y.shape[1] - 0.5
    total = 0.0
    for signs in itertools.product((-1, 0, 1), repeat=3):
        if signs <= (0, 0, 0):
            continue                    # one of two opposite directions
        direction = torch.tensor(signs).double() / torch.tensor(signs).double().norm()
        ordered = (direction @ y).sort()[0]
        below = places.floor().clamp(0, y.shape[1] - 1).long()
        above = (below + 1).clamp(max=y.shape[1] - 1)
        part = (places - below).clamp(0, 1)
        quantiles = ordered[below] * (1 - part) + ordered[above] * part
        total = total + ((direction @ x).sort()[0] - quantiles).square().mean()
    return total / 13 / variance


@pytest.fixture
def compare(colours, device):
    """Evaluate a picture between content and style by both: same total, same gradient."""
    def both(source, settings):
        assert_equal(source, device, settings, colours)
    return both


def assert_equal(source, device, settings, colours):
    network = weights.load(str(source), vgg.deepest(settings.layers), device)
    content, style, picture = (tensors.to_tensor(colours(*size, seed), network, device)
                               for size, seed in (((48, 64), 1), ((40, 40), 2), ((48, 64), 3)))
    picture = (0.5 * (content + picture)).detach().requires_grad_()
    actual = Objective(network, settings, content, style)(picture).total
    actual.backward()

    leaf = torch.from_numpy(picture.detach().numpy()).requires_grad_()
    expected = Reference(network, settings).loss(
        leaf, *(torch.from_numpy(tensor.numpy()) for tensor in (content, style)))
    expected.backward()
    assert actual.item() == pytest.approx(expected.item(), rel=1e-5)
    one, other = (g.ravel().astype(np.float64) for g in (picture.grad.numpy(),
                                                         leaf.grad.numpy()))
    # In a picture this small the deep layers have fewer positions than channels, and the roots of
    # a singular covariance of float32 are known less well.
    least = 0.99999 if settings.style_loss == "gram" else 0.999
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > least
    assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(other), rel=1e-3)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_norms_and_poolings(norm, pooling, compare):
    compare("random:4", Settings.preset(
        "gatys", norm=norm, pooling=pooling, tv_weight=10, content_layers="conv2_2,pool2=0.3",
        style_layers="relu1_1=0.4,relu2_1=0.2,conv3_1"))


def test_automatic_weights(compare):
    """One norm will do: that they all cancel is shown in test_losses."""
    compare("random:4", Settings(
        norm="johnson", tv_weight=10, content_layers="conv2_2=3,pool2=1", padding="reflect",
        style_layers="relu1_1=4,relu2_1=2,conv3_1=1"))


def test_the_default_settings(compare):
    compare("random:0", Settings())


def test_whole_network_with_random_weights(compare):
    compare("random:0", Settings.preset("gatys"))


def test_whole_network_with_trained_weights(compare, real_weights):
    compare(real_weights, Settings.preset("gatys"))
