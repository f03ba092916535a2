"""The gradient checker: right rules pass, wrong ones do not, kinks are told from mistakes."""

import numpy as np
import pytest
from rejection import rejected, wrong_tanh

import minigrad as mg
from minigrad import elementwise, primitive
from minigrad.check import GradcheckError, gradcheck, gradgradcheck
from minigrad.errors import ArgumentError, DTypeError
from minigrad.ops.activation import softmax_along
from minigrad.ops.shape_functions import transpose

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


@pytest.fixture
def device():
    """The planted mistakes are written for NumPy; right rules are checked on every device."""
    return "cpu"


# ------------------------------------------------------------------ what is right passes


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_accepts_a_composite_function(leaf, rng, check):
    x, w, b = leaf(rng.standard_normal((3, 4))), leaf(rng.standard_normal((4, 2))), leaf([0.1, -1])
    report = check(lambda x, w, b: mg.tanh(x @ w + b).sum(1).exp(), (x, w, b))
    assert report
    assert report.labels[:3] == ["input 0 (x)", "input 1 (w)", "input 2 (b)"]
    assert report.max_error < 1e-7
    assert "passed" in report.message()


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_several_results_and_other_arguments(leaf, rng, check):
    def function(x, factor, y):
        values, indices = x.max(1)
        return values * factor, indices, x @ y

    assert check(function, (leaf(rng.permutation(np.arange(12.0)).reshape(3, 4)), 3.0,
                            leaf(rng.standard_normal((4, 1)))))


def test_large_inputs_take_random_directions(leaf, rng):
    x = leaf(rng.standard_normal((50, 40)))
    report = gradcheck(lambda x: mg.log_softmax(x, 1), x)
    assert report.method == "3 random directions in 2000 dimensions"
    assert gradcheck(mg.tanh, x, directions=5).method.startswith("5 random")
    assert gradcheck(mg.tanh, x, directions=1).method.startswith("3 random")
    assert gradgradcheck(lambda x: mg.log_softmax(x, 1), x)


def test_function_that_ignores_an_input_and_one_of_no_element(leaf):
    assert gradcheck(lambda x, y: x * 2, (leaf([1.0, 2.0]), leaf([3.0])))
    assert gradcheck(mg.exp, leaf(np.zeros((0, 3))))
    assert gradgradcheck(mg.exp, leaf(np.zeros((0, 3))))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_inputs_of_every_size(leaf, rng, size):
    x = leaf(size * rng.uniform(1, 2, 5))
    assert gradcheck(lambda x: (x / size).log(), x, rtol=1e-5, atol=1e-8 / min(size, 1))
    assert gradcheck(lambda x: x * x, x)


def test_values_far_from_zero_are_not_mistaken(leaf):
    # 10⁸ + x is known to 10⁻⁸ only: with the usual step the slope is off by 1 percent.
    assert gradcheck(lambda x: x + 1e8, leaf([0.3, -0.7]))
    assert "factor" in rejected(scaled(1.001), leaf([0.3, -0.7]))


def test_kinks_nearby_do_not_matter(leaf, rng):
    # With 10⁴ numbers some are always within a usual step of 10⁻⁶ … 10⁻³ of the kink at 0.
    x = rng.standard_normal(10_000)
    x[:3] = 2e-7, -3e-7, 5e-5
    assert gradcheck(mg.relu, leaf(x))
    assert gradcheck(mg.relu, leaf(x[:8]))


# ------------------------------------------------------------------ what is wrong does not


def scaled(factor):
    @elementwise
    def off_by_a_factor(x):
        return x + 1e8

    return off_by_a_factor.derivative(x=lambda g: factor * g)


