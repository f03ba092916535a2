"""float16: squares, sums and running sums are computed in float32, results rounded at the end."""

import numpy as np
import pytest

import minigrad as mg

F = mg.functional
LARGE = np.array([[400.0, -400.0, 300.0, 100.0], [250.0, -300.0, 400.0, 350.0]])
ONES = np.ones((1, 4096))
MANY = np.ones((1, 70_000))         # more than the largest float16
SMALL = np.array([[0.003, -0.01, 0.002, 0.001]])


def on_images(function):
    return lambda x: function(x.reshape(1, 2, -1))


FUNCTIONS = [
    (lambda x: F.layer_norm(x, x.shape[1:]), LARGE), (lambda x: F.layer_norm(x, x.shape[1:]), MANY),
    (on_images(lambda x: F.group_norm(x, 2)), LARGE), (on_images(F.instance_norm), LARGE),
    (lambda x: F.batch_norm(x.reshape(-1, 2), None, None, training=True), LARGE),
    (mg.std, LARGE), (lambda x: mg.std(x, 1), SMALL), (lambda x: mg.std_mean(x, 1)[0], LARGE),
    (lambda x: mg.var(x / 30, 1), LARGE), (lambda x: mg.cumsum(x, 1), ONES),
    (lambda x: mg.prod(x * mg.tensor([1, 1, 1e-3, 1e-3], dtype="float16"), 1), LARGE),
    (lambda x: mg.cumulative_trapezoid(x), ONES), (lambda x: mg.trapezoid(x * 100), LARGE),
    (lambda x: mg.logsumexp(x, 1), MANY), (lambda x: F.softmax(x, 1), MANY),
    (lambda x: F.log_softmax(x, 1), MANY), (mg.mean, MANY),
    (lambda x: F.rms_norm(x, 4), SMALL),
    (on_images(lambda x: F.avg_pool1d(x * 100, 4)), LARGE),
    (lambda x: F.avg_pool2d((x * 100).reshape(1, 1, 2, 4), 2), LARGE),
    (lambda x: mg.lerp(x * 100, x * -100, 0.5), LARGE),
    (lambda x: mg.add(x, mg.ones_like(x) * 1e-4, alpha=1e5), ONES),
    (lambda x: mg.addcmul(x, x, x, value=0.01), LARGE), (mg.sinc, SMALL * 100),
    (lambda x: F.scaled_dot_product_attention(x, x, x), LARGE),
]


def value_and_gradient(function, values, dtype):
    x = mg.tensor(values.astype(np.float16), dtype=dtype, requires_grad=True)
    y = function(x)
    y.backward(mg.tensor(np.resize([1.0, 0.5, -0.25], y.shape), dtype=dtype))
    assert y.dtype == x.grad.dtype == dtype
    return y.numpy(), x.grad.numpy()


@pytest.mark.parametrize("place", range(len(FUNCTIONS)))
def test_float16_is_float32_rounded(place):
    function, values = FUNCTIONS[place]
    wide = value_and_gradient(function, values, np.float32)
    for found, exact in zip(value_and_gradient(function, values, np.float16), wide):
        largest = float(np.abs(exact).max())
        np.testing.assert_allclose(found, exact, rtol=2e-3, atol=1e-7 + 4e-3 * largest)
        assert np.isfinite(found).all()


def test_running_statistics_of_float16_are_averaged_in_float32():
    mean, var = mg.zeros(2, dtype="float16"), mg.ones(2, dtype="float16")
    F.batch_norm(mg.tensor(LARGE.reshape(-1, 2), dtype="float16"), mean, var, training=True)
    np.testing.assert_allclose(var.numpy(), 0.9 + 0.1 * LARGE.reshape(-1, 2).var(0, ddof=1),
                               rtol=1e-3)
    assert var.dtype == mean.dtype == np.float16


def test_rounding_to_decimals_does_not_overflow():
    x = mg.tensor([400.25], dtype="float16")
    assert mg.round(x, decimals=3).item() == 400.25
