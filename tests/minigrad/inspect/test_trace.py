"""Tracing a backward pass step by step, and the source of its rules."""


from pathlib import Path

import numpy as np
import pytest
from inspected import small_network, toy

import minigrad as mg
from minigrad import inspect
from minigrad.core.primitive import registered_primitives
from minigrad.errors import ArgumentError, GradientError, MinigradError, ReleasedGraphError
from minigrad.inspect.rules import rule_source


def test_trace_of_the_toy():
    f, w, x, b = toy()
    steps = list(inspect.trace(f))
    assert [s.operation for s in steps] == ["add", "multiply", "leaf", "leaf", "leaf"]
    assert [s.order for s in steps] == [0, 1, 2, 3, 4]
    add, multiply = steps[:2]
    assert add.gradient.item() == 1
    assert [s.gradient.item() for s in add.sent] == [1, 1]
    assert [(s.name, s.gradient.item(), s.before) for s in multiply.sent] == [
        ("x", 5.0, None), ("y", -2.0, None)]
    assert multiply.formula == "Product  z = x·y."
    assert multiply.sent[0].rule.text == "lambda g, y: g * y"
    assert {k.name: float(k.value) for k in multiply.saved} == {"x": -2.0, "y": 5.0}
    assert multiply.saved_bytes == 8
    assert add.saved == ()
    assert {id(s.node): s.gradient.item() for s in steps[2:]} == {id(w): 5, id(x): -2, id(b): 1}
    assert w.grad is None
    f.backward()        # the graph survived
    assert (w.grad.item(), x.grad.item(), b.grad.item()) == (5, -2, 1)


def test_trace_shows_the_diamond_add_up():
    x = mg.tensor(3.0, requires_grad=True)
    add, multiply, leaf = inspect.trace(x * x + x)
    direct = add.sent[1]
    assert (direct.target is x, direct.before, direct.total.item()) == (True, None, 1)
    assert [(s.before.item(), s.gradient.item(), s.total.item()) for s in multiply.sent] == [
        (1, 3, 4), (4, 3, 7)]
    assert (leaf.gradient.item(), leaf.paths, leaf.norm) == (7, 3, 7)
    assert multiply.saved_bytes == 4         # one array under two names
    assert "total 4. + 3. = 7." in str(multiply)


def test_a_total_shown_is_not_changed_by_later_steps():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = ((x + x) + x) + x
    sent = [s for step in inspect.trace(y, np.ones(2, np.float32)) for s in step.sent
            if s.target is x]
    assert [s.total.tolist() for s in sent] == [[1, 1], [2, 2], [3, 3], [4, 4]]


def test_trace_agrees_with_backward(rng):
    net, loss = small_network(rng)
    steps = list(inspect.trace(loss))
    loss.backward()
    leaves = {id(s.node): s for s in steps if s.operation == "leaf"}
    parameters = list(net.parameters())
    assert len(leaves) == len(parameters) == 4
    for parameter in parameters:
        step = leaves[id(parameter)]
        assert np.array_equal(step.gradient, parameter.grad.numpy())
        assert step.norm == pytest.approx(np.linalg.norm(parameter.grad.numpy()), rel=1e-6)


def test_between_steps_the_callers_modes_hold():
    f, w, *_ = toy()
    for step in inspect.trace(f):
        assert mg.is_grad_enabled()
        assert (w * 2).node is not None
        if step.operation == "multiply":
            break
    assert mg.is_grad_enabled()
    with mg.no_grad():
        assert len(list(inspect.trace(f))) == 5
        assert not mg.is_grad_enabled()


def test_trace_can_release_and_refuses_what_backward_refuses():
    f, *_ = toy()
    saved = [step.saved_bytes for step in inspect.trace(f, retain_graph=False)]
    assert saved == [0, 8, 0, 0, 0]
    with pytest.raises(ReleasedGraphError, match="already differentiated"):
        list(inspect.trace(f))
    with pytest.raises(GradientError, match="needs a gradient"):
        inspect.trace(mg.tensor([1.0, 2.0], requires_grad=True) * 2)
    with pytest.raises(GradientError, match="does not depend"):
        inspect.trace(mg.tensor(1.0))


def test_rules_are_quoted_from_the_line_where_they_stand():
    for name in ("multiply", "power", "convolve", "concatenate", "softmax_along"):
        primitive = registered_primitives()[name]
        for rule in primitive.rules.values():
            source = rule_source(rule)
            file = Path(mg.__path__[0]).parent / source.file
            line = file.read_text("utf-8").splitlines()[source.line - 1]
            start = source.text[:source.text.index(":") + 1]
            assert start in line, (name, source)


