"""Functions and gradients by hand, on NumPy arrays: the three verdicts."""

import numpy as np
import pytest

from minigrad.check import (
    GradcheckError,
    KinkError,
    UndecidedError,
    check_gradient,
    check_vjp,
)
from minigrad.check.plain.line import STEPS, Samples, best_slopes, slopes
from minigrad.errors import ArgumentError

X = np.array([0.3, -1.2, 0.7, 2.1, -0.4])


def verdict(f, gradient, x=X):
    return check_gradient(f, gradient, x, raise_exception=False).verdict


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def tanh_slope(x):
    return 1 - np.tanh(x) ** 2


def noise(x):
    """Numbers between −½ and ½ that depend on every bit of x."""
    return np.array([hash(float(value)) % 1_000_003 / 1_000_003 - 0.5 for value in x])


RIGHT = {
    "sine, element by element": (np.sin, np.cos, X),
    "a number": (lambda x: x ** 3, lambda x: 3 * x * x, 2.0),
    "relu away from 0": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, X),
    "relu very near 0": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0,
                         np.array([1.0, 1e-9, -1e-9])),
    "max of a thousand": (np.max, lambda x: (x == x.max()) * 1.0, np.sin(np.arange(1000) ** 2)),
    "sorted": (lambda x: np.sort(x)[::2].sum(),
               lambda x: (np.argsort(np.argsort(x)) % 2 == 0) * 1.0, X),
    "log of a sum": (lambda x: np.log(np.exp(x).sum()), softmax, X),
    "constant": (lambda x: np.float64(3), lambda x: 0 * x, X),
    "always one": (lambda x: softmax(x).sum(), lambda x: 0 * x, X),
    "stationary": (lambda x: (x * x).sum(), lambda x: 2 * x, np.zeros(3)),
    "stairs": (np.floor, lambda x: 0 * x, X),
    "on top of a large number": (lambda x: 1e8 + x.sum(), lambda x: 1 + 0 * x, X),
    "oscillates fast": (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), X),
    "inputs of all sizes": (lambda x: x * x, lambda x: 2 * x, X * 10.0 ** np.arange(-8, 9, 4)),
    "in float32": (lambda x: np.tanh(x.astype(np.float32)), tanh_slope, X),
    "in float32, returned as float64": (
        lambda x: np.tanh(x.astype(np.float32)).astype(float), tanh_slope, X),
    "nine decimals": (lambda x: np.round(np.tanh(x), 9), tanh_slope, X),
    "noise of 1e-9": (lambda x: np.tanh(x) + 1e-9 * noise(x), tanh_slope, X),
    "domain with an edge": (np.arcsin, lambda x: 1 / np.sqrt(1 - x * x), np.array([0.99, -0.999])),
    "no element": (np.sin, np.cos, np.zeros((0, 3))),
}
for power in (-8, -4, 4, 8):
    s = 10.0 ** power
    RIGHT[f"exp of x/1e{power}"] = (lambda x, s=s: np.exp(x / s), lambda x, s=s: np.exp(x / s) / s,
                                    X * s)
    RIGHT[f"sine at 1e{power}"] = (lambda x: np.sin(x).sum(), np.cos, X * s)
    RIGHT[f"log at 1e{power}"] = (np.log, lambda x: 1 / x, np.abs(X) * s)

