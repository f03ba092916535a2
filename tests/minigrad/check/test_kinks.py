"""Kinks and jumps are told from mistakes, and no smooth function is excused as kinked."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import elementwise
from minigrad.check import GradcheckError, KinkError, gradcheck, gradgradcheck

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


@pytest.fixture
def device():
    """The planted mistakes are written for NumPy; right rules are checked on every device."""
    return "cpu"


def rejected(function, *inputs, check=gradcheck, **options):
    """The message with which a check fails (as a mistake, not as a kink)."""
    with pytest.raises(GradcheckError) as caught:
        check(function, inputs, **options)
    assert not isinstance(caught.value, KinkError), str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("function, x", [
    (mg.relu, [1.0, 0.0, -1.0]),
    (lambda x: x.abs() + x.relu(), [0.5, 0.0]),
    (lambda x: mg.leaky_relu(x, 0.1), [0.0]),
    (lambda x: x.max(0)[0], [1.0, 3.0, 3.0]),
    (lambda x: mg.clip(x, -1, 1), [1.0, 0.3]),
    (lambda x: mg.maximum(x, 0.5) * 1e-4, [0.5 + 1e-10]),
    (lambda x: mg.functional.max_pool2d(mg.reshape(x, (1, 1, 2, 2)), 2), [1.0, 4.0, 4.0, 3.0]),
    (lambda x: x.amax(), [2.0, 2.0, 2.0, 1.0]),
    (lambda x: (x * x * x).relu() + x.relu(), [0.0]),
], ids=["relu", "abs and relu", "leaky_relu", "max tie", "clip", "maximum, nearly", "max_pool",
        "three-way tie", "smooth part"])
def test_kinks_are_reported_as_kinks(leaf, function, x):
    with pytest.raises(KinkError) as caught:
        gradcheck(function, leaf(x))
    assert "is at a point without a derivative" in str(caught.value)
    assert "slope from the left" in str(caught.value)
    assert "not even between" not in str(caught.value)


def test_a_jump_is_reported_as_one(leaf):
    with pytest.raises(KinkError, match=r"the function jumps here, by 1\b"):
        gradcheck(lambda x: mg.where(x > 0, x + 1, x), leaf([0.0]))


def test_a_slope_outside_both_sides_of_a_kink_is_said(leaf):
    @elementwise
    def relu(x):
        return np.maximum(x, 0)

    relu.derivative(x=lambda g, x: g * (mg.greater(x, 0) + 5 * mg.eq(x, 0)))
    with pytest.raises(GradcheckError, match="not even between"):
        gradcheck(relu, leaf([0.0, 1.0]))


def test_an_infinite_slope_is_not_finite_and_no_kink(leaf):
    with np.errstate(all="ignore"):
        assert "not finite" in rejected(mg.sqrt, leaf([0.0, 1.0]))
        # |x| sends exactly 0 at 0, the middle of a symmetric kink.
        assert gradcheck(lambda x: x.abs().sqrt(), (leaf([0.0]),))


def test_the_middle_of_a_symmetric_kink_agrees(leaf):
    """abs'(0) = 0 is what central differences say too; there is nothing to complain about."""
    assert gradcheck(mg.abs, leaf([0.0, 1.0]))
    assert gradcheck(mg.maximum, (leaf([1.0]), leaf([1.0])))


def test_a_kink_among_many_elements(leaf, rng):
    x = rng.uniform(0.5, 1, (60, 50)) * rng.choice([-1, 1], (60, 50))
    x[7, 9] = x[30, 2] = 0
    with pytest.raises(KinkError) as caught:
        gradcheck(mg.relu, leaf(x))
    assert "input 0 (x)[7, 9]" in str(caught.value) or "input 0 (x)[30, 2]" in str(caught.value)


def test_a_jump_of_the_gradient_is_a_kink_to_second_order(leaf):
    assert gradcheck(lambda x: mg.relu(x) * x, leaf([0.0, 1.0]))    # its slope is 0 at 0
    with pytest.raises(KinkError):
        gradgradcheck(lambda x: mg.relu(x) * x, leaf([0.0, 1.0]))


@pytest.mark.parametrize("shape", [(6,), (70, 60)])
def test_a_kink_excuses_no_other_element(leaf, shape):
    @elementwise
    def relu(x):
        return np.maximum(x, 0)

    relu.derivative(x=lambda g, x: g * mg.greater(x, 0) * (1 + (x > 2)))     # wrong above 2
    x = np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)
    x.flat[1] = 0.0
    x.flat[3] = 2.5
    assert "[3]" in rejected(relu, leaf(x)) or "[0, 3]" in rejected(relu, leaf(x))


@pytest.mark.parametrize("function", [
    lambda x: (50 * x).tanh(), lambda x: (x * x + 1e-4).sqrt(), lambda x: (100 * x).sin(),
    lambda x: (20 * x).exp(), lambda x: 1 / (x * x + 1e-3), lambda x: (1000 * x).sigmoid(),
    lambda x: x ** 3 + 100, lambda x: x * 1e-6, lambda x: (x * x + 1e-8).sqrt(),
], ids=range(9))
@pytest.mark.parametrize("factor", [0.0, -1.0, 1.001, 2.0])
def test_a_smooth_function_with_a_wrong_rule_is_never_excused(leaf, function, factor):
    """However sharp its bend: the wrong factor is put in by a gradient-scaling identity."""
    @elementwise
    def same(x):
        return x + 0

    same.derivative(x=lambda g: factor * g)
    x = leaf([0.0003, 0.013, 0.31])
    assert gradcheck(function, x, rtol=1e-5)
    assert "diagnosis: " in rejected(lambda x: function(same(x)), x, rtol=1e-5, atol=1e-12)


def test_single_precision_inside_is_no_kink_and_no_mistake(leaf):
    message = rejected(lambda x: x.float().exp(), leaf([0.3, 0.7]), rtol=1e-9)
    assert "cannot be judged" in message
    assert "float64" in message