def test_two_rules_on_one_line_are_told_apart():
    first, second = (lambda g, x: g * x), (lambda g, x: g + x)
    assert rule_source(first).text == "lambda g, x: g * x"
    assert rule_source(second).text == "lambda g, x: g + x"


def test_broadcasting_is_a_step_of_its_own():
    b = mg.tensor([1.0, 2.0], requires_grad=True)
    table = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    loss = (table + b).sum()
    add, summed, leaf = list(inspect.trace(loss))[1:]
    assert isinstance(add.sent[0].target, inspect.Stretch)
    assert add.sent[0].gradient.shape == (3, 2) and add.sent[0].target.source is b
    assert str(summed).splitlines() == [
        "  2 summed over dimension 0: b was stretched from (2,) to (3, 2)",
        "      to b: [3., 3.]"]
    assert summed.sent[0].target is b and leaf.gradient.tolist() == [3, 3]
    assert (summed.operation, summed.shape, leaf.order) == ("stretch", (3, 2), 3)


@pytest.mark.parametrize("shapes, dims, words", [
    (((2, 3), (3,)), (0,), "dimension 0"), (((2, 3), (2, 1)), (1,), "dimension 1"),
    (((2, 3), ()), (0, 1), "dimensions 0 and 1"),
    (((2, 3, 4), (3, 1)), (0, 2), "dimensions 0 and 2")])
def test_the_dimensions_that_were_stretched(shapes, dims, words):
    large, small = (mg.tensor(np.ones(shape), requires_grad=True) for shape in shapes)
    step = next(s for s in inspect.trace((large * small).sum()) if s.operation == "stretch")
    assert step.node.dims == dims and step.node.dims_in_words() == words
    assert step.sent[0].gradient.shape == shapes[1]


def test_matrix_products_stretch_their_leading_dimensions_only():
    a, b = (mg.tensor(np.ones(shape), requires_grad=True) for shape in ((5, 2, 3), (3, 4)))
    steps = list(inspect.trace((a @ b).sum()))
    stretched = [step.node for step in steps if step.operation == "stretch"]
    assert [(one.source is b, one.shape, one.dims) for one in stretched] == [
        (True, (5, 3, 4), (0,))]
    (a @ b).sum().backward()
    assert np.array_equal(steps[-1].gradient, b.grad.numpy())


def test_gradients_over_stretches_add_up_as_in_backward(rng):
    x = mg.tensor(rng.standard_normal(3), requires_grad=True)
    loss = (mg.ones(4, 3).double() * x + x).sum() + (x * x.sum()).sum()
    traced = list(inspect.trace(loss))[-1]
    loss.backward()
    assert np.allclose(traced.gradient, x.grad.numpy()) and traced.paths == 4


def test_recorded_graphs_can_be_traced_after_backward():
    with inspect.record():
        x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        loss = mg.functional.dropout(x.relu(), 0.5).cumsum(0).amax() + x.reshape(3, 1).mean()
    before = [step.gradient.tolist() for step in inspect.trace(loss)]
    loss.backward()
    x.grad = None
    assert [step.gradient.tolist() for step in inspect.trace(loss)] == before
    assert x.grad is None and loss.node.saved is None


def test_large_arrays_stay_in_their_line():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for step in inspect.trace((x * x).sum()):
        assert all(line.startswith((f"{step.order:3} ", "      ")) for line in
                   str(step).splitlines())


@pytest.mark.parametrize("wrong", [
    5, None, "abc", [1, 2], object(), mg.Tensor, mg.nn.Linear, {}, (mg.ones(1),), np.ones(2),
], ids=["number", "None", "text", "list", "object", "class", "module", "dict", "tuple", "array"])
def test_what_cannot_be_looked_at(wrong, tmp_path):
    loss = mg.ones(1, requires_grad=True) * 2
    for call in (inspect.trace, inspect.graph, inspect.passes, inspect.explain, inspect.summary):
        with pytest.raises(MinigradError):
            call(wrong)
    if wrong is not None and not isinstance(wrong, dict):
        with pytest.raises(ArgumentError, match="names is a mapping"):
            inspect.graph(loss, names=wrong)
        with pytest.raises(ArgumentError, match="gradients"):
            inspect.graph(loss, gradients=wrong)
    with pytest.raises(ArgumentError):
        inspect.graph(loss).save(tmp_path / "abc" if isinstance(wrong, str) else wrong)
