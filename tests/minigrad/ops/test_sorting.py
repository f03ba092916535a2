"""Sorting along a dimension."""

import numpy as np
import pytest
from beside_torch import assert_same

import minigrad as mg
from minigrad.check import gradcheck, gradgradcheck
from minigrad.errors import DTypeError, ShapeError

NAN, INF = float("nan"), float("inf")
TIES = [2.0, NAN, -0.0, INF, -1.0, 0.0, 2.0, -INF, NAN, -1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_order_of_equal_elements_nan_and_infinities(dtype, leaf):
    """NaN is the largest, −0 equals 0, and equal elements stay in their order both ways."""
    x = leaf(TIES, dtype)
    values, indices = mg.sort(x)
    assert indices.dtype == np.int64 and values.dtype == dtype
    assert indices.numpy().tolist() == [7, 4, 9, 2, 5, 0, 6, 3, 1, 8]
    np.testing.assert_array_equal(values.numpy(), np.array(TIES)[indices.numpy()])
    descending = mg.argsort(x, descending=True)
    assert descending.numpy().tolist() == [1, 8, 3, 0, 6, 2, 5, 4, 9, 7]


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_gradient(rng, dim, descending, check, leaf):
    x = leaf(rng.permutation(np.linspace(-1, 1, 24)).reshape(2, 3, 4))
    assert check(lambda x: mg.sort(x, dim, descending)[0] ** 3 * x, x)


def test_the_gradient_goes_where_the_element_came_from(leaf):
    x = leaf([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0]])
    values, _ = mg.sort(x, 1)
    (values * mg.tensor([[10.0, 20.0, 30.0]], dtype=np.float64, device=x.device)).sum().backward()
    assert x.grad.numpy().tolist() == [[30, 10, 20], [20, 30, 10]]


@pytest.mark.parametrize("shape, dim", [((3, 70_000), 1), ((70_000, 3), 0), ((500, 300), -1),
                                        ((2, 0, 3), 1), ((0, 3), 1), ((5, 1), 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.bool_])
def test_all_shapes_and_types(rng, shape, dim, dtype):
    x = (100 * rng.standard_normal(shape)).astype(dtype)
    values, indices = mg.sort(mg.tensor(x), dim)
    np.testing.assert_array_equal(indices.numpy(), x.argsort(dim, kind="stable"), strict=True)
    np.testing.assert_array_equal(values.numpy(), np.sort(x, dim), strict=True)


def test_no_dimension(leaf):
    x = leaf(3.0)
    value, index = mg.sort(x)
    value.backward()
    assert (value.item(), index.item(), x.grad.item()) == (3, 0, 1)


def test_what_has_no_order_or_dimension_is_refused():
    with pytest.raises(DTypeError, match="not complex128"):
        mg.sort(mg.tensor(np.ones(2, complex)))
    with pytest.raises(ShapeError, match="dimension 2 does not exist"):
        mg.argsort(mg.zeros(2, 2), 2)


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_beside_pytorch(rng, dtype, descending, dim):
    torch = pytest.importorskip("torch")
    x = rng.choice(np.array(TIES), (7, 30, 8)).astype(dtype)
    ours = mg.sort(mg.tensor(x), dim, descending)
    theirs = torch.sort(torch.tensor(x), dim=dim, descending=descending, stable=True)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), strict=True)
    y = rng.standard_normal((3, 5, 4)).astype(dtype)
    assert_same(lambda x: mg.sort(x, dim, descending)[0],
                lambda x: torch.sort(x, dim, descending)[0], y)
