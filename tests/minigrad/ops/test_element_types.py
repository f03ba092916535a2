"""Integers, truth values and 8-bit types promote as in PyTorch, or are refused; never wrong."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.errors import ArgumentError, DTypeError, GradientDTypeError

WHOLE = ("uint8", "int8", "int16", "int32", "int64", "bool")


def whole(dtype, *values):
    return mg.tensor(np.array(values, dtype))


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid",
                                  "logsumexp", "softmax", "log_softmax"])
def test_functions_of_whole_numbers_are_float32(name, dtype):
    x = whole(dtype, 1, 5, 3)
    got = getattr(mg, name)(x)
    right = getattr(mg, name)(x.to("float64"))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.numpy(), right.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", WHOLE)
def test_sums_and_products_of_whole_numbers_are_int64(dtype):
    x = whole(dtype, *[1] * 300)
    for result in (x.sum(), x.sum(0, keepdim=True), mg.einsum("i->", x), x.prod()):
        assert result.dtype == np.int64
    assert x.sum().item() == 300
    assert mg.square(whole("bool", 1, 0)).dtype == np.int64


def test_products_do_not_overflow_in_the_narrow_type():
    assert whole("int32", 2**20, 2**20).prod().item() == 2**40
    assert whole("uint8", 200, 200).prod().item() == 40_000


def test_powers_of_whole_numbers():
    x = whole("int64", 1, -1, 2, -3)
    assert (x ** 2).dtype == np.int64 and (x ** 2).tolist() == [1, 1, 4, 9]
    for exponent in (2.0, 1.0, 0.5, 3.0):
        assert (whole("int64", 1, 4) ** exponent).dtype == np.float32
    assert (x ** whole("int64", -1, -3, -2, -1)).tolist() == [1, -1, 0, 0]
    assert (2 ** whole("int32", 3, -1)).tolist() == [8, 0]
    with pytest.raises(DTypeError, match="negative power -2"):
        x ** -2


def test_clip_keeps_whole_numbers():
    x = whole("int64", 2**31 + 1, 3)
    assert x.clip(0).dtype == np.int64 and x.clip(0).tolist() == [2**31 + 1, 3]
    assert x.clip(4, 9).tolist() == [9, 4]
    assert x.clip(0.5).dtype == np.float32
    with pytest.raises(DTypeError, match="bool"):
        whole("bool", 1).clip(0)


def test_joining_types():
    for join in (mg.cat, mg.stack):
        assert join([mg.tensor([1.0]), whole("int64", 1)]).dtype == np.float32
        assert join([mg.tensor([1.0], dtype="float16"), whole("int32", 1)]).dtype == np.float16
        assert join([whole("bool", 1), whole("uint8", 200)]).tolist()[-1] in (200, [200])


def test_losses_of_whole_numbers():
    assert F.mse_loss(whole("int64", 0, 0), mg.tensor([0.5, 0.5])).item() == 0.25
    assert F.mse_loss(mg.tensor([0.5, 0.5]), whole("int64", 0, 0)).item() == 0.25
    assert F.mse_loss(whole("int64", 0, 0), mg.tensor([0.5, 0.5]), "sum").item() == 0.5
    with pytest.raises(DTypeError, match="int64"):
        F.mse_loss(whole("int64", 0), whole("int64", 1))


def test_pooling_of_whole_numbers():
    x = mg.tensor(np.arange(16).reshape(1, 1, 4, 4))
    assert F.avg_pool2d(x, 2).tolist() == [[[[2, 4], [10, 12]]]]
    low = mg.tensor(-np.ones((1, 1, 2, 2), np.int8))
    assert F.max_pool2d(low, 2, 2, 1).tolist() == [[[[-1, -1], [-1, -1]]]]
    assert F.avg_pool2d(-x, 2).tolist() == [[[[-2, -4], [-10, -12]]]]       # towards zero


@pytest.mark.parametrize("call, words", [
    (lambda: whole("int8", 100, 100).norm(), "int8"), (lambda: whole("int64", 1).std(), "int64"),
    (lambda: whole("bool", 1).var(), "bool"), (lambda: whole("uint8", 1) * -3, "-3.*uint8"),
    (lambda: -whole("bool", 1), "-a.*bool"), (lambda: whole("bool", 1) - whole("bool", 1), "a - b"),
    (lambda: mg.zeros(2) + None, "None"), (lambda: mg.zeros(2) + "x", "str"),
    (lambda: np.exp(mg.ones(2)), "use mg.exp"), (lambda: np.cbrt(mg.ones(2)), r"\.numpy\(\)"),
], ids=["norm of int8", "std of int64", "var of bool", "uint8 times -3", "minus bool",
        "bool minus bool", "plus None", "plus str", "np.exp", "np.cbrt"])
def test_types_that_an_operation_refuses(call, words):
    with pytest.raises(DTypeError, match=words):
        call()


def test_complex_numbers_have_no_gradients():
    z = np.array([1 + 2j])
    with pytest.raises(GradientDTypeError, match="complex128"):
        mg.tensor(z, requires_grad=True)
    with pytest.raises(GradientDTypeError, match="complex numbers"):
        mg.tensor([1.0], requires_grad=True) * mg.tensor(z)
    assert mg.abs(mg.tensor(z) * mg.tensor(np.array([3 - 1j]))).item() == abs((1 + 2j) * (3 - 1j))
    np.testing.assert_allclose(mg.sigmoid(mg.tensor(z)).numpy(), 1 / (1 + np.exp(-z)))
    for refused in (mg.std, mg.var, mg.norm):
        with pytest.raises(DTypeError, match="complex128"):
            refused(mg.tensor(z))


def test_probabilities_lie_between_0_and_1():
    for p in (1.5, -0.1, np.nan):
        with pytest.raises(ArgumentError, match="probabilities"):
            F.binary_cross_entropy(mg.tensor([0.5, p]), mg.tensor([1.0, 1.0]))


def test_numpy_operators_leave_the_operation_to_the_tensor():
    x, array = mg.tensor([1.0, 3.0]), np.array([2.0, 2.0], np.float32)
    assert (array + x).tolist() == [3, 5] and (array - x).tolist() == [1, -1]
    assert (array < x).tolist() == [False, True] and (array / x).tolist()[0] == 2
    assert (np.float32(2) * x).tolist() == [2, 6] and (array ** x).tolist() == [2, 8]
