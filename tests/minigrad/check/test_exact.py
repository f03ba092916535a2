"""Exact integers: linear functions are checked without any tolerance."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from minigrad import elementwise
from minigrad.check import check_gradient, check_vjp, gradcheck, gradgradcheck
from minigrad.check.frameworks.of_minigrad import of_problem
from minigrad.check.mutants import Mutant
from minigrad.check.mutation import in_place
from minigrad.check.plain.exact import exact_integers
from minigrad.check.plain.numpy_pairs import from_pair
from minigrad.check.problem import Problem
from minigrad.check.samples import inputs_of, registered_samples
from minigrad.core.primitive import registered_primitives

pytestmark = pytest.mark.usefixtures("leave_no_primitives")


@pytest.fixture
def device():
    return "cpu"


@pytest.mark.parametrize("error", [1e-9, -1e-9, 1e-12, -1e-12])
def test_a_constant_that_is_wrong_in_the_twelfth_digit(error, leaf):
    @elementwise
    def triple(x):
        return 3 * x

    triple.derivative(x=lambda g: 3 * (1 + error) * g)
    x = leaf([[0.5, -1.0, 2.0]])
    assert "must equal" in gradcheck(triple, x, raise_exception=False).message()
    triple.derivative(x=lambda g: 3 * g)
    assert gradcheck(triple, x).exact == {"input 0 (x)": "exact"}


def exact_results(operation, sample):
    problem = Problem(operation, inputs_of(operation, sample))
    with np.errstate(all="ignore"):
        return {problem.labels[result.place].partition("(")[2].rstrip(")") or operation.variadic:
                result for result in exact_integers(of_problem(problem), np.random.default_rng(0))}


@pytest.fixture(scope="module")
def linear_rules():
    """What exact integers check: (operation, parameter) → its sample and the method."""
    found = {}
    for name, operation in registered_primitives().items():
        rules = {(name, p) for p, rule in operation.rules.items() if rule is not None}
        for sample in registered_samples(name):
            if rules <= set(found):
                break
            for parameter, result in exact_results(operation, sample).items():
                assert not result.wrong, (name, parameter, result)
                if result.claimed:      # it is not constant there
                    found.setdefault((name, parameter), (sample, result.method))
    return found


def test_factors_near_one_are_found_in_every_linear_rule(linear_rules):
    """1 ± 10⁻¹² in each: what no difference quotient and no complex step sees."""
    survivors = []
    for (name, parameter), (sample, _) in linear_rules.items():
        operation = registered_primitives()[name]
        for factor in (1 + 1e-12, 1 - 1e-12):
            mutant = Mutant("", "", scaled(operation.rules[parameter], factor))
            with in_place(operation, parameter, mutant):
                result = exact_results(operation, sample).get(parameter)
                if result is None or not result.wrong:
                    survivors.append((name, parameter, factor, result))
    assert survivors == []
    assert len(linear_rules) >= 86


# Whole steps away from a point: linear between two jumps, which exact integers do not take for it.
IN_PIECES = {("remainder", "x"), ("fmod", "x")}


def test_no_linear_rule_is_left_out(linear_rules):
    """A rule whose gradient does not change with its input is that of a linear function."""
    left_out = {(name, parameter) for name, operation in registered_primitives().items()
                if operation.forward.__module__.startswith("minigrad.")     # not of other tests
                for parameter, rule in operation.rules.items()
                if rule is not None and (name, parameter) not in linear_rules
                and all(is_constant(operation, parameter, sample)
                        for sample in registered_samples(name))}
    assert left_out == IN_PIECES


def is_constant(operation, parameter, sample):
    """Whether Jᵀ·v of one input is the same, and not 0, at −1.7 times that input."""
    problem = Problem(operation, inputs_of(operation, sample))
    place = next((i for i, label in enumerate(problem.labels) if f"({parameter})" in label), None)
    if place is None or not problem.point[place].size:
        return True
    there = [array * -1.7 if i == place else array for i, array in enumerate(problem.point)]
    gradients = []
    with np.errstate(all="ignore"):
        for arrays in (problem.point, there):
            try:
                leaves, outputs = problem.call(arrays)
                size = sum(output.numel() for output in outputs)
                upstream = np.arange(1.0, size + 1)
                gradients.append(problem.gradients(leaves, outputs, upstream)[place])
            except Exception:       # outside the domain of the function
                return False
    return gradients[0].any() and np.allclose(*gradients, rtol=1e-9, atol=0)


def test_the_page_lists_the_rules_that_a_rounding_bound_decides(linear_rules):
    page = (Path(__file__).parents[3] / "docs" / "gradient-checking.md").read_text("utf-8")
    listed = page.partition("decided by a rounding bound: ")[2].partition(".\n")[0]
    assert listed == ", ".join(f"`{name}.{parameter}`" for (name, parameter), (_, method)
                               in sorted(linear_rules.items()) if method != "exact")
    assert f"{len(linear_rules)} linear rules" in page


def scaled(rule, factor):
    def changed(*args, **kwargs):
        return factor * rule(*args, **kwargs)

    changed.__signature__ = inspect.signature(rule)
    return changed


@pytest.mark.parametrize(("function", "linear"), [
    (lambda x: 3 * x, True), (lambda x: np.cumsum(x, axis=1), True), (lambda x: x.T @ x, False),
    (lambda x: np.maximum(x, 0.0), False), (lambda x: np.abs(x), False),
    (lambda x: np.floor(x) * 1.0, False), (lambda x: np.round(8 * x) / 8, False),
    (lambda x: x % 1.0, False), (lambda x: np.clip(x, -700.0, 700.0), False),
    (lambda x: np.sin(np.pi * x), False), (lambda x: x * np.abs(x), False),
    (lambda x: np.where(x == 0, 1.0, x), False),
], ids=["3x", "cumsum", "xᵀx", "relu", "abs", "floor", "rounded to eighths", "remainder", "clip",
        "sin πx", "x·|x|", "x or 1"])
def test_linearity_is_found_by_trying(function, linear, rng):
    pair = from_pair(function, lambda arguments, g: 0 * arguments[0],
                     (rng.standard_normal((3, 4)),))
    results = [r for r in exact_integers(pair, rng) if r.index is None]
    assert bool(results) == linear


def test_values_that_are_no_integers_are_bounded_by_their_rounding(rng):
    x = rng.standard_normal((4, 3))
    for name, forward, vjp in [
            ("a tenth", lambda x: 0.1 * x, lambda x: 0.1 + 0 * x),
            ("mean over three", lambda x: x.mean(axis=1).sum(), lambda x: np.full((4, 3), 1 / 3))]:
        report = check_gradient(forward, vjp, x)
        assert report.exact == {"x": "rounding bound"}, name
        wrong = check_gradient(forward, lambda x, vjp=vjp: vjp(x) * (1 + 1e-12), x,
                               raise_exception=False)
        assert wrong.verdict == "wrong", name


def test_what_is_linear_along_single_elements_only(rng):
    x = rng.uniform(1, 2, 5)
    report = check_gradient(np.prod, lambda x: np.prod(x) / x * (1 + 1e-12), x,
                            raise_exception=False)
    assert report.verdict == "wrong"
    assert check_gradient(np.prod, lambda x: np.prod(x) / np.where(x == 0, 1, x) if all(x) else
                          np.array([np.prod(np.delete(x, i)) for i in range(5)]), x)


def test_each_input_of_a_bilinear_function(rng):
    x, w = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))

    def vjp(factor):
        return lambda arguments, g: (g @ arguments[1].T, factor * (arguments[0].T @ g))

    def product(x, w):
        return x @ w

    assert check_vjp(product, vjp(1.0), (x, w)).exact == {
        "input 0 (x)": "exact", "input 1 (w)": "exact"}
    report = check_vjp(product, vjp(1 - 1e-12), (x, w), raise_exception=False)
    assert report.verdict == "wrong" and "input 1" in report.message()


def test_second_derivatives_are_linear_in_the_upstream_gradient(leaf):
    @elementwise
    def square(x):
        return x * x

    square.derivative(x=lambda g, x: 2 * g * x)
    report = gradgradcheck(square, leaf([0.5, -1.0]))
    assert report.exact["upstream gradient 0"] == "exact"
