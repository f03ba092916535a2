"""The mistakes that two readers made or tried in steps 3 to 12 are called by their names."""

import ast

import numpy as np
import pytest
from findings import first_finding

from course import catalogue
from course.grading import static
from course.grading.advice import Raised, advice
from course.grading.diagnosis import explained
from course.grading.patterns import pattern
from course.grading.verdict import Wrong
from course.grading.work import Work

MISTAKES = [
    ("rules exchanged", 3, "(x, lambda g: g * y.data),\n                                    "
     "(y, lambda g: g * x.data)", "(x, lambda g: g * x.data),\n                                    "
     "(y, lambda g: g * y.data)", "x and y got each other's rule"),
    ("a Tensor for its number", 3, "lambda g: g * y.data", "lambda g: g * y",
     "for x is a Tensor, but should be a number; take the `data`"),
    ("no function", 3, "(x, lambda g: g * result)", "(x, g * result)",
     "a rule is a function of g: `lambda g: …`"),
    ("the input's g", 4, "rule(tensor.grad)", "rule(source.grad)",
     "a rule gets `tensor.grad`"),
    ("+= on None", 6, "tensor.grad = g if tensor.grad is None else tensor.grad + g",
     "tensor.grad += g", "the first pass finds None"),
    ("+= on an array", 6, "part = grads[source.number] + part",
     "grads[source.number] += part; part = grads[source.number]",
     "a sum sends one array to both inputs"),
    ("brackets", 6, "g / (2 * result)", "g / 2 * result", "divide by (2 * result)"),
    ("mean of all", 8, "count = self.data.size if dim is None else self.data.shape[dim]",
     "count = self.data.size", "divided by the number of all elements"),
    ("dimension gone", 8, "            g = np.expand_dims(g, dim)\n", "            pass\n",
     "put the one that is gone back first"),
    ("order kept", 8, "g.transpose(np.argsort(dims))", "g.transpose(dims)",
     "`dims` is applied once more"),
    ("not transposed", 9, "lambda g: g @ w.data.T", "lambda g: g @ w.data",
     "which has to be turned round"),
    ("transposed", 9, "lambda g: x.data.T @ g", "lambda g: g.T @ x.data", "is the transposed one"),
    ("summed too early", 7, "unbroadcast(rule(g), x.data.shape)",
     "rule(unbroadcast(g, x.data.shape))", "g is summed before the rule has its turn"),
    ("equal", 7, "x.data >= y.data", "x.data > y.data", "where they are equal, x is chosen"),
    ("changed in place", 12, "    x = x - x.max(axis=-1, keepdims=True)\n",
     "    x -= x.max(axis=-1, keepdims=True)\n", "log_softmax(x) changes x in place"),
    ("large power", 11, "g * np.exp(x - out)", "g * np.exp(x) / (1 + np.exp(x))",
     "e⁸⁰⁰ is too large for a float"),
    ("a Tensor within", 11, "np.maximum(x, 0) + np.log1p", "maximum(x, 0) + np.log1p",
     "is a Tensor where a plain array should stand"),
    ("one sum for all", 12, "g.sum(axis=-1, keepdims=True)", "g.sum()",
     "each row has its own sum of g"),
    ("logarithms", 12, "g - np.exp(out) * g.sum", "g - out * g.sum", "`out` are the logarithms"),
    ("no sum", 12, "g - np.exp(out) * g.sum(axis=-1, keepdims=True)", "g - np.exp(out)",
     "the row's sum of g is missing"),
    ("largest left", 12, "    x = x - x.max(axis=-1, keepdims=True)\n", "",
     "e¹⁰⁰⁰ is too large for a float"),
]


@pytest.mark.slow
@pytest.mark.parametrize("number, old, new, words", [row[1:] for row in MISTAKES],
                         ids=[row[0] for row in MISTAKES])
def test_a_mistake_has_a_name(number, old, new, words):
    source = catalogue.engine(number)
    assert old in source
    assert words in first_finding(number, source.replace(old, new))


