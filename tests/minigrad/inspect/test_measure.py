"""Gradients measured by nudging, beside those of the backward pass."""

import numpy as np
import pytest
from inspected import backward_steps, page_data, small_network

import minigrad as mg
import minigrad.functional as F
from minigrad import inspect
from minigrad.inspect import measure
from minigrad.inspect.measure import Replay
from minigrad.inspect.record import Values


def kinds(loss, gradient=1.0):
    replay = Replay(loss, gradient, Values())
    assert replay.unknown is None, replay.unknown
    return [replay.measure(step.node, step.gradient) for step in
            inspect.trace(loss, None if loss.shape == () else gradient)]


def test_all_of_a_small_network(rng):
    with inspect.record():
        _, loss = small_network(rng)
    found = kinds(loss)
    # Equal pixels in a window are a kink of max_pool: where relu gave zeros.
    assert {one.kind for one in found} <= {"agrees", "kink"}
    assert [one.kind for one in found].count("kink") <= 1
    weight = next(one for one in found if one.slopes is None)
    assert [nudge.index is None for nudge in weight.nudges] == [False, True]    # one, and all


@pytest.mark.parametrize("compute", [
    lambda a, b: (a @ b).sum(), lambda a, b: F.softmax(a @ b, 1)[0, 1],
    lambda a, b: mg.cat([a, b.T]).std(), lambda a, b: (a[0] * b[:, 0]).exp().mean(),
    lambda a, b: (a / 3).tanh().double().sum() + b.amax(), lambda a, b: F.dropout(a, 0.5).sum()
    + b.float().sum() + a.to(np.float16).sum(), lambda a, b: a.sort(1)[0][0, 0] * b[1, 1],
    lambda a, b: mg.einsum("ij,jk->ik", a, b).norm()],
    ids=["matmul", "softmax", "cat", "exp", "cast", "dropout", "sort", "einsum"])
def test_operations_of_every_sort(compute, rng):
    mg.manual_seed(3)
    a, b = (mg.tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=True)
            for shape in ((2, 3), (3, 2)))
    with inspect.record():
        loss = compute(a, b)
    assert {one.kind for one in kinds(loss)} == {"agrees"}


def test_a_result_of_several_elements_counts_as_the_gradient_says():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    gradient = np.float32([3.0, -1.0])
    assert [one.slopes.round(6).tolist() for one in kinds(y, gradient)] == [
        [3, -1], [6, -4]]


def test_a_nudge_is_told_as_it_was_made():
    w = mg.tensor(-2.0, requires_grad=True)
    multiply, leaf = kinds(w * 5.0)
    assert leaf.telling.by == pytest.approx(0.001)
    assert leaf.telling.moved == pytest.approx(0.005)
    assert multiply.telling.by == pytest.approx(0.01)       # of ten: numbers of its size


def test_a_steep_curve_is_no_kink():
    x = mg.tensor(1e-3, requires_grad=True)
    assert [one.kind for one in kinds((x * 2e4).sin())] == ["agrees"] * 3
    y = mg.tensor(0.0, requires_grad=True)
    assert kinds(y.relu() * 2)[-1].kind == "kink"


def test_one_path_among_several_is_measured_alone():
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    replay = Replay(y, 1.0, Values())
    multiply = y.node.parents[0]
    assert replay.measure((multiply, 0), np.float32(3)).telling.slope == pytest.approx(3)
    assert replay.measure((multiply, 0), np.float32(3)).kind == "agrees"
    assert Replay(y, 1.0, Values()).measure((multiply, 0), np.float32(4)).kind == "differs"
    assert replay.measure(x, np.float32(7)).kind == "agrees"


def test_too_much_is_not_measured_and_nothing_of_empty_arrays(monkeypatch):
    monkeypatch.setattr(measure, "MAX_VISITS", 5000)
    x = mg.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100):
        y = y * 1.0
    replay = Replay(y, 1.0, Values())
    found = [replay.measure(step.node, step.gradient) for step in inspect.trace(y)]
    assert found[0] is not None and found[-1] is None
    empty = mg.tensor(np.zeros((0, 3)), requires_grad=True)
    assert kinds(empty.sum())[-1] is None


def test_what_a_rule_does_not_name_is_not_guessed(leave_no_primitives):
    @mg.primitive
    def shifted(x, by=2.0):
        """x + by."""
        return x + by

    shifted.derivative(x=lambda g: g)
    x = mg.tensor(1.0, requires_grad=True)
    y = shifted(x, 5.0) * 3.0
    assert Replay(y, 1.0, Values()).unknown.primitive.name == "shifted"
    assert r"shifted\nscalar" in inspect.graph(y, names={}).dot     # and not 3, by the default
    with inspect.record():
        y = shifted(x, 5.0) * 3.0
    assert r"shifted\n6" in inspect.graph(y, names={}).dot


def test_large_arrays_are_not_computed_again_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(measure, "MAX_ELEMENTS", 1e4)
    x = mg.tensor(np.ones((50, 50)), requires_grad=True)
    loss = (x * x).sum()
    assert Replay(loss, 1.0, Values()).too_large
    _, data = page_data(inspect.explain(loss))
    assert "the arrays are too large" in " ".join(data["steps"][0]["notes"])
    assert all(step["measured"] is None for step in backward_steps(data))
