"""`summary`: layers with shapes, parameters and operations."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn
from minigrad.errors import ArgumentError, ShapeError


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                         nn.Sequential(nn.MaxPool2d(2), nn.Flatten()), nn.Dropout(0.5),
                         nn.Linear(64, 5))


def test_shapes_parameters_and_operations():
    found = inspect.summary(network(), (2, 3, 8, 8))
    assert [(one.kind, one.depth, one.outputs, one.parameters) for one in found.layers] == [
        ("Sequential", 0, (2, 5), 0), ("Conv2d", 1, (2, 4, 8, 8), 112),
        ("BatchNorm2d", 1, (2, 4, 8, 8), 8), ("ReLU", 1, (2, 4, 8, 8), 0),
        ("Sequential", 1, (2, 64), 0), ("MaxPool2d", 2, (2, 4, 4, 4), 0),
        ("Flatten", 2, (2, 64), 0), ("Dropout", 1, (2, 64), 0), ("Linear", 1, (2, 5), 325)]
    by_kind = {one.kind: one for one in found.layers}
    assert by_kind["Conv2d"].flops == 2 * 2 * 4 * 64 * 27       # …×output×(3×3×3)
    assert by_kind["Linear"].flops == 2 * 5 * (2 * 64 + 1)
    assert found.parameters == found.trainable == 445
    assert (found.input_bytes, found.parameter_bytes) == (2 * 3 * 64 * 4, 445 * 4)


def test_the_table():
    lines = str(inspect.summary(network(), (2, 3, 8, 8))).splitlines()
    assert lines[0].split() == ["layer", "input", "output", "parameters", "operations"]
    assert lines[7].startswith("│  ├─ MaxPool2d: 0  2×4×8×8  2×4×4×4")
    assert lines[8].startswith("│  └─ Flatten: 1") and lines[10].startswith("└─ Linear: 5")
    assert "parameters: 445" in lines and "weights: 1.78 kB" in lines
    assert repr(inspect.summary(network())) == str(inspect.summary(network()))
    assert "Conv2d: 0" in inspect.summary(network())._repr_html_().replace("&nbsp;", " ")


def test_nothing_is_changed_by_looking():
    net = network()
    before = net[1].running_mean.numpy()
    net[4].eval()
    inspect.summary(net, mg.randn(2, 3, 8, 8))
    assert np.array_equal(net[1].running_mean.numpy(), before)
    assert net.training and not net[4].training
    assert not any(module._hooks or module._pre_hooks for module in net.modules())
    with pytest.raises(ShapeError):
        inspect.summary(net, (2, 5, 8, 8))
    assert net.training and not any(module._hooks for module in net.modules())


def test_shared_and_frozen_parameters_count_once():
    layer = nn.Linear(3, 3)
    layer.weight.requires_grad = False
    net = nn.Sequential(layer, nn.Tanh(), layer)
    found = inspect.summary(net, (1, 3))
    assert (found.parameters, found.trainable) == (12, 3)
    assert [one.calls for one in found.layers] == [1, 2, 1, 0]
    assert [one.again for one in found.layers] == [False, False, False, True]
    assert str(found).splitlines()[5].split()[-1] == "–" and "(again)" in str(found)
    tied = nn.Linear(3, 3)
    tied.weight = layer.weight
    assert inspect.summary(nn.Sequential(layer, tied)).parameters == 12 + 3


def test_models_with_other_arguments_and_results():
    class Pair(nn.Module):
        def __init__(self):
            self.unused = nn.Linear(2, 2)
            self.scale = nn.Parameter(mg.ones(3))

        def forward(self, data, flag):
            return {"not": "a tensor"} if flag else (data["x"] * self.scale, None)

    found = inspect.summary(Pair(), {"x": mg.ones(2, 3)}, False)
    assert (found.layers[0].outputs, found.layers[0].inputs) == ((2, 3), None)
    assert (found.layers[0].parameters, found.layers[1].calls) == (3, 0)
    assert inspect.summary(Pair(), None, True).layers[0].outputs is None
    with pytest.raises(ArgumentError, match="needs a Module, not something of type function"):
        inspect.summary(lambda x: x)
