"""Hooks around every operation, forward and backward."""


import sys
import threading

import pytest
from inspected import toy

import minigrad as mg
from minigrad import inspect


def test_operation_hooks_see_both_directions_in_nested_pairs():
    seen = []

    def note(moment):
        return lambda call: seen.append((moment, call.phase, call.primitive.name))

    with inspect.operation_hooks(note("outer before"), note("outer after")), \
         inspect.operation_hooks(after=note("inner after")):
        f, *_ = toy()
        f.backward()
    expected = [(moment, phase, name)
                for phase, names in (("forward", ("multiply", "add")),
                                     ("backward", ("add", "multiply"))) for name in names
                for moment in ("outer before", "inner after", "outer after")]
    assert seen == expected
    (mg.tensor(1.0, requires_grad=True) * 2).backward()
    assert seen == expected         # the hooks are gone


def test_operation_hooks_are_told_what_went_in_and_came_out():
    calls = []
    with inspect.operation_hooks(after=calls.append):
        f, w, x, _ = toy()
        f.backward()
    multiply = calls[0]
    assert [float(a) for a in multiply.arguments] == [-2, 5]
    assert multiply.result.item() == -10 and multiply.node is multiply.result.node
    back = calls[3]
    assert (back.gradient.item(), back.node is multiply.node) == (1, True)
    assert [(c.name, c.target, float(c.gradient)) for c in back.contributions] == [
        ("x", w, 5.0), ("y", x, -2.0)]


def test_operation_hooks_stay_in_their_thread_and_do_not_watch_themselves():
    seen = []

    def compute(call):
        seen.append(call.primitive.name)
        mg.tensor(2.0).exp()

    with inspect.operation_hooks(after=compute):
        thread = threading.Thread(target=lambda: mg.tensor(1.0).sin())
        thread.start()
        thread.join()
        mg.tensor(1.0).cos()
    assert seen == ["cos"]
    with pytest.raises(KeyError), inspect.operation_hooks():
        raise KeyError
    assert not sys.modules["minigrad.core.hooks"].observers


def test_a_recorded_pass_and_a_limited_one_are_seen_truly():
    x, y = (mg.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    calls = []
    with inspect.operation_hooks(after=calls.append):
        (g,) = mg.grad(x * y, y, create_graph=True)
    backward = [c for c in calls if c.phase == "backward"]
    assert [[(c.name, c.target) for c in b.contributions] for b in backward] == [[("y", y)]]
    assert [c.primitive.name for c in calls] == ["multiply", "multiply", "multiply"]
    assert g.item() == 2
