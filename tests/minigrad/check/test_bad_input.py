"""Bad input through every adapter: one sentence each, and never a pass."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import elementwise
from minigrad.check import (
    GradcheckError,
    UndecidedError,
    check_function,
    check_gradient,
    check_vjp,
    gradcheck,
    gradgradcheck,
)
from minigrad.errors import ArgumentError, MinigradError

X = np.array([0.5, -1.0, 2.0])
RANDOM = np.random.default_rng(0)


def noise(x):
    return x * RANDOM.uniform(1, 2, 3)


def doubled_in_place(x):
    x *= 2
    return x.sum()


def refused(error, words, check):
    with pytest.raises(error, match=words) as caught:
        check()
    return str(caught.value)


FUNCTIONS = {
    "no array": (lambda x: None, ArgumentError, "returned NoneType"),
    "text": (lambda x: "a", ArgumentError, "returned str"),
    "integers": (lambda x: x.astype(int), ArgumentError, "returned int64"),
    "unequal parts": (lambda x: [[1.0], [1.0, 2.0]], ArgumentError, "unequal parts"),
    "NaN": (lambda x: x * np.nan, UndecidedError, "NaN or infinity at these inputs"),
    "infinity": (lambda x: x / 0, UndecidedError, "NaN or infinity at these inputs"),
    "random": (noise, UndecidedError, "two calls with the same inputs"),
    "changes its input": (doubled_in_place, GradcheckError, "was changed by the function"),
    "an error": (lambda x: 1 / 0, ArgumentError, "because it raises ZeroDivisionError"),
    "no parameter": (lambda: 1.0, ArgumentError, "because it raises TypeError"),
    "no function": (3, ArgumentError, "must be a function, not int"),
}


@pytest.mark.parametrize("what", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_of_numpy(what):
    function, error, words = FUNCTIONS[what]
    refused(error, words, lambda: check_gradient(function, lambda x: 2 * x, X))
    if what != "unequal parts":
        refused(error, words, lambda: check_vjp(function, lambda a, g: g * np.ones(3), (X,)))


GRADIENTS = {
    "None": (lambda x: None, GradcheckError, "is None; return an array of zeros"),
    "wrong shape": (lambda x: x[:2], GradcheckError, r"has the shape \(2,\), but x has \(3,\)"),
    "NaN": (lambda x: x * np.nan, GradcheckError, "NaN or infinite in 3 of 3"),
    "text": (lambda x: "a", ArgumentError, "array of numbers, but the rule returned str"),
    "a dict": (lambda x: {}, ArgumentError, "array of numbers, but the rule returned dict"),
    "complex": (lambda x: 2j * x, GradcheckError, "has the shape"),
    "random": (noise, GradcheckError, "two calls of the rule"),
    "writes": (lambda x: np.multiply(x, 2, out=x), GradcheckError, "was changed by the rule"),
    "an error": (lambda x: 1 / 0, GradcheckError, "the rule raises ZeroDivisionError"),
    "no function": (3, ArgumentError, "must be a function, not int"),
}


@pytest.mark.parametrize("what", GRADIENTS)
def test_gradients_of_numpy(what):
    gradient, error, words = GRADIENTS[what]
    refused(error, words, lambda: check_gradient(lambda x: (x**2).sum(), gradient, X))


@pytest.mark.parametrize(("vjp", "error", "words"), [
    (lambda a, g: (None, g), GradcheckError, "is None"),
    (lambda a, g: (g, 2 * g, g), GradcheckError, "3 gradients for 2 input"),
    (lambda a, g: g, ArgumentError, "2 arguments that need a gradient"),
    (lambda a, g: (g, np.multiply(g, 2, out=g)), GradcheckError, "wrote to the upstream"),
    (lambda a: a, GradcheckError, "the rule raises TypeError"),
])
def test_vjps_of_two_arguments(vjp, error, words):
    refused(error, words, lambda: check_vjp(lambda x, y: x + 2 * y, vjp, (X, X + 1)))


@pytest.mark.parametrize(("x", "error", "words"), [
    (None, ArgumentError, "nothing to check"), ("a", ArgumentError, "nothing to check"),
    (np.arange(3), ArgumentError, "nothing to check"),
    ([[1], [2, 3]], ArgumentError, "nothing to check"),
    ([np.nan, 1.0], UndecidedError, "x holds NaN or infinity"),
    (np.array([-np.inf, 1.0]), UndecidedError, "x holds NaN or infinity"),
])
def test_arguments(x, error, words):
    refused(error, words, lambda: check_gradient(lambda x: np.exp(x), lambda x: np.exp(x), x))


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_seeds(seed):
    refused(ArgumentError, "whole number of at least 0", lambda: check_gradient(
        np.sin, np.cos, X, seed=seed))


def test_functions_of_no_known_framework_and_orders():
    refused(ArgumentError, "cannot tell the framework", lambda: check_function(np.sin, (X,)))
    refused(ArgumentError, "must be a tuple or list", lambda: check_function(mg.sin, X))
    refused(ArgumentError, "orders of a check are 1, 2 or both", lambda: check_function(
        mg.sin, (X,), orders=(3,)))
    refused(ArgumentError, "must be a function", lambda: check_function(3, (mg.tensor(X),)))


@pytest.mark.parametrize(("function", "error", "words"), [
    (lambda x: None, ArgumentError, "returned NoneType"),
    (lambda x: x.numpy(), ArgumentError, "returned ndarray"),
    (lambda x: x > 0, ArgumentError, "no floating-point Tensor"),
    (lambda x: x.detach() * 2, GradcheckError, "zero everywhere"),
    (lambda x: x * np.nan, UndecidedError, "NaN or infinity"),
    (lambda x: x * RANDOM.uniform(1, 2), UndecidedError, "two calls"),
    (lambda x: 1 / 0, ArgumentError, "because it raises ZeroDivisionError"),
])
def test_functions_of_minigrad(function, error, words):
    refused(error, words, lambda: check_function(function, (mg.tensor(X),)))


@pytest.mark.parametrize(("rule", "words"), [
    (lambda g: None, "the rule raises"), (lambda g: g[:2], "has the shape"),
    (lambda g: g * np.nan, "NaN or infinite"), (lambda g: 1 / 0, "raises ZeroDivisionError"),
    (lambda g: noise(g), "two calls of the rule"),
])
def test_rules_of_minigrad(leave_no_primitives, rule, words):
    @elementwise
    def doubled(x):
        return 2 * x

    doubled.derivative(x=rule)
    refused(GradcheckError, words, lambda: check_function(doubled, (mg.tensor(X),)))
    x = mg.tensor(X, requires_grad=True)
    assert not gradcheck(doubled, x, raise_exception=False)
    with pytest.raises(MinigradError):
        gradcheck(doubled, x)


def test_functions_and_seeds_of_gradcheck():
    x = mg.tensor(X, requires_grad=True)
    refused(ArgumentError, "because it raises ZeroDivisionError", lambda: gradcheck(
        lambda x: 1 / 0, x))
    refused(ArgumentError, "must be a function, not int", lambda: gradcheck(3, x))
    refused(ArgumentError, "whole number of at least 0", lambda: gradcheck(mg.sin, x, seed=-1))


@pytest.mark.oracle
def test_functions_and_rules_of_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)        # of three elements, dropout leaves the same ones out twice at times
    x = torch.tensor(X)

    def rule(backward):
        class Doubled(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return 2 * x
        Doubled.backward = staticmethod(backward)
        return Doubled

    for function, error, words in [
            (lambda x: None, ArgumentError, "returned NoneType"),
            (lambda x: x.detach().numpy(), ArgumentError, "returned ndarray"),
            (lambda x: x.int(), ArgumentError, "returned no floats"),
            (lambda x: x * float("nan"), UndecidedError, "NaN or infinity"),
            (torch.nn.Dropout(), UndecidedError, "two calls"),
            (lambda x: 1 / 0, ArgumentError, "because it raises ZeroDivisionError"),
            (rule(lambda ctx, g: None), GradcheckError, "zero everywhere"),
            (rule(lambda ctx, g: g[:2]), GradcheckError, "the rule raises RuntimeError"),
            (rule(lambda ctx, g: g * float("nan")), GradcheckError, "NaN or infinite"),
            (rule(lambda ctx, g: g.mul_(2)), GradcheckError, "wrote to the upstream"),
            (rule(lambda ctx, g: 2 * g + torch.rand(3)), GradcheckError, "two calls of the rule"),
            (rule(lambda ctx, g: "a"), GradcheckError, "the rule raises RuntimeError")]:
        refused(error, words, lambda f=function: check_function(f, (x.clone(),)))


@pytest.mark.oracle
def test_a_gradient_that_cancels_for_equal_upstream_gradients():
    """Batch normalisation: what is left of a sum of zero depends on the order of its terms."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    assert check_function(torch.nn.BatchNorm1d(2), (torch.rand(4, 2),))