SIZES = [(3, 4), (60, 50)]      # the whole Jacobian, and random directions


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("rule, looks_like", [
    (lambda g, out: 0 * g, "zero everywhere"),
    (lambda g, out: -g * (1 - out * out), "the sign is flipped"),
    (lambda g, out: 1.001 * g * (1 - out * out), "constant factor 1.001"),
    (lambda g, out: 0.5 * g * (1 - out * out), "constant factor 0.5 = 1/2"),
    (lambda g, out: g, "a term is missing: -1·g·out²"),
    (lambda g, out: g * (1 - out), "no simple pattern"),
    (lambda g, out: g * g * (1 - out * out), "simple pattern"),         # not linear in g
    (lambda g, out: mg.abs(g) * (1 - out * out), "right in all but"),
])
def test_rejects_wrong_rules(leaf, rng, shape, rule, looks_like):
    x = rng.uniform(0.5, 1, shape)
    if looks_like.startswith("right"):
        with pytest.raises(GradcheckError):
            gradcheck(wrong_tanh(rule), leaf(x))
    else:
        message = rejected(wrong_tanh(rule), leaf(x))
        assert looks_like in message, message


def test_the_report_names_everything(leaf):
    @elementwise
    def wrong_product(x, y):
        return x * y

    wrong_product.derivative(
        x=lambda g, y: g * y,
        y=lambda g, x: g * x * (1 + 0.5 * (x > 3)),         # wrong where x = 4 only
    )
    message = rejected(wrong_product, leaf([[1.0, 2.0], [3.0, 4.0]]),
                       leaf([[0.1, 0.2], [0.3, 0.4]]))
    for part in ("gradcheck of wrong_product failed", "input 1 (y)[1, 1]",
                 "derivative of output[1, 1]", "claimed by the rule        +6",
                 "measured by differences    +4", "right in all but 1 of the 4 elements",
                 "the rule for y is in", "test_gradcheck.py, line"):
        assert part in message, message


def test_the_worst_element_of_a_large_input_is_found(leaf, rng):
    @elementwise
    def nearly_right(x):
        return np.sin(x)

    # Only elements above 3 are wrong, and there is one of them among 6000.
    nearly_right.derivative(x=lambda g, x: g * mg.cos(x) * (1 - 2 * (x > 3)))
    x = rng.uniform(-1, 1, (60, 100))
    x[17, 42] = 3.1
    message = rejected(nearly_right, leaf(x))
    assert "input 0 (x)[17, 42]: derivative of output[17, 42]" in message
    assert f"claimed by the rule        {-np.cos(3.1):+.12g}" in message
    assert f"measured by differences    {np.cos(3.1):+.6g}"[:-1] in message


@pytest.mark.parametrize("shape", [(3, 3), (40, 40)])
def test_transposed(leaf, rng, shape):
    @primitive
    def turned(x):
        return np.sin(x).T

    turned.derivative(x=lambda g, x: g * mg.cos(x))
    assert "transposed" in rejected(turned, leaf(rng.standard_normal(shape)))


def test_transposed_where_the_shape_is_not_square(leaf, rng):
    @primitive
    def product(x, y):
        return x @ y

    product.derivative(
        x=lambda g, y: mg.ops.reshape(mg.ops.matmul(y, transpose(g, 0, 1)), (2, 3)),
        y=lambda g, x: mg.ops.matmul(transpose(x, 0, 1), g),
    )
    message = rejected(product, leaf(rng.standard_normal((2, 3))),
                       leaf(rng.standard_normal((3, 4))))
    assert "input 0 (x)" in message
    assert "transposed" not in message      # (Y·Gᵀ reshaped, not transposed, has other numbers)


def test_reversed(leaf, rng):
    @primitive
    def flipped(x):
        return np.flip(x, 0)

    flipped.derivative(x=lambda g: g)
    assert "reversed along dimension 0" in rejected(flipped, leaf(rng.standard_normal((4, 2))))


def test_wrong_broadcasting(leaf, rng):
    @primitive
    def add_row(x, row):
        return x + row

    # The gradient of a row that was added to every line is the sum of the lines, not the mean.
    add_row.derivative(x=lambda g: g, row=lambda g: mg.ops.mean(g, 0))
    message = rejected(add_row, leaf(rng.standard_normal((4, 3))), leaf(rng.standard_normal(3)))
    assert "input 1 (row)" in message
    assert "constant factor 0.25 = 1/4" in message


def test_wrong_axis(leaf, rng):
    @primitive
    def total(x):
        return x.sum(1)

    total.derivative(x=lambda g, x_shape: mg.ops.expand(mg.ops.unsqueeze(g, 0), x_shape)
                     if isinstance(g, mg.Tensor) else np.broadcast_to(g, x_shape))
    assert "input 0 (x)" in rejected(total, leaf(rng.standard_normal((3, 3))))


