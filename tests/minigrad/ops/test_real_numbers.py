"""Nothing but numbers becomes an element of a tensor, and no imaginary part is dropped unasked."""

import inspect
import itertools
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import Primitive
from minigrad.errors import DTypeError, MinigradError

F = mg.functional
Z = mg.tensor([1 + 1j, 0.5 + 2j], dtype="complex64")
X = mg.tensor([0.3, 0.6])
CONVERT = ("as_tensor", "tensor", "scalar_tensor", "softmin")     # they take an element type
NO_NUMBERS = (object, "U5", "S3", "datetime64[s]", "V8", [("a", "f4")], np.ndarray, mg.Tensor, str)


def functions():
    for space in (mg.ops, F, mg.linalg, mg.special, mg):
        for name in space.__all__:
            function = getattr(space, name)
            if name not in CONVERT and (isinstance(function, Primitive)
                                        or inspect.isfunction(function)):
                yield function


def computed(function, *given):
    """Its result; None if the call is refused."""
    try:
        with np.errstate(all="ignore"):
            return function(*given)
    except (MinigradError, TypeError, AttributeError):
        return None


def test_functions_drop_no_imaginary_part():
    image = mg.ones(1, 2, 4, 4) * (1 + 1j)
    given = [(Z,), (Z[0],), (image,), (1j,), (Z, 2), (X, Z, Z), (Z, X, X), (X, 1, 1j), (X, 1j, 1),
             *itertools.product((Z, X), (Z, X, 1j)), (Z, 2, 3), (image, image), ([Z, Z],)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        for function, arguments in itertools.product(functions(), given):
            computed(function, *arguments)


@pytest.mark.parametrize("call", [
    lambda: mg.erf(Z), lambda: mg.erfc(Z), lambda: mg.erfinv(Z), lambda: mg.special.erfcx(Z),
    lambda: mg.lgamma(Z), lambda: mg.digamma(Z), lambda: mg.polygamma(2, Z), lambda: F.gelu(Z),
    lambda: mg.special.ndtr(Z), lambda: mg.special.log_ndtr(Z), lambda: mg.special.ndtri(Z),
    lambda: F.mse_loss(Z, Z), lambda: F.gaussian_nll_loss(X, X, Z), lambda: mg.quantile(X, Z),
    lambda: mg.multinomial(Z, 1), lambda: mg.bernoulli(Z), lambda: mg.normal(X, Z),
    lambda: X.clone().copy_(Z), lambda: X.clone().fill_(1j), lambda: mg.full_like(X, 1j),
    lambda: X.clone().__setitem__(0, 1j), lambda: mg.ops.slice_scatter(X, Z),
    lambda: mg.tensor(Z, dtype="float32"), lambda: mg.arange(1j), lambda: F.threshold(X, 0.5, 1j),
    lambda: mg.tensor([1j], dtype="float32"), lambda: X.new_full((2,), 1j),
])
def test_real_functions_refuse_complex_numbers(call):
    with pytest.raises(DTypeError):
        call()


def test_complex_numbers_go_where_they_fit():
    assert mg.full((2,), 1j).tolist() == [1j, 1j] and mg.full((2,), 1j).dtype == np.complex64
    assert mg.scalar_tensor(1j).item() == 1j
    z = Z.clone()
    z[0] = 2 + 3j
    assert z.tolist() == [2 + 3j, 0.5 + 2j]
    assert z.copy_(X).dtype == np.complex64


@pytest.mark.parametrize("call", [
    lambda d: X.to(d), lambda d: X.to(dtype=d), lambda d: X.sum(dtype=d), lambda d: X.prod(dtype=d),
    lambda d: mg.cumsum(X, 0, dtype=d), lambda d: mg.softmax(X, 0, dtype=d),
    lambda d: mg.norm(X, dtype=d), lambda d: mg.tensor([1], dtype=d), lambda d: mg.ones(2, dtype=d),
    lambda d: mg.full_like(X, 1, dtype=d), lambda d: mg.as_tensor(X, d), lambda d: X.new_zeros(
        2, dtype=d), lambda d: mg.linspace(0, 1, 3, dtype=d), lambda d: mg.nansum(X, dtype=d),
    lambda d: F.trace_sqrt(mg.eye(2), None, d), lambda d: mg.nn.Linear(2, 2).to(d),
    lambda d: mg.nn.Parameter([1.0], dtype=d), lambda d: mg.randperm(3, dtype=d),
])
def test_element_types_are_those_of_numbers(call):
    for dtype in NO_NUMBERS:
        with pytest.raises(MinigradError) as caught:
            call(dtype)
        assert str(caught.value).isprintable()