WRONG = {
    "relative error of 1e-9": (np.sin, lambda x: np.cos(x) * (1 + 1e-9), X),
    "zero": (np.sin, lambda x: 0 * x, X),
    "softmax's diagonal alone": (softmax, lambda x: softmax(x) * (1 - softmax(x)), X),
    "float32 and zero": (lambda x: np.tanh(x.astype(np.float32)), lambda x: 0 * x, X),
    "nine decimals and zero": (lambda x: np.round(np.tanh(x), 9), lambda x: 0 * x, X),
    "under noise of 1e-9": (lambda x: np.tanh(x) + 1e-9 * noise(x),
                            lambda x: tanh_slope(x) * 1.001, X),
    "at 1e8": (lambda x: np.sin(x).sum(), lambda x: 1.01 * np.cos(x), X * 1e8),
    "at 1e-8": (lambda x: np.exp(x * 1e8), lambda x: 1.0001e8 * np.exp(x * 1e8), X * 1e-8),
    "the smallest of all sizes": (lambda x: x * x, lambda x: 2 * x * np.where(x == x[0], 1.01, 1),
                                  X * 10.0 ** np.arange(-8, 9, 4)),
    "a fast small part forgotten": (lambda x: (x + 1e-3 * np.sin(1e4 * x)).sum(),
                                    lambda x: 1 + 0 * x, X),
    "one of a thousand": (lambda x: np.exp(x).sum(),
                          lambda x: np.exp(x) * np.where(np.arange(1000) == 700, 1.001, 1),
                          np.sin(np.arange(1000.0))),
    "a kink elsewhere": (lambda x: np.maximum(x, 0).sum(), lambda x: (x > 0) * 1.1,
                         np.array([1.0, 0, -1])),
    "no slope of either side": (lambda x: np.abs(x).sum(),
                                lambda x: np.where(x == 0, 3, np.sign(x)), np.array([1.0, 0])),
    "all of four equal elements": (np.max, lambda x: (x == x.max()) * 1.0, np.ones(4)),
    "not a number": (lambda x: (x * x).sum(), lambda x: x * np.nan, X),
    "None": (lambda x: (x * x).sum(), lambda x: None, X),
    "another shape": (lambda x: (x * x).sum(), lambda x: np.ones(3), X),
}

CANNOT_TELL = {
    "two kinks at once": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, np.zeros(2)),
    "one of four equal elements": (np.max, lambda x: np.arange(4) == x.argmax(), np.ones(4)),
    "a share of four equal elements": (
        np.max, lambda x: (x == x.max()) / np.sum(x == x.max()), np.ones(4)),
    "relu at 0": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, np.array([1.0, 0, -1])),
    "a jump": (lambda x: np.sign(x).sum(), lambda x: 0 * x, np.array([0.0, 1])),
    "infinite slope": (lambda x: np.sqrt(x).sum(), lambda x: 0.5 / np.sqrt(np.maximum(x, 1e-9)),
                       np.array([0.0, 1])),
    "NaN": (np.log, lambda x: 1 / x, X),
    "random": (lambda x: x + np.random.default_rng().normal(), lambda x: 1 + 0 * x, X),
    "noise above the slope": (lambda x: 1e13 + 0.01 * x.sum(), lambda x: 0.01 + 0 * x, X),
}


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT)
def test_right(case):
    assert verdict(*case) == "right", check_gradient(*case).message()


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(case):
    assert verdict(*case) == "wrong"
    with pytest.raises(GradcheckError) as caught:
        check_gradient(*case)
    assert not isinstance(caught.value, UndecidedError)


@pytest.mark.parametrize("case", CANNOT_TELL.values(), ids=CANNOT_TELL)
def test_cannot_tell(case):
    """Never a pass, and never blamed on the gradient."""
    assert verdict(*case) == "cannot tell"
    with pytest.raises(UndecidedError):
        check_gradient(*case)


def test_a_function_that_raises_outside_its_domain():
    def root(x):
        if (x <= 0).any() or (x >= 1.1).any():
            raise ValueError("outside")
        return np.sqrt(x)

    assert check_gradient(root, lambda x: 0.5 / np.sqrt(x), [0.5, 1.0, 1e-6])
    assert verdict(root, lambda x: 0.51 / np.sqrt(x), [0.5, 1.0, 1e-6]) == "wrong"


def test_a_kink_is_named_with_both_slopes():
    with pytest.raises(KinkError, match=r"x\[1\]: slope from the left \+0, from the right \+1"):
        check_gradient(lambda x: np.maximum(x, 0).sum(), lambda x: (x > 0) * 1.0, [1.0, 0.0, -1.0])


def test_a_failure_shows_the_order_and_both_matrices():
    message = check_gradient(np.sin, lambda x: np.cos(x) + 0.1, X, raise_exception=False).message()
    assert "the remainder falls like h^1.00" in message
    assert "claimed      measured     difference" in message
    assert "off by" in message or "term is missing" in message


