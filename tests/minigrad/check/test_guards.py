"""The invariants that the gradient checker tests besides the values: see minigrad.check.guards."""


import numpy as np
import pytest
from rejection import rejected, wrong_tanh

import minigrad as mg
from minigrad import elementwise, primitive
from minigrad.check import GradcheckError, gradcheck, gradgradcheck
from minigrad.core import graph, tensor
from minigrad.core.tensor import wrap

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


@pytest.fixture
def device():
    """The planted mistakes are written for NumPy; right rules are checked on every device."""
    return "cpu"


def test_function_that_writes_to_its_input(leaf):
    @primitive
    def double(x):
        x *= 2
        return x.copy()

    double.derivative(x=lambda g: 2 * g)
    assert "input 0 (x) was changed" in rejected(double, leaf([1.0, 2.0]))


def test_rule_that_writes_to_a_saved_array(leaf):
    def rule(g, out):
        array = out._array if isinstance(out, mg.Tensor) else out
        array *= 0.5
        return g * array

    @elementwise
    def exponential(x):
        return np.exp(x)

    exponential.derivative(x=rule)
    assert "backward" in rejected(exponential, leaf([1.0, 2.0]))


def test_rule_that_writes_to_its_upstream_gradient(leaf):
    def rule(g):
        array = g._array if isinstance(g, mg.Tensor) else g
        array *= 2
        return g

    @elementwise
    def double(x):
        return 2 * x

    double.derivative(x=rule)
    assert "wrote to the upstream gradient" in rejected(double, leaf([1.0, 2.0]))


def test_gradients_that_share_memory(leaf, monkeypatch):
    """The engine copies; an engine that did not would be found out."""
    def without_copies(root, gradient, retain_graph, create_graph):
        for target, g in graph.backward([root], [gradient], retain_graph=retain_graph):
            if isinstance(target, mg.Tensor):
                target.grad = wrap(g)

    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    assert gradcheck(mg.add, (x, y))
    monkeypatch.setattr(tensor, "_accumulate", without_copies)
    assert "input 0 (input) shares memory with that of input 1 (other)" in rejected(
        mg.add, x, y)


def test_random_function(leaf):
    assert "two calls with the same inputs" in rejected(
        lambda x: x * mg.randn(2, dtype=np.float64), leaf([1.0, 2.0]))


def test_random_rule(leaf, rng):
    wrong = wrong_tanh(lambda g, out: g * (1 - out * out) * (1 + 0.01 * rng.standard_normal()))
    assert "two backward passes" in rejected(wrong, leaf([1.0, 2.0]))


def test_function_that_reads_its_input_in_memory_order(leaf, rng):
    @primitive
    def ravelled(x):
        return np.lib.stride_tricks.as_strided(x, (x.size,), (x.itemsize,)) * 1.0

    ravelled.derivative(x=lambda g, x_shape: mg.ops.reshape(g, x_shape))
    assert "not contiguous in memory" in rejected(ravelled, leaf(rng.standard_normal((2, 3))))


def test_gradient_that_depends_on_who_else_wants_one(leaf):
    def careless(x, y):
        return x * y if y.requires_grad else x * y.detach() + 0.1 * x

    message = rejected(careless, leaf([1.0, 2.0]), leaf([3.0, 4.0]))
    assert "no other input requires a gradient" in message


def test_rule_that_differs_when_recorded(leaf):
    wrong = wrong_tanh(lambda g, out: g * (1 - out * out) * (
        2 if isinstance(g, mg.Tensor) else 1))
    assert gradcheck(wrong, leaf([0.5, 1.0]))
    with pytest.raises(GradcheckError, match="recorded"):
        gradgradcheck(wrong, leaf([0.5, 1.0]))