@pytest.mark.parametrize("shape", [(4, 6), (32, 100)])
def test_softmax_without_a_gradient(leaf, rng, shape):
    """A checker that feeds ones cannot see this: the rows of softmax always sum to one."""
    @primitive
    def softmax(x):
        z = np.exp(x - x.max(1, keepdims=True))
        return z / z.sum(1, keepdims=True)

    softmax.derivative(x=lambda g: 0 * g)
    x = leaf(rng.standard_normal(shape))
    y = softmax_along(x, 1)
    y.backward(np.ones(shape))
    assert np.abs(x.grad.numpy()).max() < 1e-15     # right and wrong look alike under ones
    assert "zero everywhere" in rejected(softmax, x)


def test_one_flipped_sign_among_many(leaf, rng):
    @primitive
    def softmax(x):
        z = np.exp(x - x.max(1, keepdims=True))
        return z / z.sum(1, keepdims=True)

    signs = np.ones((32, 100))
    signs[20, 31] = -1
    softmax.derivative(x=lambda g, out: signs * out * (g - mg.ops.sum(g * out, 1, True)))
    for seed in range(8):
        message = rejected(softmax, leaf(rng.standard_normal((32, 100))), seed=seed)
        assert "input 0 (x)[20, 31]" in message


@pytest.mark.parametrize("shape", SIZES)
def test_second_order_of_a_rule_that_detaches(leaf, rng, shape):
    def detached(y):
        return y.detach() if isinstance(y, mg.Tensor) else y

    wrong = wrong_tanh(lambda g, out: g * (1 - detached(out) * detached(out)))
    x = leaf(rng.uniform(0.5, 1, shape))
    assert gradcheck(wrong, x)
    message = rejected(wrong, x, check=gradgradcheck)
    assert "gradgradcheck of wrong failed" in message
    assert "input 0 (x)" in message
    assert "zero everywhere" in message


def test_result_that_was_detached(leaf):
    assert "zero everywhere" in rejected(lambda x: x + x.exp().detach() - x, leaf([0.5, 1.0]))


def test_gradient_that_is_not_finite(leaf):
    wrong = wrong_tanh(lambda g, out: g / (0 * out))
    with np.errstate(all="ignore"):
        assert "not finite" in rejected(wrong, leaf([0.5, 1.0]))


# ------------------------------------------------------------------ asking wrongly


def test_refuses_other_types_and_nothing_to_check(leaf):
    with pytest.raises(DTypeError, match=r"needs float64.*input 1 is float32"):
        gradcheck(mg.add, (leaf([1.0]), leaf([1.0], np.float32)))
    with pytest.raises(ArgumentError, match="nothing to check"):
        gradcheck(mg.exp, mg.tensor([1.0]))
    with pytest.raises(ArgumentError, match="returned float"):
        gradcheck(lambda x: x.sum().item(), leaf([1.0]))
    with pytest.raises(ArgumentError, match="no floating-point Tensor"):
        gradcheck(lambda x: x > 0, leaf([1.0]))
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        gradcheck(mg.exp, leaf([1.0]), eps=-1)
    assert "not finite at these inputs" in rejected(lambda x: x * np.inf, leaf([1.0]))


def test_a_report_instead_of_an_exception(leaf):
    report = gradcheck(wrong_tanh(lambda g: g), leaf([0.5, 1.0]), raise_exception=False)
    assert not report
    assert report.max_error > 0.1
    assert report.failure.kind == "wrong"


@pytest.mark.parametrize("power", [-8, -4, 4, 8])
def test_inputs_of_unusual_size_raise_no_false_alarm(power, leaf):
    """One step is too large or too small for them; the order of convergence needs none."""
    x = leaf(np.array([1.3, 2.1, 0.7]) * 10.0 ** power)
    assert gradcheck(mg.log, x)
    assert gradcheck(lambda x: mg.exp(x * 10.0 ** -power), x)
    for wrong in (lambda x: mg.log(x) + (1e-3 * mg.log(x)).detach(),
                  lambda x: 0 * x + mg.log(x).detach()):
        assert not gradcheck(wrong, x, raise_exception=False)