def test_large_jacobians_are_bisected():
    x = np.sin(np.arange(300.0))
    message = check_gradient(np.exp, lambda x: np.exp(x) * np.where(np.arange(300) == 77, 2, 1), x,
                             raise_exception=False).message()
    assert "x[77]: derivative of output[77]" in message


def test_slopes_of_all_outputs_at_once_are_those_of_each():
    """Also beside an output that is nowhere a number."""
    def function(x):
        return np.array([np.sin(x), abs(x - 0.7), np.nan, np.float32(np.exp(x))])

    samples = Samples(function(0.7), np.stack([function(0.7 + h) for h in STEPS]),
                      np.stack([function(0.7 - h) for h in STEPS]))
    together = best_slopes(samples)
    assert np.isnan(together[2])
    for j in (0, 1, 3):
        one = slopes(Samples(*[a[..., j:j + 1] for a in (
            samples.centre, samples.plus, samples.minus)]), np.ones(1))
        assert together[j] == one.slope[one.best]


def test_lists_and_float32_are_converted_and_the_report_says_so():
    assert "a list" in check_gradient(np.sin, np.cos, [1, 2, 3]).message()
    assert "float32" in check_gradient(np.sin, np.cos, X.astype(np.float32)).message()


def test_a_function_that_changes_its_input():
    def f(x):
        x *= 2
        return x.sum()

    with pytest.raises(GradcheckError, match="changed by the function"):
        check_gradient(f, lambda x: 2 + 0 * x, X)


def test_a_rule_that_changes_what_it_is_given():
    def vjp(arguments, g):
        g *= 2
        return g

    with pytest.raises(GradcheckError, match="wrote to the upstream gradient"):
        check_vjp(lambda x: 2 * x, vjp, (X,))

    def changes(arguments, g):
        arguments[0][...] = 0
        return 2 * g

    with pytest.raises(GradcheckError, match="changed by the rule"):
        check_vjp(lambda x: 2 * x, changes, (X,))


@pytest.mark.parametrize("result", [None, "text", {}, np.array([1, 2]), [None]],
                         ids=["None", "text", "dict", "integers", "list of None"])
def test_a_function_that_returns_no_floats(result):
    with pytest.raises(ArgumentError, match="returns"):
        check_gradient(lambda x: result, np.cos, X)


def test_a_vector_valued_function_needs_a_vjp():
    with pytest.raises(ArgumentError, match="use check_vjp"):
        check_gradient(lambda x: x[:2], np.cos, X)


def test_arguments_without_floats():
    with pytest.raises(ArgumentError, match="nothing to check"):
        check_vjp(lambda i: i * 1.0, lambda arguments, g: g, (np.array([1, 2]),))


def test_a_random_rule():
    generator = np.random.default_rng(0)
    with pytest.raises(GradcheckError, match="two calls of the rule"):
        check_gradient(np.sin, lambda x: np.cos(x) * generator.uniform(0.9, 1.1), X)


def test_arguments_that_are_no_floats_are_passed_on():
    def vjp(arguments, g):
        table, rows = arguments
        result = np.zeros(table.shape)
        np.add.at(result, rows, g)
        return result, None

    assert check_vjp(lambda table, rows: table[rows], vjp, (np.ones((4, 2)), np.array([1, 1, 3])))

    def wrong(arguments, g):
        table, rows = arguments
        result = np.zeros(table.shape)
        result[rows] = g            # repeated rows overwrite one another
        return result, None

    assert not check_vjp(lambda table, rows: table[rows], wrong,
                         (np.ones((4, 2)), np.array([1, 1, 3])), raise_exception=False)


def test_several_results():
    def forward(x):
        return x.sum(), x * x

    assert check_vjp(forward, lambda arguments, g: g[0] + 2 * g[1] * arguments[0], (X,))
    report = check_vjp(forward, lambda arguments, g: 2 * g[1] * arguments[0], (X,),
                       raise_exception=False)
    assert "output 0" in report.message()


def test_complex_numbers_count_as_their_parts():
    z = X + 1j * X[::-1]
    assert check_vjp(lambda z: z * z, lambda arguments, g: 2 * g * np.conj(arguments[0]), (z,))
    assert not check_vjp(lambda z: z * z, lambda arguments, g: 2 * g * arguments[0], (z,),
                         raise_exception=False)
