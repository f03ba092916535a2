"""The network of three layers: equations 1 to 7, and what it learns."""

import os

import numpy as np
import pytest

import minigrad as mg
from examples import equations, mlp


@pytest.fixture(params=list(equations.ACTIVATIONS))
def net(request):
    return equations.Network.draw(request.param, np.random.default_rng(3), 1.0)


def test_every_link_of_equation_7(net):
    by_hand, by_engine = equations.links_by_hand(net), equations.links_by_engine(net)
    assert list(by_hand) == list(by_engine) == list(equations.LINKS)
    for name in equations.LINKS:
        np.testing.assert_allclose(by_hand[name], by_engine[name], atol=1e-14, err_msg=name)


def test_equation_7_is_the_gradient_and_as_printed_is_not(net):
    _, gradients, _ = equations.gradients_by_engine(net)
    links = equations.links_by_hand(net)
    np.testing.assert_allclose(equations.product(links), gradients["W2"], atol=1e-15)
    slope = net.a[3][0] * (1 - net.a[3][0])         # ∂a³/∂z³ is counted twice
    np.testing.assert_allclose(equations.as_printed(links), slope * gradients["W2"], atol=1e-15)
    assert np.abs(gradients["W2"]).max() > 1e-4


def test_all_gradients_and_the_step(net):
    e, gradients, stepped = equations.gradients_by_engine(net)
    assert e == pytest.approx(0.5 * (net.a[3][0] - 1) ** 2, rel=1e-14)
    for name, value in equations.gradients_by_hand(net).items():
        np.testing.assert_allclose(value, gradients[name], atol=1e-15, err_msg=name)
    np.testing.assert_allclose(stepped, net.weights[1] - equations.RATE * gradients["W2"],
                               atol=1e-15)


def test_gradients_by_differences(net):
    """Without either chain rule: E at W² ± h."""
    gradient = equations.product(equations.links_by_hand(net))

    def error_at(place, h):
        w2 = net.weights[1].copy()
        w2[place] += h
        f = net.activation.f
        a2 = f(w2 @ net.a[1] + net.biases[1])
        out = 1 / (1 + np.exp(-(net.weights[2] @ a2 + net.biases[2])))
        return 0.5 * np.sum((out - 1) ** 2)

    for place in np.ndindex(2, 3):
        slope = (error_at(place, 1e-6) - error_at(place, -1e-6)) / 2e-6
        assert gradient[place] == pytest.approx(slope, abs=1e-9)


def test_first_weights_are_n_0_01():
    mg.manual_seed(0)
    network = mlp.Network("relu")
    weights = np.concatenate([layer.weight.numpy().ravel() for layer in network.children()])
    assert weights.size == 64 * 128 + 128 * 128 + 128 * 10
    assert weights.std() == pytest.approx(0.1, rel=0.02) and abs(weights.mean()) < 0.002
    assert all((layer.bias.numpy() == 0).all() for layer in network.children())


def test_a_few_epochs_of_one_fold(capsys):
    pytest.importorskip("sklearn")
    mlp.program(["--epochs", "6", "--folds", "1", "--activation", "relu"])
    line = next(s for s in capsys.readouterr().out.splitlines() if s.startswith("relu"))
    assert float(line.split()[2].rstrip("%")) > 93


@pytest.mark.slow
@pytest.mark.parametrize("activation", list(mlp.RATES))
def test_97_per_cent_as_a_five_fold_mean(activation, capsys):
    pytest.importorskip("sklearn")
    reduced = ["--folds", "1"] if os.environ.get("SLOW_TESTS") == "reduced" else []
    mlp.program(["--activation", activation, *reduced])
    line = next(s for s in capsys.readouterr().out.splitlines() if s.startswith(activation))
    assert float(line.split()[-2].rstrip("%")) >= 97
