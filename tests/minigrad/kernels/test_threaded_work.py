"""Large products and elementwise work on all threads: the same as NumPy's plain functions."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import channel_matmul, elementwise


@pytest.mark.parametrize(("left", "right"), [
    ((700, 300), (300, 200)), ((3, 5000), (5000, 90)), ((2, 300, 300), (300, 30)),
    ((4, 1, 200, 60), (3, 60, 200))])
def test_large_matmul(rng, left, right):
    x, y = rng.standard_normal(left), rng.standard_normal(right)
    z = channel_matmul.matmul(x, y)
    np.testing.assert_allclose(z, x @ y, rtol=1e-12, atol=1e-12)
    turned = channel_matmul.matmul(np.asfortranarray(x), y)
    np.testing.assert_allclose(turned, z, rtol=1e-12, atol=1e-12)


def test_channel_sums(rng):
    x = rng.standard_normal((3, 90, 70, 24)).astype("f").transpose(0, 3, 1, 2)
    np.testing.assert_allclose(channel_matmul.channel_sums(x), x.sum(axis=(0, 2, 3), dtype="d"),
                               rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("layout", ["rows", "channels last", "transposed copy", "broadcast"])
def test_relu_and_its_gradient(rng, layout):
    x = rng.standard_normal((2, 150, 90, 16)).astype("f")
    x[0, 0, :3] = 0
    like = x.transpose(0, 3, 1, 2) if layout != "rows" else x
    g = np.asarray(rng.standard_normal(like.shape), "f")
    if layout == "channels last":
        g = np.ascontiguousarray(g.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    elif layout == "broadcast":
        g = np.broadcast_to(np.float32(0.5), like.shape)
    y = elementwise.relu(like)
    np.testing.assert_array_equal(y, np.maximum(like, 0))
    assert y.strides == like.strides
    np.testing.assert_array_equal(elementwise.where_positive(g, y), g * (y > 0))


def test_results_of_large_products_repeat_bit_by_bit(rng):
    x, y = rng.standard_normal((600, 600)), rng.standard_normal((600, 600))
    first = (mg.tensor(x) @ mg.tensor(y)).numpy()
    for _ in range(3):
        np.testing.assert_array_equal((mg.tensor(x) @ mg.tensor(y)).numpy(), first)
