"""Sums over leading dimensions are as exact as sums over the last one."""

import itertools

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.kernels.sums import mean_over, sum_over

SHAPES = [(7, 300, 5), (1000, 3), (5, 4, 300, 2), (70_000, 1), (3, 70_000), (129, 2, 65, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_over_any_dimensions_in_any_layout(rng, shape):
    base = rng.random(shape).astype(np.float32)
    for order in itertools.permutations(range(len(shape))):
        laid_out = np.ascontiguousarray(base.transpose(order)).transpose(np.argsort(order))
        for x in (laid_out, laid_out[::2], laid_out[..., ::-1]):
            for dims in itertools.chain.from_iterable(
                    itertools.combinations(range(len(shape)), k) for k in range(1, len(shape) + 1)):
                exact = x.sum(axis=dims, keepdims=True, dtype=np.float64)
                got = sum_over(x, dims, True)
                assert got.dtype == np.float32 and got.shape == exact.shape
                np.testing.assert_allclose(got, exact, rtol=6e-7)
                count = x.size // exact.size
                np.testing.assert_allclose(mean_over(x, dims), np.squeeze(exact / count, dims),
                                           rtol=6e-7)


def test_the_mean_and_variance_of_millions_of_rows(rng):
    np.testing.assert_allclose(mg.full((3_000_000, 2), 0.1).mean(0).numpy(), 0.1, rtol=1e-6)
    x = rng.random((1_000_000, 2)).astype(np.float32)
    np.testing.assert_allclose(mg.tensor(x).var(0).numpy(), x.var(0, dtype=float, ddof=1),
                               rtol=1e-6)


def test_float16_adds_up_in_float32():
    assert mg.tensor(np.ones((5000, 3), np.float16)).sum(0).tolist() == [5000.0] * 3
    large = mg.tensor(np.full(100, 1000, np.float16))
    assert large.mean().item() == 1000 and large.norm().item() == 10_000
    assert large.norm().dtype == np.float16


def test_bias_gradients_of_many_rows(rng):
    rows = 300_000
    x, g = mg.zeros(rows, 1), rng.random((rows, 2)).astype(np.float32)
    w, b = mg.zeros(2, 1, requires_grad=True), mg.zeros(2, requires_grad=True)
    F.linear(x, w, b).backward(g)
    np.testing.assert_allclose(b.grad.numpy(), g.sum(0, dtype=float), rtol=1e-6)
    image = rng.random((3, 2, 300, 300)).astype(np.float32)
    bias = mg.zeros(2, requires_grad=True)
    F.conv2d(mg.zeros(3, 1, 300, 300), mg.zeros(2, 1, 1, 1), bias).backward(image)
    np.testing.assert_allclose(bias.grad.numpy(), image.sum((0, 2, 3), dtype=float), rtol=1e-6)


def test_statistics_of_batch_norm_with_channels_innermost(rng):
    x = (3 + rng.random((4, 128, 128, 3))).astype(np.float32)
    mean, var = mg.zeros(3), mg.zeros(3)
    out = F.batch_norm(mg.from_numpy(x.transpose(0, 3, 1, 2)), mean, var, training=True,
                       momentum=1.0)
    exact = x.astype(float)
    np.testing.assert_allclose(mean.numpy(), exact.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(var.numpy(), exact.var((0, 1, 2), ddof=1),
                               rtol=1e-5)
    right = (exact - exact.mean((0, 1, 2))) / np.sqrt(exact.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(out.numpy().transpose(0, 2, 3, 1), right, atol=5e-6)
