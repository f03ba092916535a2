"""Rules that read memory instead of elements: every layout of upstream gradients and inputs."""

import numpy as np
import pytest
from rejection import rejected

import minigrad as mg
from minigrad import primitive
from minigrad.check import check_vjp, gradcheck, gradgradcheck
from minigrad.check.plain.layouts import LAYOUTS, broadcast, rearranged

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


@pytest.fixture
def device():
    """The planted mistakes are written for NumPy."""
    return "cpu"


def plain(g):
    return g._array if isinstance(g, mg.Tensor) else g


def tripled(rule):
    @primitive
    def triple(x):
        return 3 * x

    triple.derivative(x=lambda g: 3 * mg.tensor(rule(plain(g))) if isinstance(g, mg.Tensor)
                      else 3 * rule(g))
    return triple


RULES = {
    "memory order": lambda g: g.ravel(order="K").reshape(g.shape),
    "column order": lambda g: g.ravel(order="A").reshape(g.shape),
    "stride 0 as one number": lambda g: np.full(g.shape, g.flat[0] * g.size)
    if 0 in g.strides else g * 1.0,
    "the wrong end of a reversed array": lambda g: np.flip(g) if g.strides[-1] < 0 else g * 1.0,
    "gaps as elements": lambda g: g * (2.0 if g.strides[-1] == 16 else 1.0),
    "aligned only": lambda g: g * 1.0 if g.flags.aligned else g * 0.0,
    "a writeable gradient only": lambda g: g * 1.0 if g.flags.writeable else g * 2.0,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_that_is_right_for_a_row_major_upstream_gradient_only(rule, leaf, rng):
    message = rejected(tripled(rule), leaf(rng.standard_normal((3, 4))))
    assert "an upstream gradient that is" in message


def test_second_order_upstream_gradients_have_every_layout_too(leaf, rng):
    """The rule's own derivative reads memory: first order cannot show it."""
    inner = tripled(RULES["memory order"])

    @primitive
    def outer(x):
        return 3 * x

    outer.derivative(x=lambda g: inner(g))
    x = leaf(rng.standard_normal((3, 4)))
    assert gradcheck(outer, x)
    assert "upstream gradient that is" in gradgradcheck(
        outer, x, raise_exception=False).message()


@pytest.mark.parametrize("view", [
    lambda x: x.T, lambda x: x.T[::-1], lambda x: x[:, ::2], lambda x: x[None],
], ids=["transposed", "reversed", "sliced", "one more dimension"])
def test_outputs_that_are_views(view, leaf, rng):
    x = leaf(rng.standard_normal((3, 4)))
    assert gradcheck(view, x)
    assert gradgradcheck(view, x)
    assert not gradcheck(lambda x: tripled(RULES["memory order"])(view(x)), x,
                         raise_exception=False)


def test_plain_functions_get_every_layout(rng):
    x = rng.standard_normal((3, 4))
    for rule in (RULES["memory order"], RULES["aligned only"], RULES["stride 0 as one number"]):
        report = check_vjp(lambda x: 3 * x, lambda arguments, g, rule=rule: 3 * rule(g), (x,),
                           raise_exception=False)
        assert report.verdict == "wrong" and report.failure.kind == "layout"


def test_plain_functions_whose_vjp_reads_the_memory_of_its_input(rng):
    def vjp(arguments, g):
        return 2 * g * arguments[0].ravel(order="K").reshape(g.shape)

    report = check_vjp(lambda x: x * x, vjp, (rng.standard_normal((3, 4)),),
                       raise_exception=False)
    assert "input 0 (x)" in report.message() and report.failure.kind == "layout"


def test_layouts_keep_shape_and_values(rng):
    array = rng.standard_normal((2, 3, 4))
    for _, other in rearranged(array):
        assert np.array_equal(other, array)
    assert {name for name, _ in rearranged(array)} == set(LAYOUTS)
    assert all(0 in other.strides and other.shape == array.shape for _, other in broadcast(array))
    assert list(rearranged(np.zeros((0, 3)))) == list(broadcast(np.zeros((0, 3)))) == []