@pytest.mark.parametrize("raised, words", [
    (Raised("NameError", "name 'g' is not defined"), "a rule is a function of g: `lambda g: …`"),
    (Raised("NameError", "name 'exp' is not defined", step=3), "it is `math.exp`"),
    (Raised("NameError", "name 'exp' is not defined", step=6), "it is `np.exp`"),
    (Raised("NameError", "name 'resutl' is not defined", names=["result"]), "is result meant?"),
    (Raised("TypeError", "unsupported operand: 'NoneType' and 'float'", "g * y.data",
            {"g": "None"}, step=4), "in `g * y.data`, g is None (this rule was called with None"),
    (Raised("TypeError", "unsupported operand: 'NoneType' and 'float'", "x.grad + g",
            {"x.grad": "None"}, step=20), "made with `requires_grad=True`"),
    (Raised("TypeError", "'NoneType' object is not iterable", outside=True), "returned None"),
    (Raised("KeyError", "3", "grads[3]"), "`+=` needs something to add to"),
    (Raised("KeyError", "3", "grads.pop(3)"), "under the number of the source"),
    (Raised("KeyError", "3", "kept.pop(3)"), "nothing was put there"),
    (Raised("TypeError", "'NoneType' and 'float'", "grads.get(3) + g"), "`.get(key, 0.0)` gives 0"),
    (Raised("ValueError", "setting an array element with a sequence.", "x + y",
            {"y": "a Tensor"}), "y is a Tensor where a plain array should stand"),
    (Raised("AttributeError", "'tuple' object has no attribute 'data'"), "this is a tuple"),
    (Raised("UFuncTypeError", "ufunc 'invert' not supported"), "`~` turns a mask"),
])
def test_what_pythons_messages_mean(raised, words):
    assert words in advice(raised)


def test_what_says_nothing_here_is_left_alone():
    assert advice(Raised("ValueError", "something else")) == ""
    assert advice(Raised("KeyError", "'NoneType'")).count("None") == 0


def test_a_check_can_say_what_an_error_means_in_it():
    own = [("TypeError", "'NoneType'", "call zero_grad later")]
    assert advice(Raised("TypeError", "a 'NoneType'"), own) == " (call zero_grad later)"


@pytest.mark.parametrize("found, right, words", [
    ([[1.5], [2.5]], [1.5, 2.5], "a dimension of length 1 too many"),
    ([[1.0, 3.0], [2.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]], "it is transposed"),
    (-2.5, 2.5, "the sign is flipped"), (7.5, 2.5, "it is 3 times what it should be"),
    (0.5, 2.5, "what it should be, divided by 5"), (4.0, 2.0, ""),
    ([1.5, 2.5, 4.0], [4.0, 2.5, 1.5], "in reverse order"),
    ([4.0, 1.5, 2.5, 3.0], [1.5, 2.5, 3.0, 4.0], "one place too late"),
    ([1.5, 4.0, 2.5, 3.5], [1.5, 2.5, 4.0, 3.5], "in another order"),
    (4.0, [1.5, 2.5], "the sum of the right numbers"), ([0.0, 0.0], [1.5, 2.5], "0 everywhere"),
    (None, 1.5, ""), ([1.1, 2.3, 7.0], [1.5, 2.5, 4.5], ""), ([np.nan, 1.0], [1.5, 2.0], "")])
def test_simple_differences_are_told(found, right, words):
    assert words in pattern(found, right) and bool(words) == bool(pattern(found, right))


@pytest.mark.parametrize("rule, words", [
    (lambda x, g: g * x, "the rule sends g · x"), (lambda x, g: g, "the rule sends g as it is"),
    (lambda x, g: -g / x ** 2, "the rule sends −g · 1/x²"),
    (lambda x, g: 0 * g, "sends 0 everywhere"), (lambda x, g: g * np.exp(x) + x, "where g is 0"),
    (lambda x, g: g * np.exp(-x), "the rule sends g · 1/result"),
    (lambda x, g: g * np.exp(x) * x, "the rule sends g · (the right slope) · x"),
    (lambda x, g: g * np.inf, "not finite")])
def test_what_a_wrong_rule_does_is_told(rule, words):
    x = np.array([0.3, 1.7, 0.9, 1.2])
    told = explained(np.exp, lambda inputs, g: (rule(*inputs, g),), {"x": x}, 0, None,
                     np.random.default_rng(0))
    assert words in told


@pytest.mark.parametrize("body, words", [
    ("x = x.append(1)\n    return x", "line 2 keeps what `append` returns, which is None"),
    ("return x.sort()", "line 2 keeps what `sort` returns"), ("x + 1", "is a `return` missing?"),
    ("return", "is a `return` missing?"), ("if x:\n        return x", "")])
def test_what_makes_none_is_read_in_the_file(body, words):
    found = static.reason_of_none(ast.parse(f"def f(x):\n    {body}\n"), "f")
    assert words in found and bool(words) == bool(found)


def test_the_element_that_differs_most_is_told():
    right = np.arange(1.0, 13.0).reshape(3, 4)
    found = right.copy()
    found[1, 2] = 0.5
    work = Work.__new__(Work)
    work.tree = ast.parse("")
    with pytest.raises(Wrong, match=r"^it is wrong, most of all at \[1, 2\]: 0.5, but should "
                                    r"be 7: halved$"):
        work.same("", "it", found, right, likely={"halved": found})
    with pytest.raises(Wrong, match=r"^it has the shape \(12,\), but should have \(3, 4\)"):
        work.same("", "it", found.ravel(), right)
    with pytest.raises(Wrong, match=r"^it is nearly right, but differs by up to 3e-07$"):
        work.same("", "it", 2 + 3e-7, 2 + 1e-14)
