"""Mutants that one device and float64 cannot tell from the right rule: what else tells, or nothing.

They are in the table of survivors in docs/gradient-checking.md.
"""

import contextlib

import numpy as np
import pytest
import stand_in

import minigrad as mg
from minigrad import backend
from minigrad.check.mutation import in_place, mutants_of
from minigrad.core.primitive import registered_primitives

OPERATIONS = registered_primitives()


def mutant(name, text):
    """The mutant of the rule for x with this text, in its place."""
    operation = OPERATIONS[name]
    found = next(m for m in mutants_of(operation, "x") if m.text == text)
    return in_place(operation, "x", found)


@pytest.fixture
def second_device(monkeypatch):
    stand_in.install(backend, monkeypatch, stand_in.Library(), "stand")


def devices():
    """Of the gradient of x.to(...) and of the derivative of that gradient by its upstream one."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    g = mg.tensor([3.0, 4.0], device="stand:0", requires_grad=True)
    first, = mg.grad(x.to("stand:0"), [x], g, create_graph=True)
    second, = mg.grad(first, [g], mg.tensor([5.0, 6.0]))
    return first.device, second.device


def test_a_gradient_comes_back_to_the_device_of_its_input(second_device):
    assert devices() == ("cpu", "stand:0")


@pytest.mark.parametrize("text", [
    "lambda g, device, origin: transfer(g, device, origin)",
    "lambda g, device, origin: transfer(g, device, device)",
    "lambda g, device, origin: transfer(g, origin, origin)"])
def test_two_devices_tell_where_a_gradient_belongs(second_device, text):
    # or the engine refuses a mixture of devices
    with mutant("transfer", text), contextlib.suppress(mg.errors.MinigradError):
        assert devices() != ("cpu", "stand:0")


@pytest.mark.parametrize("name", ["amax", "amin"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("other", ["extreme", "g"])
def test_a_result_and_its_gradient_have_the_type_of_the_input(name, dtype, other):
    """So it makes no difference which of the three types a rule asks for."""
    x = mg.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], dtype=dtype, requires_grad=True)

    def gradient():
        out = getattr(mg, name)(x, 1)
        found, = mg.grad(out, [x], mg.tensor([1.0, 0.7], dtype=dtype))
        return found.numpy()

    right = gradient()
    with mutant(name, f"number = sum_to(cast(winners, {other}.dtype), "
                      f"keepdim_shape(x.shape, dim))"):
        assert np.array_equal(gradient(), right) and gradient().dtype == right.dtype == dtype


def gradient_of_bounded_log(x):
    x = mg.tensor([x], dtype="float64", requires_grad=True)
    found, = mg.grad(OPERATIONS["bounded_log"](x), [x], mg.tensor([2.0], dtype="float64"))
    return found.item()


def test_a_probability_near_zero_tells_the_bound_of_a_gradient():
    """Which is not the derivative there, so a gradient check has nothing to say."""
    assert gradient_of_bounded_log(1e-13) == gradient_of_bounded_log(0.0) == 2e12
    with mutant("bounded_log", "lambda g, x: g / maximum(x, -0.999999999999)"):
        assert gradient_of_bounded_log(1e-13) != 2e12


def test_a_number_as_exponent_is_differentiated_as_an_array_is():
    def gradients():
        x = mg.tensor([-1.5, 0.0, 2.0], dtype="float64", requires_grad=True)
        return [mg.grad((x ** y).sum(), [x])[0].numpy() for y in (0, 1, 2, 3)]

    right = gradients()
    with mutant("power", "if isinstance(x, (int, float)):"):
        np.testing.assert_array_equal(gradients(), right)
