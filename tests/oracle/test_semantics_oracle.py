"""Rules of gradients, hooks and modules: the same lines, run by minigrad and by PyTorch."""

import pytest

import minigrad as mg

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def retained_after_all_hooks(lib):
    y = lib.ones(2, requires_grad=True) * 2
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    return y.grad.tolist()


def conversions_return_the_tensor(lib):
    x = lib.ones(2)
    return x.float() is x, x.double() is x, x.to(lib.float32) is x, x.type_as(x) is x


def gradients_of_their_own(lib):
    x, y = lib.ones(1, requires_grad=True), lib.ones(1, requires_grad=True)
    ((x + y) ** 2).sum().backward(create_graph=True)
    with lib.no_grad():
        x.grad.zero_()
    return y.grad.tolist()


def switched_by_a_call(lib):
    try:
        switch = lib.set_grad_enabled(False)
        seen = [lib.is_grad_enabled()]
        with lib.set_grad_enabled(True):
            seen.append(lib.is_grad_enabled())
        seen.append(lib.is_grad_enabled())
        with switch:
            seen.append(lib.is_grad_enabled())
        return [*seen, lib.is_grad_enabled()]
    finally:
        lib.set_grad_enabled(True)


def not_recorded_in_a_generator(lib):
    @lib.no_grad()
    def numbers():
        sent = yield lib.is_grad_enabled()
        yield sent, lib.is_grad_enabled()

    running = numbers()
    return next(running), lib.is_grad_enabled(), running.send(5), lib.is_grad_enabled()


def the_last_of_two_values(lib):
    shared = lib.nn.Linear(1, 1, bias=False)
    net = lib.nn.Sequential(shared, shared)
    net.load_state_dict({"1.weight": lib.ones(1, 1) * 2, "0.weight": lib.ones(1, 1)})
    return shared.weight.item()


def buffers_of_none(lib):
    layer = lib.nn.BatchNorm1d(2)
    layer.register_buffer("missing", None)
    layer.running_mean = None
    return list(layer.state_dict()), [name for name, _ in layer.named_buffers()]


def a_module_within_itself(lib):
    net = lib.nn.Sequential(lib.nn.Linear(1, 1))
    net.again = net
    return [name for name, _ in net.named_parameters()], [name for name, _ in net.named_modules()]


@pytest.mark.parametrize("rule", [
    retained_after_all_hooks, conversions_return_the_tensor, gradients_of_their_own,
    switched_by_a_call, not_recorded_in_a_generator, the_last_of_two_values, buffers_of_none,
    a_module_within_itself,
], ids=lambda rule: rule.__name__)
def test_rules(rule):
    assert rule(mg) == rule(torch)


def refused(lib, call):
    x = lib.ones(2, requires_grad=True)
    try:
        call(lib, x)
    except (RuntimeError, TypeError, ValueError):
        return True
    return False


@pytest.mark.parametrize("call", [
    lambda lib, x: setattr(x, "grad", 5), lambda lib, x: setattr(x, "grad", lib.ones(3)),
    lambda lib, x: setattr(x, "grad", lib.ones(2, dtype=lib.float64)),
    lambda lib, x: (x.register_hook(lambda g: 2.0), x.sum().backward()),
    lambda lib, x: (x.register_hook(lambda g: g.double()), x.sum().backward()),
    lambda lib, x: lib.set_grad_enabled("False"),
    lambda lib, x: setattr(lib.nn.BatchNorm1d(1), "running_mean", 5),
    lambda lib, x: setattr(lib.nn.Linear(1, 1), "weight", 5),
    lambda lib, x: lib.nn.Linear(1, 1).register_buffer("b", [1.0]),
], ids=["a number", "another shape", "another type", "a hook's number", "a hook's type",
        "a text", "a buffer", "a parameter", "a list"])
def test_both_refuse(call):
    assert refused(mg, call) and refused(torch, call)
