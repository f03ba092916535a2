"""Declaring operations: what works in a few lines, and what is refused at declaration."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import elementwise, primitive
from minigrad.errors import (
    ArgumentError,
    DeclarationError,
    DTypeError,
    GradientError,
    MinigradError,
    ModifiedError,
    NoRuleError,
    ReleasedGraphError,
    ShapeError,
)

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


def test_two_primitives_of_minigrad_cannot_have_one_name():
    def exp(x):
        return x

    exp.__module__ = "minigrad.ops.smooth"
    with pytest.raises(DeclarationError, match="primitive exp already"):
        primitive(exp)
    exp.__module__ = "theirs"           # a program may have one of its own
    assert primitive(exp) is not mg.exp


def test_a_new_elementwise_operation_in_a_few_lines(leaf):
    @elementwise
    def cube(x):
        return x * x * x

    cube.derivative(x=lambda g, x: g * (3 * x * x))
    x = leaf([1.0, 2.0])
    (g,) = mg.grad(cube(x).sum(), x, create_graph=True)
    (h,) = mg.grad(g.sum(), x)
    assert (g.tolist(), h.tolist()) == ([3.0, 12.0], [6.0, 12.0])
    assert cube(np.array([2.0])).tolist() == [8.0]      # arrays in, array out
    assert mg.primitive.__module__ == "minigrad.core.primitive"


def test_rules_that_name_what_is_not_there_fail_when_declared():
    @primitive
    def operation(x, factor):
        return x * factor

    with pytest.raises(DeclarationError, match="names 'y'"):
        operation.derivative(x=lambda g, y: g * y)
    with pytest.raises(DeclarationError, match="no parameter 'y'"):
        operation.derivative(y=lambda g: g)
    with pytest.raises(DeclarationError, match="upstream gradient g first"):
        operation.derivative(x=lambda x, g: g)
    with pytest.raises(DeclarationError, match="names 'position'"):
        operation.derivative(x=lambda g, position: g)
    with pytest.raises(DeclarationError, match="names 'y_shape'"):
        operation.derivative(x=lambda g, y_shape: g)


def _declare(text):
    namespace = {"primitive": primitive}
    exec(text, namespace)


@pytest.mark.parametrize("name", ["g", "out", "position", "saving", "x_shape"])
def test_reserved_names_fail_when_declared(name):
    with pytest.raises(DeclarationError, match=f"'{name}'.*reserved"):
        _declare(f"@primitive\ndef operation({name}):\n    return {name}\n")


def test_float_side_arrays_fail_when_declared():
    with pytest.raises(DeclarationError, match="'weights' as float"):
        @primitive(saves={"weights": float})
        def operation(x, *, saving):
            return x, x


def test_a_float_array_saved_under_a_false_promise_is_refused(leaf):
    @primitive(saves={"mask": bool})
    def operation(x, *, saving=True):
        return x, x * 1.5

    operation.derivative(x=lambda g, mask: g * mask)
    with pytest.raises(DeclarationError, match=r"'mask' as bool.*float64"):
        operation(leaf([1.0]))


def test_side_arrays_are_made_only_when_someone_wants_them(leaf, constant):
    asked = []

    @primitive(saves={"mask": bool})
    def positive_part(x, *, saving=True):
        asked.append(saving)
        return x.clip(0), (x > 0 if saving else None)

    positive_part.derivative(x=lambda g, mask: g * mask)
    positive_part(constant(np.array([1.0])))
    x = leaf([1.0, -1.0])
    with mg.no_grad():
        positive_part(x)
    y = positive_part(x)
    assert asked == [False, False, True]
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_an_input_without_a_rule_is_an_error_and_never_a_zero(leaf, constant):
    @primitive
    def product(x, y):
        return x * y

    product.derivative(x=lambda g, y: g * y)
    x, y = leaf([1.0]), leaf([2.0])
    with pytest.raises(NoRuleError, match="product has no derivative rule for y"):
        product(x, y)
    product(x, y.detach()).sum().backward()
    assert x.grad.tolist() == [2.0]
    with mg.no_grad():
        assert product(x, y).tolist() == [2.0]


def test_a_rule_given_as_none_is_a_zero(leaf, leave_no_primitives):
    @primitive
    def step(x):
        return 2 * (x > 0) - 1.0

    step.derivative(x=None)
    x = leaf([1.0, -2.0])
    y = step(x)
    assert not y.requires_grad
    (y * x).sum().backward()
    assert x.grad.tolist() == [1.0, -1.0]


def test_a_rule_that_returns_another_shape_raises(leaf):
    @primitive
    def total(x):
        return x.sum(0)

    total.derivative(x=lambda g: g)
    with pytest.raises(ShapeError, match=r"rule of total for x returned shape \(2,\).*\(3, 2\)"):
        total(leaf(np.ones((3, 2)))).sum().backward()


def test_variadic_inputs_know_their_position(leaf, constant, on_device):
    x, y, z = leaf([1.0]), constant(np.array([2.0])), leaf([3.0, 4.0])
    mg.cat([x, y, z]).backward(on_device([10.0, 20.0, 30.0, 40.0]))
    assert x.grad.tolist() == [10.0]
    assert z.grad.tolist() == [30.0, 40.0]


def test_arguments_by_name_and_by_default(leaf):
    x = leaf([-1.0, 1.0])
    assert mg.leaky_relu(x).tolist() == [-0.01, 1.0]
    assert mg.leaky_relu(x=x, negative_slope=0.5).tolist() == [-0.5, 1.0]
    with pytest.raises(TypeError, match="does not take 'slop'"):
        mg.leaky_relu(x, slop=0.5)
    with pytest.raises(TypeError, match="needs an argument 'x'"):
        mg.leaky_relu()


def test_all_errors_share_a_base():
    for error in (ArgumentError, DeclarationError, DTypeError, GradientError, ModifiedError,
                  NoRuleError, ReleasedGraphError, ShapeError):
        assert issubclass(error, MinigradError)


def test_what_no_operation_takes(leaf):
    with pytest.raises(DTypeError, match=r"multiply takes tensors.*not list"):
        leaf([1.0]) * [1.0]
    with pytest.raises((ShapeError, ValueError)):
        leaf([1.0, 2.0]) * leaf([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="inner lengths"):
        leaf(np.ones((2, 3))) @ leaf(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="does not exist"):
        leaf([1.0]).sum(1)
    with pytest.raises(ShapeError, match="reshape cannot"):
        leaf([1.0, 2.0]).reshape(3)


@pytest.mark.parametrize("function", [F.relu, F.sigmoid, mg.tanh, F.leaky_relu, mg.exp])
def test_the_first_argument_may_be_called_input(function):
    """As in PyTorch."""
    x = mg.tensor([-1.0, 2.0], requires_grad=True)
    assert function(input=x).tolist() == function(x).tolist()
    with pytest.raises(TypeError, match="does not take 'input'"):
        function(x, input=x)
