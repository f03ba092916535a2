"""Right gradients that a checker could take for wrong: each was a false alarm once."""

import numpy as np
import pytest

from minigrad.check import check_gradient, check_vjp

TRIANGLE = np.array([[2.0, 0, 0, 0], [1.5, -1, 0, 0], [-0.7, 2, 3, 0], [0.4, 1.1, -2, 1]])


def solve(lower, b):
    return np.linalg.solve(np.tril(lower), b)


def solve_vjp(arguments, g):
    lower, b = arguments
    x, z = solve(lower, b), np.linalg.solve(np.tril(lower).T, g)
    return -np.tril(np.outer(z, x)), z


def test_a_system_that_large_integers_make_impossible_to_solve(rng):
    """Linear in b, but with 500 below the diagonal and 1 on it all digits are lost."""
    size = 10
    lower = np.tril(rng.standard_normal((size, size)), -1) * 3 + np.eye(size)
    assert check_vjp(solve, solve_vjp, (lower, rng.standard_normal(size)))
    report = check_vjp(solve, lambda a, g: (solve_vjp(a, g)[0], solve_vjp(a, g)[1] * (1 + 1e-9)),
                       (TRIANGLE, np.array([0.3, -1, 2, 0.6])), raise_exception=False)
    assert report.verdict == "wrong" and "input 1" in report.message()


def test_a_function_that_is_constant_and_a_rule_that_rounds():
    """The correlation of a series with itself is 1, and its gradient what is left of rounding."""
    def correlation(x):
        x = x - x.mean()
        return (x @ x) / np.sqrt((x @ x) * (x @ x))

    def gradient(x):
        x = x - x.mean()
        size = x @ x
        return 2 * x / size - x * (1 / np.sqrt(size))**2 * 2 + 1e-17

    x = np.array([0.3, -1.2, 2.0, 0.9])
    assert check_gradient(correlation, gradient, x)
    assert not check_gradient(correlation, lambda x: gradient(x) + 1e-6, x, raise_exception=False)


def test_a_rule_for_positive_lengths_only():
    """Linear in r wherever it is computed, but a rule may use that r = |z|."""
    def polar(r, angle):
        return r * np.cos(angle), r * np.sin(angle)

    def vjp(arguments, upstream):
        r, angle = arguments
        x, y = polar(r, angle)
        along = (upstream[0] * x + upstream[1] * y) / np.hypot(x, y)
        return along, upstream[1] * x - upstream[0] * y

    assert check_vjp(polar, vjp, (np.array([0.5, 2.0]), np.array([0.3, -1.0])))


def test_a_rule_that_is_not_a_number_far_from_the_point():
    def vjp(arguments, g):
        x, _ = arguments
        return g * x * 0 + (g * 3.0 if (x > 0).all() else np.nan), g

    assert check_vjp(lambda x, y: 3 * x + y, vjp, (np.array([0.5, 1.5]), np.ones(2)))


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_stairs_are_neither_flat_nor_steep(slope):
    """Rounding to a thousandth: 0 between two steps, 1 over many; both are claimed in practice."""
    x = np.array([2.71828, -1.4142])
    report = check_gradient(lambda x: np.round(x, 3), lambda x: np.full_like(x, slope), x,
                            raise_exception=False)
    assert report.verdict != "wrong"
    report = check_gradient(lambda x: np.round(x, 3), lambda x: np.full_like(x, 3.0), x,
                            raise_exception=False)
    assert report.verdict == "wrong"


def test_stairs_by_rounding_far_out_in_the_tail():
    """1 − tanh(17) is ten times 2⁻⁵³, and jumps in steps of that size."""
    def tail(x):
        return 1 - np.tanh(x)

    x = np.array([17.3, 0.3, -0.8])
    assert check_gradient(tail, lambda x: -1 / np.cosh(x)**2, x, raise_exception=False
                          ).verdict != "wrong"
    assert check_gradient(tail, lambda x: -1.001 / np.cosh(x)**2, x, raise_exception=False
                          ).verdict == "wrong"
