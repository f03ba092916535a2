"""The numbers that the seed documents work out, computed by this project.

"Workshop 3. Convolutional Neural Network + Style Transfer": perceptron, activation table,
cross-entropy, toy example of backpropagation, sizes of activation maps.
"TP 1: Introduction to Deep Learning and Neural Style Transfer": the curve of section 1.2.
"""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import nn, optim

OUTPUTS = [-5.0, -1.0, 1.0, 5.0]        # scores of frog, bird, dog, cat


def outputs():
    return mg.tensor(OUTPUTS, dtype=np.float64, requires_grad=True)


def test_perceptron_update():
    w = mg.tensor([0.0, -1.0, 1.0], dtype=np.float64, requires_grad=True)
    x = mg.tensor([1.0, 2.0, 3.0], dtype=np.float64)
    assert (w @ x).item() == 1.0                        # positive, but the label is −1
    F.relu(w @ x).backward()
    optim.SGD([w], lr=0.1).step()
    np.testing.assert_allclose(w.numpy(), [-0.1, -1.2, 0.7], atol=1e-12)
    np.testing.assert_allclose(10 * w.numpy(), [-1, -12, 7], atol=1e-12)    # 7x₂ − 12x₁ − 1 = 0


def test_sigmoid_and_softmax_table():
    """The first and last of the slides' "÷ sum" column are off by one in their last digit."""
    sigmoid = F.sigmoid(outputs()).numpy()
    np.testing.assert_allclose(sigmoid, [0.00669, 0.26894, 0.73106, 0.99331], atol=5e-6)
    np.testing.assert_allclose(sigmoid / sigmoid.sum(), [0.00335, 0.13447, 0.36553, 0.49665],
                               atol=5e-6)
    np.testing.assert_allclose(sigmoid / sigmoid.sum(), [0.00334, 0.13447, 0.36553, 0.49666],
                               atol=1e-5)               # as printed
    np.testing.assert_allclose(F.softmax(outputs(), 0).numpy(),
                               [0.00004, 0.00243, 0.01794, 0.97959], atol=5e-6)


def test_cross_entropy_of_the_table():
    """0.020626; the slide's 0.020621 is −ln of its own rounded 0.97959."""
    scores = mg.tensor([OUTPUTS], dtype=np.float64)
    by_index = F.cross_entropy(scores, mg.tensor([3]))
    label = mg.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=np.float64)
    assert by_index.item() == pytest.approx(0.020626, abs=5e-7)
    assert F.cross_entropy(scores, label).item() == pytest.approx(by_index.item(), rel=1e-12)
    assert -np.log(0.97959) == pytest.approx(0.020621, abs=5e-7)
    assert by_index.item() == pytest.approx(0.020621, abs=1e-5)


def test_activation_table_with_derivatives():
    """f' of the slides' table, at a point left and a point right of 0."""
    for function, derivative in [
            (F.sigmoid, lambda x, f: f * (1 - f)), (F.tanh, lambda x, f: 1 - f * f),
            (F.relu, lambda x, f: (x > 0) * 1.0),
            (F.leaky_relu, lambda x, f: np.where(x < 0, 0.01, 1.0))]:
        x = mg.tensor([-0.7, 1.3], dtype=np.float64, requires_grad=True)
        y = function(x)
        y.backward(mg.ones(2, dtype=np.float64))
        np.testing.assert_allclose(x.grad.numpy(), derivative(x.numpy(), y.numpy()), rtol=1e-12)


def test_toy_example_of_backpropagation():
    """f = wx + b with x = 5, w = −2, b = 3, so f = −7; it should be 3.

    The slides step along +∂f (f is to rise) with η = 0.1: w = −1.5, b = 3.1, f = −4.4.
    """
    x = mg.tensor(5.0, dtype=np.float64)
    w = mg.tensor(-2.0, dtype=np.float64, requires_grad=True)
    b = mg.tensor(3.0, dtype=np.float64, requires_grad=True)

    def f():
        return w * x + b

    assert f().item() == -7.0
    f().backward()
    assert (w.grad.item(), b.grad.item()) == (5.0, 1.0)
    optimizer = optim.SGD([w, b], lr=0.1)
    w.grad, b.grad = -w.grad, -b.grad           # up, not down
    optimizer.step()
    assert (w.item(), b.item()) == pytest.approx((-1.5, 3.1), abs=1e-12)
    assert f().item() == pytest.approx(-4.4, abs=1e-12)


def test_sizes_of_activation_maps():
    """(N − F)/stride + 1: 7 → 5 and 3; with a padding of 1 it stays 7. 28 weights against 3."""
    image, kernel = mg.ones(1, 1, 7, 7), mg.ones(1, 1, 3, 3)
    assert F.conv2d(image, kernel).shape[2:] == (5, 5)
    assert F.conv2d(image, kernel, stride=2).shape[2:] == (3, 3)
    assert F.conv2d(image, kernel, padding=1).shape[2:] == (7, 7)
    assert nn.Linear(7, 4, bias=False).weight.numel() == 28
    assert nn.Conv2d(1, 1, (1, 3), bias=False).weight.numel() == 3


@pytest.mark.parametrize("start, end, value", [(2.5, 1.5, 0.3125), (0.4, 1.5, 0.3125),
                                               (-0.5, 0.0, 2.0)])
def test_descent_on_the_curve_with_an_inflection(start, end, value):
    """x⁴ − 2x³ + 2: from the right to the minimum at 3/2, from the left it creeps towards 0."""
    x = mg.tensor([start], dtype=np.float64, requires_grad=True)
    optimizer = optim.SGD([x], lr=0.02)
    for _ in range(3000):
        optimizer.zero_grad()
        (x ** 4 - 2 * x ** 3 + 2).sum().backward()
        optimizer.step()
    assert x.item() == pytest.approx(end, abs=0.01)
    assert (x ** 4 - 2 * x ** 3 + 2).item() == pytest.approx(value, abs=1e-4)
