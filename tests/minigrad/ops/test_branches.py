"""A branch that is not taken sends exactly zero, also where the other one's slope is infinite."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F

pytestmark = pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")


def gradient(function, values, dtype=np.float64):
    x = mg.tensor(np.array(values, dtype), requires_grad=True)
    function(x).sum().backward()
    return x.grad.numpy()


BRANCHES = {
    "clip": lambda x: x.clip(0).sqrt(),
    "clip both": lambda x: x.clip(0, 9).sqrt(),
    "relu": lambda x: mg.relu(x).sqrt(),
    "maximum": lambda x: mg.maximum(x, 0).sqrt(),
    "maximum, second": lambda x: mg.maximum(mg.tensor(0.0).double(), x).sqrt(),
    "minimum": lambda x: (-mg.minimum(-x, 0)).sqrt(),
    "where": lambda x: mg.where(x > 0, x, 0.0).sqrt(),
    "where, second": lambda x: mg.where(x < 0, 0.0, x).sqrt(),
}


@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("size", [2, 3000])     # large arrays are selected by their bits
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_the_branch_not_taken_sends_zero(name, size, dtype):
    got = gradient(BRANCHES[name], np.resize([-1.0, 4.0], size), dtype)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.resize([0.0, 0.25], size))


def test_clip_sends_its_gradient_to_the_limit_that_took_effect():
    x = mg.tensor([-2.0, 0.5, 2.0, 0.0], requires_grad=True)
    low = mg.tensor([-1.0, -1.0, -1.0, 3.0], requires_grad=True)
    high = mg.tensor([1.0], requires_grad=True)
    (x.clip(low, high) * mg.tensor([1.0, 2.0, 4.0, 8.0])).sum().backward()
    assert x.grad.tolist() == [0, 2, 0, 0]
    assert low.grad.tolist() == [1, 0, 0, 0]        # in the last place the limits cross:
    assert high.grad.tolist() == [12]               # there the result is `high`


def test_the_winner_takes_all_in_extremes_and_pooling():
    x = mg.tensor([[1.0, 3.0, 2.0], [0.0, 0.0, -1.0]], requires_grad=True)
    x.amax(1).backward(np.array([np.inf, np.nan], np.float32))
    np.testing.assert_array_equal(x.grad.numpy(), [[0, np.inf, 0], [np.nan, np.nan, 0]])
    image = mg.tensor(np.arange(16.0).reshape(1, 1, 4, 4), requires_grad=True)
    y = F.max_pool2d(image, 3, 1)
    upstream = np.full(y.shape, np.inf)
    upstream[0, 0, 0] = 1
    y.backward(upstream)
    expected = np.zeros((4, 4))
    expected[2, 2:], expected[3, 2:] = 1, np.inf
    np.testing.assert_array_equal(image.grad.numpy()[0, 0], expected)


def test_a_fused_relu_sends_zero():
    x = mg.tensor(np.array([[[[-1.0, 4.0]]]]), requires_grad=True)
    F.conv2d_relu(x, mg.ones(1, 1, 1, 1).double()).sqrt().sum().backward()
    assert x.grad.numpy().ravel().tolist() == [0.0, 0.25]


@pytest.mark.parametrize("function, right", [
    (lambda x: x.std(), [0.0, 0.0]), (lambda x: x.std(correction=0), [0.0, 0.0]),
    (lambda x: (x - 1).norm(), [0.0, 0.0]), (lambda x: (x - 1).norm().sqrt(), [0.0, 0.0]),
    (lambda x: (x - 1).norm(3.0), [0.0, 0.0]), (lambda x: (x - 1).abs().sqrt(), [0.0, 0.0]),
    (lambda x: x.std().sqrt(), [0.0, 0.0]),
], ids=["std", "std, correction 0", "norm", "root of norm", "norm 3", "root of abs",
        "root of std"])
def test_without_spread_or_length_the_derivative_is_zero(function, right):
    assert gradient(function, [1.0, 1.0]).tolist() == right
    x = mg.tensor([1.0, 1.0], requires_grad=True)
    (first,) = mg.grad(function(x).sum(), [x], create_graph=True)
    (second,) = mg.grad(first.sum(), [x], allow_unused=True)
    assert second is None or second.tolist() == [0.0, 0.0]


def test_one_element_has_no_spread():
    assert gradient(lambda x: x.std(correction=0), [3.0]).tolist() == [0.0]


def test_powers_at_their_corners():
    def second(order):
        x = mg.tensor(np.array(2.0), requires_grad=True)
        y = mg.tensor(np.array(0.0), requires_grad=True)
        first, then = (x, y) if order == "xy" else (y, x)
        (d,) = mg.grad(x ** y, [first], create_graph=True)
        return mg.grad(d, [then])[0].item()

    assert second("xy") == second("yx") == 0.5          # x^(y-1)·(1 + y·ln x)
    assert gradient(lambda x: x ** mg.tensor([0.0, 1.0, 2.0]), [0.0] * 3).tolist() == [0, 1, 0]
    assert gradient(lambda y: mg.tensor([0.0, 0.0]).double() ** y, [2.0, 0.0]).tolist() == [0, 0]
    assert np.isnan(gradient(lambda y: (-2) ** y, [2.0])).all()
    assert np.isnan(gradient(lambda y: mg.tensor([-2.0]).double() ** y, [2.0])).all()


def test_the_second_derivative_of_elu_at_zero_is_zero():
    x = mg.tensor([0.0, -1e-3], requires_grad=True)
    (first,) = mg.grad(F.elu(x, 0.5).sum(), [x], create_graph=True)
    np.testing.assert_allclose(first.numpy(), [0.5, 0.5 * np.exp(-1e-3)], rtol=1e-6)
    (second,) = mg.grad(first.sum(), [x])
    np.testing.assert_allclose(second.numpy(), [0.0, 0.5 * np.exp(-1e-3)], rtol=1e-6)


def test_steps_have_derivative_zero():
    assert gradient(mg.sign, [1.0, -2.0, 0.0]).tolist() == [0, 0, 0]
    x = mg.tensor([1.0, 0.0], requires_grad=True)
    assert mg.logical_not(x).tolist() == [False, True]
    assert mg.logical_and(x, 1).tolist() == [True, False]
    assert mg.logical_or(x, x).tolist() == [True, False]
