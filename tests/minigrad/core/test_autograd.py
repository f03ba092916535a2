"""The backward walk: order, accumulation, higher orders, recording, hooks."""

import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import (
    ArgumentError,
    DTypeError,
    GradientError,
    ReleasedGraphError,
    ShapeError,
)

# ------------------------------------------------------------------ the backward walk


def test_diamond_sums_its_paths(leaf):
    x = leaf(3.0)
    y = x * x + x
    y.backward()
    assert x.grad.item() == 7.0


def test_each_node_is_visited_once(leaf):
    """Sixty diamonds in a row have 2⁶⁰ paths and 61 nodes per level."""
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad.item() == pytest.approx(1.0)


def test_a_gradient_is_complete_before_its_node_is_left(leaf):
    """b is used early and late: whoever goes depth first sends half of its gradient on."""
    x = leaf(2.0)
    b = x * x
    c = b.exp()
    d = c * b
    (d + b).backward()
    b0 = 4.0
    assert x.grad.item() == pytest.approx((np.exp(b0) * (b0 + 1) + 1) * 4.0)


def test_chain_of_100_000_operations(leaf):
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    del y       # letting go of a long chain must not recurse either


def test_long_chain_is_freed_without_backward(leaf):
    y = leaf(1.0)
    for _ in range(100_000):
        y = -y
    node = weakref.ref(y.node)
    del y
    assert node() is None


def test_leaves_accumulate_over_calls_and_inner_gradients_are_not_kept(leaf):
    x = leaf([1.0, 2.0])
    for times in (1, 2, 3):
        y = x * x
        y.sum().backward()
        assert x.grad.tolist() == [2.0 * times, 4.0 * times]
        assert y.grad is None
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_gradients_are_never_written_to_after_they_were_handed_out(leaf):
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    first = x.grad
    before = first.tolist()
    (x * x).sum().backward()
    assert first.tolist() == before


def test_retain_grad_keeps_an_inner_gradient(leaf):
    x = leaf([1.0, 2.0])
    y = x * x
    y.retain_grad()
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3.0, 3.0]


def test_retain_grad_sees_the_gradient_after_all_hooks_once(leaf):
    x = leaf([1.0, 2.0])
    y = x * 2
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [10, 10] and x.grad.tolist() == [20, 20]
    y.sum().backward()
    assert y.grad.tolist() == [20, 20]


def test_one_gradient_sent_to_both_inputs_is_not_shared(leaf, on_device):
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (x + y).backward(on_device([1.0, 1.0]))
    assert x.grad is not y.grad
    with mg.no_grad():
        x.grad.mul_(100)
    assert y.grad.tolist() == [1.0, 1.0]


def test_accumulation_never_writes_into_what_others_hold(leaf, on_device):
    """The upstream gradient goes to x and y as one array, and more is added to x only."""
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    upstream = on_device([1.0, 10.0])
    ((x + y) + x + x).backward(upstream)
    assert y.grad.tolist() == [1.0, 10.0]
    assert x.grad.tolist() == [3.0, 30.0]
    assert upstream.tolist() == [1.0, 10.0]


def test_backward_from_several_elements_needs_a_gradient(leaf, on_device):
    x = leaf([1.0, 2.0])
    with pytest.raises(GradientError, match=r"shape \(2,\) needs a gradient"):
        (x * x).backward()
    with pytest.raises(ShapeError, match=r"shape \(3,\).*shape \(2,\)"):
        (x * x).backward(on_device(np.ones(3)))
    with pytest.raises(GradientError, match="does not depend on any leaf"):
        x.detach().backward()


def test_leaf_itself_can_be_the_root(leaf):
    x = leaf(2.0)
    x.backward()
    assert x.grad.item() == 1.0


# ------------------------------------------------------------------ twice over one graph


def test_second_backward_is_refused_unless_the_graph_is_retained(leaf):
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(ReleasedGraphError, match="retain_graph=True"):
        y.backward()


def test_saved_arrays_are_released_as_backward_passes(leaf, on_device):
    x = leaf([1.0, 2.0])
    y = x.exp()
    z = y.sin()
    z.backward(on_device(np.ones(2)))
    assert y.node.saved is None
    assert z.node.saved is None


def test_third_derivative(leaf):
    x = leaf(2.0)
    y = x ** 4
    (first,) = mg.grad(y, x, create_graph=True)
    (second,) = mg.grad(first, x, create_graph=True)
    (third,) = mg.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (32.0, 48.0, 48.0)
    assert not third.requires_grad
    assert x.grad is None


def test_third_derivative_of_a_composite(leaf):
    x = leaf(0.7)
    value = mg.tanh(x * x)
    for _ in range(3):
        (value,) = mg.grad(value, x, create_graph=True)
    # d³ tanh(x²)/dx³ by hand, with t = tanh(x²) and s = 1 − t²
    t = np.tanh(0.49)
    s = 1 - t * t
    assert value.item() == pytest.approx(
        0.7 * s * (-24 * t) + 8 * 0.7 ** 3 * s * (6 * t * t - 2), rel=1e-12)


def test_every_leaf_gets_an_array_of_its_own(leaf):
    x, y = leaf([3.0]), leaf([4.0])
    ((x + y) ** 2).sum().backward(create_graph=True)
    one, two = mg.grad((x + y).sum(), (x, y), create_graph=True)
    v = mg.ones_like(x)
    same, = mg.grad(x, x, v, create_graph=True)
    with mg.no_grad():
        for gradient in (x.grad, one, same):
            gradient.zero_()
    assert (y.grad.item(), two.item(), v.item()) == (14, 1, 1)
    z = leaf([3.0, 4.0])
    z.sum().backward(create_graph=True)
    with mg.no_grad():
        z.grad.zero_()              # not the read-only ones that a sum sends


