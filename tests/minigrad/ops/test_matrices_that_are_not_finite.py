"""Matrices with NaN or infinities: refused where LAPACK iterates, computed elsewhere."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError

WRONG = (np.inf, -np.inf, np.nan)
ITERATED = {
    "svd": lambda a: mg.linalg.svd(a), "thin svd": lambda a: mg.linalg.svd(a[:, :3], False),
    "svdvals": mg.linalg.svdvals, "pinv": mg.linalg.pinv, "cond": mg.linalg.cond,
    "pinv, atol": lambda a: mg.linalg.pinv(a, atol=0.1), "matrix_rank": mg.linalg.matrix_rank,
    "nuclear norm": lambda a: mg.norm(a, "nuc"), "2-norm": lambda a: mg.linalg.norm(a, 2),
    "lstsq": lambda a: mg.linalg.lstsq(a, mg.ones(5, 1, dtype=a.dtype)),
    "eigh": mg.linalg.eigh, "eigvalsh": mg.linalg.eigvalsh,
}


def matrix(rng, value, dtype="f4"):
    a = rng.standard_normal((5, 5)).astype(dtype)
    a = a @ a.T
    a[1, 0] = a[0, 1] = value
    return mg.tensor(a)


@pytest.mark.parametrize("name", ITERATED)
@pytest.mark.parametrize("value", WRONG)
def test_iterations_refuse_them(rng, name, value):
    """With an infinity, LAPACK's would not end."""
    for dtype in ("f4", "f8"):
        with pytest.raises(ArgumentError, match=r"^(svd|eigh) needs matrices of finite numbers$"):
            ITERATED[name](matrix(rng, value, dtype))


def test_one_matrix_of_a_batch_is_enough(rng):
    a = rng.standard_normal((2, 3, 5, 5))
    a[1, 2, 4, 4] = np.inf
    for function in (mg.linalg.svdvals, mg.linalg.matrix_rank, mg.linalg.eigvalsh):
        with pytest.raises(ArgumentError, match="finite"):
            function(mg.tensor(a))


@pytest.mark.parametrize("value", WRONG)
def test_they_are_not_positive_definite(rng, value):
    with pytest.raises(ArgumentError, match="cholesky needs positive definite matrices"):
        mg.linalg.cholesky(matrix(rng, value))


def test_eliminations_give_what_they_compute(rng):
    a = matrix(rng, np.nan)
    for function in (mg.linalg.inv, mg.linalg.det, lambda a: mg.linalg.solve(a, mg.ones(5)),
                     lambda a: mg.linalg.qr(a).Q, mg.functional.matrix_sqrt,
                     mg.functional.trace_sqrt):
        with np.errstate(invalid="ignore"):
            assert np.isnan(function(a).numpy()).all()


def test_one_nan_spoils_its_whole_matrix_and_no_other():
    values = np.stack([np.diag([np.nan, 3.0]), np.diag([2.0, 4.0])])
    functions = (mg.linalg.inv, lambda a: mg.linalg.solve(a, mg.ones(2, 2, dtype="float64")),
                 lambda a: mg.linalg.det(a).reshape(2, 1, 1),
                 lambda a: mg.linalg.slogdet(a)[1].reshape(2, 1, 1))
    for function in functions:
        a = mg.tensor(values, requires_grad=True)
        with np.errstate(invalid="ignore"):
            result = function(a)
            result.sum().backward()
        for part in (result.numpy(), a.grad.numpy()):
            assert np.isnan(part[0]).all() and np.isfinite(part[1]).all()
    assert mg.linalg.solve_triangular(mg.tensor(values), mg.ones(2, 1, dtype="float64"),
                                      upper=True).numpy()[0, 1] == 1 / 3


@pytest.mark.parametrize("value", WRONG)
def test_the_gradient_of_a_determinant_that_is_not_finite_is_nan(rng, value):
    a = matrix(rng, value).detach()
    a.requires_grad = True
    with np.errstate(invalid="ignore"):
        mg.linalg.det(a).backward()
    assert np.isnan(a.grad.numpy()).all()


def test_large_and_tiny_finite_numbers_are_decomposed(rng):
    for scale in (1e30, 1e-38, 5e-324):
        a = mg.tensor(scale * rng.standard_normal((4, 4)))
        assert np.isfinite(mg.linalg.svdvals(a).numpy()).all()


@pytest.mark.parametrize("value", [*WRONG, 1e30])
def test_the_half_that_is_not_read_may_hold_anything(rng, value):
    a = rng.standard_normal((4, 4))
    a = a @ a.T + np.eye(4)
    spoiled = np.where(np.triu(np.ones((4, 4)), 1) > 0, value, a)
    for name in ("eigvalsh", "cholesky"):
        function = getattr(mg.linalg, name)
        expected = function(mg.tensor(a)).numpy()
        np.testing.assert_array_equal(function(mg.tensor(spoiled)).numpy(), expected)
    np.testing.assert_array_equal(mg.linalg.eigvalsh(mg.tensor(spoiled.T), "U").numpy(),
                                  mg.linalg.eigvalsh(mg.tensor(a)).numpy())
    np.testing.assert_array_equal(mg.tril(mg.tensor(spoiled)).numpy(), np.tril(a))
    np.testing.assert_array_equal(mg.triu(mg.tensor(spoiled.T)).numpy(), np.triu(a))
