"""Losses and one whole evaluation against PyTorch, which computes them independently."""

import numpy as np
import pytest

from nst import Settings, images, vgg, weights
from nst.losses import Objective
from nst.norms import NORMS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


class Reference:
    """Style transfer in PyTorch: the same weights, layers and formulae, its own operations."""

    def __init__(self, network, settings):
        self.settings = settings
        self.parameters = {name: [torch.from_numpy(tensor.numpy()) for tensor in pair]
                           for name, pair in network.parameters.items()}

    def features(self, x):
        pool = {"max": torch.nn.functional.max_pool2d, "avg": torch.nn.functional.avg_pool2d}[
            self.settings.pooling]
        found, wanted = {}, self.settings.layers
        for name in vgg.LAYERS:
            if len(found) == len(wanted):
                break
            if name.startswith("conv"):
                x = torch.nn.functional.conv2d(x, *self.parameters[name], padding=1)
            else:
                x = torch.relu(x) if name.startswith("relu") else pool(x, 2)
            if name in wanted:
                found[name] = x
        return found

    def loss(self, picture, content, style):
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
    content, style, picture = (images.to_tensor(colours(*size, seed), network, device)
                               for size, seed in (((48, 64), 1), ((40, 40), 2), ((48, 64), 3)))
    picture = (0.5 * (content + picture)).detach().requires_grad_()
    ours = Objective(network, settings, content, style)(picture).total
    ours.backward()

    theirs_at = torch.from_numpy(picture.detach().numpy()).requires_grad_()
    theirs = Reference(network, settings).loss(theirs_at, *(torch.from_numpy(t.numpy())
                                                            for t in (content, style)))
    theirs.backward()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    one, other = (g.ravel().astype(np.float64) for g in (picture.grad.numpy(),
                                                         theirs_at.grad.numpy()))
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99999
    assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(other), rel=1e-4)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_norms_and_poolings(norm, pooling, compare):
    compare("random:4", Settings.preset(
        "gatys", norm=norm, pooling=pooling, tv_weight=10, content_layers="conv2_2,pool2=0.3",
        style_layers="relu1_1=0.4,relu2_1=0.2,conv3_1"))


def test_whole_network_with_random_weights(compare):
    compare("random:0", Settings.preset("gatys"))


def test_whole_network_with_trained_weights(compare, real_weights):
    compare(real_weights, Settings.preset("gatys"))