def test_backward_with_create_graph_can_be_differentiated(leaf):
    x = leaf([1.0, 2.0])
    (x ** 3).sum().backward(create_graph=True)
    gradient, x.grad = x.grad, None
    gradient.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_gradient_of_a_gradient_by_the_upstream_gradient(leaf, on_device):
    """Also where the upstream gradient has another element type."""
    x = leaf([1.0, 2.0], np.float32)
    v = leaf([3.0, 4.0], np.float64)
    (g,) = mg.grad(x * x, x, v, create_graph=True)
    assert g.dtype == np.float32
    (back,) = mg.grad(g, v, on_device(np.ones(2, np.float32)))
    assert back.tolist() == [2.0, 4.0]
    assert back.dtype == np.float64


def test_grad_of_inner_tensors_and_unused_inputs(leaf):
    x, z = leaf([1.0, 2.0]), leaf(5.0)
    y = x * x
    loss = (y * 3).sum()
    by_y, by_x = mg.grad(loss, (y, x), retain_graph=True)
    assert (by_y.tolist(), by_x.tolist()) == ([3.0, 3.0], [6.0, 12.0])
    assert mg.grad(loss, (x, z), allow_unused=True, retain_graph=True)[1] is None
    with pytest.raises(GradientError, match="input 1"):
        mg.grad(loss, (x, z))


# ------------------------------------------------------------------ recording


def test_no_grad_and_enable_grad(leaf):
    x = leaf(2.0)
    with mg.no_grad():
        assert not (x * x).requires_grad
        with mg.enable_grad():
            assert (x * x).requires_grad
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()

    @mg.no_grad()
    def function():
        return x * x

    assert not function().requires_grad
    assert not function().requires_grad     # a decorator must work more than once


def test_set_grad_enabled_holds_from_the_call_on():
    try:
        switch = mg.set_grad_enabled(False)
        assert not mg.is_grad_enabled()
        with mg.set_grad_enabled(True):
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
        with switch:
            assert not mg.is_grad_enabled()
        assert mg.is_grad_enabled()             # as before the switch was made
        decorated = mg.set_grad_enabled(False)(mg.is_grad_enabled)
        assert mg.is_grad_enabled() and not decorated() and mg.is_grad_enabled()
        mg.no_grad()
        assert mg.is_grad_enabled()
        with pytest.raises(ArgumentError, match="True or False, not 'False'"):
            mg.set_grad_enabled("False")
    finally:
        mg.set_grad_enabled(True)


def test_one_switch_may_be_nested():
    switch = mg.no_grad()
    with switch, switch:
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_a_generator_is_not_recorded_and_what_resumes_it_is():
    said = []

    @mg.no_grad()
    def numbers(start):
        """Counts."""
        try:
            for k in range(start, 9):
                assert not mg.is_grad_enabled()
                try:
                    said.append((yield k))
                except KeyError:
                    said.append("KeyError")
            return "end"
        finally:
            said.append(mg.is_grad_enabled())

    counting = numbers(6)
    assert next(counting) == 6 and mg.is_grad_enabled()
    assert counting.send("a") == 7 and mg.is_grad_enabled()
    assert counting.throw(KeyError) == 8 and mg.is_grad_enabled()
    with pytest.raises(StopIteration) as caught:
        next(counting)
    assert caught.value.value == "end" and said == ["a", "KeyError", None, False]
    started = numbers(0)
    next(started)
    started.close()
    assert said[-1] is False and mg.is_grad_enabled() and numbers.__doc__ == "Counts."


def test_recording_is_restored_after_an_error(leaf):
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert mg.is_grad_enabled()
    x = leaf(1.0)
    y = x * x
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert mg.is_grad_enabled()


def test_the_grad_mode_belongs_to_a_thread(leaf):
    x, seen = leaf(2.0), []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * x).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_differentiate_side_by_side(leaf):
    results = {}

    def work(number):
        x = leaf(float(number))
        y = x
        for _ in range(50):
            y = y * x
        y.backward()
        results[number] = x.grad.item()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == pytest.approx({n: 51.0 * n ** 50 for n in range(1, 4)})


def test_detach_cuts_the_graph_and_shares_the_array(leaf):
    x = leaf([1.0, 2.0])
    d = (x * x).detach()
    assert not d.requires_grad and d.is_leaf
    (x * d).sum().backward()
    assert x.grad.tolist() == [1.0, 4.0]


def test_results_require_gradients_only_if_an_input_does(leaf, constant):
    x, c = leaf([1.0]), constant(np.array([2.0]))
    assert (x * c).requires_grad and not (c * c).requires_grad
    assert (c * c).node is None
    assert not (x > 0).requires_grad
    assert not x.argmax().requires_grad
    x.requires_grad = False
    assert not (x * c).requires_grad


def test_requires_grad_of_results_and_integers_is_refused(leaf, constant):
    with pytest.raises(DTypeError, match="int64"):
        mg.tensor([1, 2], requires_grad=True)
    with pytest.raises(DTypeError, match="bool"):
        constant(np.array([True])).requires_grad_()
    y = leaf(1.0) * 2
    with pytest.raises(GradientError, match="result of multiply"):
        y.requires_grad = False


# ------------------------------------------------------------------ hooks


def test_hooks_see_and_replace_complete_gradients(leaf):
    x = leaf([1.0, 2.0])
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    remove = x.register_hook(lambda g: seen.append(g.tolist()))
    (y.sum() + (y * y).sum()).backward()
    assert seen == [[5.0, 9.0], [100.0, 180.0]]     # 1 + 2y first, then 2 · 10 times that
    assert x.grad.tolist() == [100.0, 180.0]
    remove()
    x.grad = None
    (x * 1).sum().backward()
    assert len(seen) == 2
