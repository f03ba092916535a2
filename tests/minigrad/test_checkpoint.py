"""Checkpoints: the same gradients, less kept, and refusals that say what would be right."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.checkpoint import checkpoint
from minigrad.errors import ArgumentError, GradientError, ModifiedError, ReleasedGraphError


def part(x, w):
    return ((x @ w).tanh() * x).exp()


@pytest.fixture
def inputs(leaf, rng):
    return leaf(rng.standard_normal((3, 4))), leaf(rng.standard_normal((4, 4)))


def gradients(run, tensors):
    for tensor in tensors:
        tensor.grad = None
    run(*tensors).sum().backward()
    return [tensor.grad.numpy() for tensor in tensors]


@pytest.mark.parametrize("run", [
    lambda x, w: checkpoint(part, x * 2, w),
    lambda x, w: checkpoint(lambda a: part(a, w), x * 2),
    lambda x, w: checkpoint(lambda a, b: checkpoint(part, a * 2, b), x, w),
], ids=["arguments", "a leaf that is no argument", "nested"])
def test_gradients_are_those_without_it(inputs, run):
    plain = gradients(lambda x, w: part(x * 2, w), inputs)
    for ours, theirs in zip(gradients(run, inputs), plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_one_tensor_given_twice_gets_both_parts(inputs):
    x, _ = inputs
    ours, = gradients(lambda t: checkpoint(lambda a, b: a * b.exp(), t, t), [x])
    np.testing.assert_allclose(ours, gradients(lambda t: t * t.exp(), [x])[0])


CYCLE = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize("run", [
    lambda x, c: checkpoint(lambda a, b: a * b, x, c),
    lambda x, c: checkpoint(lambda a, b: (a + b).exp(), x, c),
    lambda x, c: checkpoint(lambda a, b: (a + b[0]["c"][1]).exp(), x, [{"c": (CYCLE, c)}]),
    lambda x, c: checkpoint(lambda a: a * c, x),
    lambda x, c: checkpoint(lambda a: checkpoint(lambda b, d: b + d, a, c).exp(), x),
], ids=["factor", "addend", "in a list", "no argument", "nested"])
def test_a_constant_that_changes_before_the_backward_pass_is_noticed(leaf, run):
    x = leaf([2.0])
    c = mg.tensor([3.0], dtype="float64").to(x.device)
    y = run(x, c)
    c.add_(1)
    with pytest.raises(ModifiedError, match="checkpoint"):
        y.backward()


@pytest.mark.parametrize("function", [lambda a: a, lambda a: a.reshape(-1)], ids=["same", "view"])
def test_a_change_of_an_argument_that_was_returned_is_noticed(leaf, function):
    x = leaf([2.0])
    y = checkpoint(function, x)
    z = (y * y).sum()
    with mg.no_grad():
        x.add_(1)
    with pytest.raises(ModifiedError):
        z.backward()


def test_random_numbers_are_replayed_and_not_drawn_twice(inputs):
    results = []
    for run in (lambda x: F.dropout(x.exp(), 0.5), lambda x: checkpoint(
            lambda a: F.dropout(a.exp(), 0.5), x)):
        mg.manual_seed(3)
        results.append((*gradients(run, inputs[:1]), mg.rand(3).numpy()))
    for plain, ours in zip(*results, strict=True):
        np.testing.assert_array_equal(plain, ours)


def test_less_is_kept():
    x = mg.randn(100_000, requires_grad=True)

    def chain(t):
        for _ in range(8):
            t = t.tanh().exp()
        return t

    held = {}
    for name, run in {"plain": chain, "checkpoint": lambda t: checkpoint(chain, t)}.items():
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        out = run(x)
        held[name] = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        del out
    assert held["checkpoint"] < held["plain"] / 8


def test_a_second_derivative_is_refused(inputs):
    with pytest.raises(GradientError, match="cannot be differentiated twice"):
        checkpoint(part, *inputs).sum().backward(create_graph=True)


def test_a_second_pass_is_refused_unless_the_graph_is_retained(inputs):
    out = checkpoint(part, *inputs).sum()
    first = mg.grad(out, inputs[:1], retain_graph=True)[0]
    second = mg.grad(out, inputs[:1])[0]
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    with pytest.raises(ReleasedGraphError):
        out.backward()


def test_a_change_of_what_it_needs_is_noticed(inputs):
    out = checkpoint(part, *inputs).sum()
    with mg.no_grad():
        inputs[1].mul_(2)
    with pytest.raises(ModifiedError, match="checkpoint"):
        out.backward()


def test_what_cannot_be_replayed_is_refused(inputs):
    x, w = inputs
    hidden = x * 2
    with pytest.raises(ArgumentError, match="result of multiply that is not among"):
        checkpoint(lambda t: part(hidden, t), w)
    with pytest.raises(ArgumentError, match="one Tensor"):
        checkpoint(lambda t: (t, t), x)


def test_nothing_is_recorded_under_no_grad(inputs):
    with mg.no_grad():
        assert not checkpoint(part, *inputs).requires_grad


def test_no_reference_cycles(inputs):
    gc.collect()
    gc.disable()
    try:
        out = checkpoint(part, *inputs)
        node = weakref.ref(out.node)
        out.sum().backward()
        del out
        assert node() is None
    finally:
        gc.enable()


def test_a_checkpoint_can_be_inspected(inputs):
    steps = list(mg.inspect.trace(checkpoint(part, *inputs).sum()))
    assert "checkpoint" in [step.operation for step in steps]
    assert "checkpoint" in mg.inspect.graph(checkpoint(part, *inputs).sum()).dot
