"""NaN, infinities, ties and numbers of other types: the values that PyTorch gives."""

import math

import numpy as np
import pytest

import minigrad as mg

F = mg.functional
NAN = math.nan


def gradient(function, values):
    x = mg.tensor(values, requires_grad=True)
    with np.errstate(all="ignore"):
        function(x).backward()
    return x.grad.tolist()


def test_each_nan_is_an_element_of_its_own():
    for x, dim in ((mg.tensor([NAN, 1.0, NAN]), None), (mg.tensor([[NAN], [1.0], [NAN]]), 0)):
        values, inverse, counts = mg.unique(x, return_inverse=True, return_counts=True, dim=dim)
        assert counts.tolist() == [1, 1, 1] and values.isnan().sum().item() == 2
        assert sorted(inverse.tolist()) == [0, 1, 2]


def test_a_norm_of_order_0_counts_nan():
    for function in (mg.norm, mg.linalg.vector_norm):
        assert function(mg.tensor([NAN, 0.0, 1.0]), 0).item() == 2


@pytest.mark.parametrize("value, slope", [(0.0, math.inf), (1.0, math.inf), (2.0, NAN), (-1.0, NAN),
                                          (0.5, 4.0)])
def test_the_gradient_of_logit(value, slope):
    np.testing.assert_equal(gradient(lambda x: mg.logit(x).sum(), [value]), [slope])


@pytest.mark.parametrize("values, shares", [
    ([1.0, 2.0, 2.0, 2.0, 5.0], [0, 1 / 3, 1 / 3, 1 / 3, 0]), ([2.0, 2.0], [0.5, 0.5]),
    ([3.0, 1.0, 2.0], [0, 0, 1]), ([[2.0, 1.0], [2.0, 5.0]], [[0.5, 0], [0.5, 0]])])
def test_equal_elements_share_the_gradient_of_the_median_of_all(values, shares):
    for function in (mg.median, mg.nanmedian):
        np.testing.assert_allclose(gradient(function, values), shares, rtol=1e-6)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinite_elements_share_the_gradient_of_the_median(value):
    assert gradient(mg.median, [value, 1.0, value]) == [0.5, 0, 0.5]


def test_nan_shares_the_gradient_of_the_median():
    assert gradient(mg.median, [NAN, NAN, 1.0]) == [0.5, 0.5, 0]
    assert gradient(mg.nanmedian, [NAN, NAN, 1.0]) == [0, 0, 1]


def test_questions_over_no_dimension_are_asked_of_each_element():
    x = mg.tensor([[1.0, 0.0], [2.0, 3.0]])
    for function in (mg.any, mg.all):
        for nothing in ((), []):
            assert function(x, dim=nothing).tolist() == [[True, False], [True, True]]
        assert function(x).shape == ()


def test_equal_is_one_answer_and_eq_one_for_each_element():
    x = mg.tensor([1.0, 2.0])
    assert mg.equal(x, mg.tensor([1, 2])) is True and x.equal(x + 1) is False
    assert mg.equal(x, mg.ones(3)) is False
    assert mg.equal(mg.full(1, NAN), mg.full(1, NAN)) is False
    assert mg.eq(x, mg.ones(2)).tolist() == (x == mg.ones(2)).tolist() == [True, False]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("number", [2, 0.5, True, np.float64(0.5), np.float32(0.5)])
def test_numbers_do_not_widen_a_tensor(dtype, number):
    x = mg.zeros(2, dtype=dtype)
    functions = [mg.xlogy, mg.special.xlog1py, F.elu, F.leaky_relu, F.celu, F.softshrink,
                 lambda x, n: F.hardtanh(x, -n, n) if n is not True else x,
                 lambda x, n: F.huber_loss(x, x, delta=n), lambda x, n: F.softplus(x, n),
                 lambda x, n: mg.add(x, x, alpha=n), lambda x, n: mg.addcmul(x, x, x, value=n)]
    for function in functions:
        assert function(x, number).dtype == x.dtype
    assert mg.xlogy(number, x + 1).dtype == mg.special.xlog1py(number, x).dtype == x.dtype


def test_tensors_without_dimensions_do_not_widen_blocks():
    assert mg.block_diag(mg.ones(2, 2), mg.tensor(1.0, dtype="float64")).dtype == np.float32
    assert mg.copysign(mg.ones(2), -mg.ones(2, dtype="float64")).dtype == np.float64


def test_a_dimension_that_keeps_its_length_is_copied():
    """Also if the scale factor is not 1: as in PyTorch, in linear modes and nearest."""
    line, image = mg.arange(1.0, 7.0).reshape(1, 1, 6), mg.arange(1.0, 13.0).reshape(1, 1, 2, 6)
    assert mg.equal(F.interpolate(line, scale_factor=1.1, mode="linear"), line)
    for mode in ("nearest", "bilinear"):
        result = F.interpolate(image, scale_factor=(1.2, 1.1), mode=mode)
        assert mg.equal(result, image) and result is not image
        assert F.interpolate(image.byte(), scale_factor=1.1, mode=mode).tolist() == image.tolist()
    assert not mg.equal(F.interpolate(image, scale_factor=1.1, mode="bicubic"), image)
