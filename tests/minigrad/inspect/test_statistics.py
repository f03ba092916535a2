"""`statistics`: what flows through the layers, and what comes back."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import inspect, nn
from minigrad.errors import ArgumentError, FileError, ShapeError


class Net(nn.Module):
    def __init__(self):
        mg.manual_seed(1)
        self.conv, self.relu = nn.Conv2d(1, 4, 3), nn.ReLU()
        self.hidden, self.last = nn.Linear(4 * 36, 20), nn.Linear(20, 5)

    def forward(self, x):
        return self.last(self.hidden(self.relu(self.conv(x)).flatten(1)).tanh())


def watched(net, passes=1):
    images, labels = mg.randn(8, 1, 8, 8), mg.tensor([0, 1, 2, 3, 4, 0, 1, 2])
    with inspect.statistics(net) as seen:
        for _ in range(passes):
            loss = F.cross_entropy(net(images), labels)
            net.zero_grad()
            loss.backward()
    return seen


def test_layers_and_activation_functions_are_seen():
    seen = watched(Net(), passes=2)
    assert [(one.name, one.kind, one.shape, one.calls) for one in seen.flows] == [
        ("conv", "Conv2d", (8, 4, 6, 6), 2), ("relu", "ReLU", (8, 4, 6, 6), 2),
        ("hidden", "Linear", (8, 20), 2), ("tanh", "tanh", (8, 20), 2),
        ("last", "Linear", (8, 5), 2)]
    assert seen.warnings() == []
    assert [one.name for one in seen.weights] == [
        "conv.weight", "conv.bias", "hidden.weight", "hidden.bias", "last.weight", "last.bias"]


def test_numbers_are_those_of_the_arrays():
    layer, x = nn.Linear(3, 2), mg.randn(50, 3)
    with inspect.statistics(layer) as seen:
        out = layer(x)
        out.retain_grad()
        (out * out).sum().backward()
    (flow,) = seen.flows
    assert (flow.name, flow.shape) == ("Linear", (50, 2))
    values, gradient = out.numpy(), out.grad.numpy()
    assert flow.mean == pytest.approx(values.mean(), abs=1e-6)
    assert flow.std == pytest.approx(values.std(), rel=1e-5)
    assert flow.grad_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    weight = seen.weights[0]
    assert weight.ratio == pytest.approx(
        layer.weight.grad.numpy().std() / layer.weight.numpy().std(), rel=1e-5)
    assert seen.flow("Linear") is flow
    with pytest.raises(ArgumentError, match="no layer 'x' was called; known are Linear"):
        seen.flow("x")


def test_dead_units_and_saturation_are_named():
    net = Net()
    with mg.no_grad():
        net.conv.bias.copy_(mg.tensor([-20.0, 0.0, 0.0, 0.0]))
        net.hidden.weight.mul_(60.0)
    seen = watched(net)
    relu, tanh = seen.flow("relu"), seen.flow("tanh")
    assert (relu.dead, relu.units) == (1, 4) and relu.zero > 0.25
    assert tanh.saturated > 0.5 and tanh.dead is None
    assert seen.warnings()[0] == "relu (ReLU): 1 of 4 units never fired"
    assert "are saturated" in seen.warnings()[1]
    assert "! relu (ReLU): 1 of 4 units never fired" in str(seen)


def test_a_unit_is_dead_only_if_no_call_moved_it():
    relu = nn.Sequential(nn.ReLU())
    with inspect.statistics(relu) as seen:
        relu(mg.tensor([[-1.0, 1.0, -1.0]]))
        relu(mg.tensor([[1.0, -1.0, -1.0]]))
    assert (seen.flows[0].dead, seen.flows[0].units) == (1, 3)


def test_vanished_and_undefined_values_are_named():
    x = mg.tensor([[1.0]])
    net = nn.Sequential(*[nn.Linear(1, 1) for _ in range(3)])
    for layer in net:
        with mg.no_grad():
            layer.weight.fill_(1e-5)
    with inspect.statistics(net) as seen:
        net(x).sum().backward()
    assert "0 (Linear): the gradient has vanished" in seen.warnings()
    with mg.no_grad():
        net[1].weight.fill_(float("nan"))
    with inspect.statistics(net) as seen:
        net(x).sum().backward()
    assert any("1 (Linear): " in said and "NaN or infinite" in said for said in seen.warnings())
    assert seen.flow("1").grad_norm is not None


def test_the_same_function_twice_in_one_pass_is_two_layers():
    class Twice(nn.Module):
        def __init__(self):
            self.a = nn.Linear(2, 2)

        def forward(self, x):
            return self.a(x.tanh()).tanh()

    net = Twice()
    with inspect.statistics(net) as seen:
        net(mg.ones(1, 2))
        net(mg.ones(1, 2))
    assert [(one.name, one.calls) for one in seen.flows] == [("tanh", 2), ("a", 2),
                                                             ("tanh (2)", 2)]


def test_plots(tmp_path):
    seen = watched(Net())
    svg = seen.plot(tmp_path / "flow.svg")
    assert (tmp_path / "flow.svg").read_text("utf-8") == svg
    assert svg.count("<polyline") == 10 and "gradients of the outputs" in svg
    assert "relu (ReLU)" in svg
    cell = seen._repr_html_()
    assert cell.count("<img ") == 2 and "conv.weight" in cell
    with pytest.raises(ArgumentError, match=r"\.svg"):
        seen.plot(tmp_path / "flow.png")
    with pytest.raises(FileError):
        seen.plot(tmp_path / "no" / "flow.svg")
    with inspect.statistics(Net()) as nothing:
        pass
    with pytest.raises(ArgumentError, match="no layer was called"):
        nothing.plot()
    assert "conv.weight" in str(nothing)


def test_hooks_are_gone_afterwards_also_after_an_error():
    net = Net()
    with pytest.raises(ShapeError), inspect.statistics(net):
        net(mg.ones(1, 3, 8, 8))
    assert not any(module._hooks or module._pre_hooks for module in net.modules())
    with pytest.raises(ArgumentError, match="needs a Module"), inspect.statistics(3):
        pass
