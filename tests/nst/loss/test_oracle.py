"""Losses and one whole evaluation against PyTorch, which computes them independently."""

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
            grams = [torch.einsum("chw,dhw->cd", f[0], f[0]).double() / f[0, 0].numel()
                     for f in (features[layer], of_style[layer])]
            relative = (grams[0] - grams[1]).norm() / grams[1].norm()
            total += s.style_weight * weight / sum(s.style_layers.values()) * relative**2
        return total

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
        differences = [torch.diff(picture, dim=dim).double().square() for dim in (2, 3)]
        return sum(d.sum() for d in differences) / sum(d.numel() for d in differences)


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
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99999
    assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(other), rel=1e-4)


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