@pytest.mark.oracle
def test_functions_and_rules_of_jax():
    jax = pytest.importorskip("jax")
    x = jax.numpy.array(X)

    def rule(backward):
        @jax.custom_vjp
        def doubled(x):
            return 2 * x

        doubled.defvjp(lambda x: (2 * x, x), backward)
        return doubled

    @jax.custom_jvp
    def halved(x):
        return x / 2

    @halved.defjvp
    def halved_jvp(primals, tangents):
        return halved(*primals), 1 / 0

    for function, error, words in [
            (lambda x: None, ArgumentError, "returned NoneType"),
            (lambda x: x > 0, ArgumentError, "arrays of floats"),
            (lambda x: x * jax.numpy.nan, UndecidedError, "NaN or infinity"),
            (noise, UndecidedError, "two calls"),
            (lambda x: 1 / 0, ArgumentError, "because it raises ZeroDivisionError"),
            (jax.custom_vjp(lambda x: x), ArgumentError, "because it raises AttributeError"),
            (halved, GradcheckError, "raises ZeroDivisionError"),
            (rule(lambda x, g: (None,)), GradcheckError, "zero everywhere"),
            (rule(lambda x, g: (g[:2],)), GradcheckError, "the rule raises ValueError"),
            (rule(lambda x, g: 2 * g), GradcheckError, "the rule raises TypeError"),
            (rule(lambda x, g: (g * jax.numpy.nan,)), GradcheckError, "NaN or infinite")]:
        refused(error, words, lambda f=function: check_function(f, (x,)))


@pytest.mark.oracle
def test_an_old_jax_is_refused(monkeypatch):
    jax = pytest.importorskip("jax")
    monkeypatch.delattr(jax, "enable_x64")
    refused(ArgumentError, "needs JAX 0.8 or later", lambda: check_function(
        jax.numpy.sin, (jax.numpy.ones(2),)))


@pytest.mark.parametrize("value", ["a", None, [1], -5, float("nan"), 1j, np.ones(2), True], ids=[
    "text", "None", "list", "negative", "NaN", "complex", "array", "bool"])
@pytest.mark.parametrize("name", ["eps", "rtol", "atol", "directions", "full_limit"])
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_settings_of_checks(check, name, value):
    x = mg.tensor(X, requires_grad=True)
    if name == "eps" and value is None:         # the default
        assert check(mg.sin, [x], eps=None)
        return
    refused(ArgumentError, "number|between 0 and 1", lambda: check(mg.sin, [x], **{name: value}))
