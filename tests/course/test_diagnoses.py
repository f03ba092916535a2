"""The mistakes that two readers made or tried in steps 3 to 12 are called by their names."""

import ast

import numpy as np
import pytest

from course import catalogue
from course.grading.advice import advice
from course.grading.checks import check_source
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
    ("the input's g", 4, "rule(tensor.grad)", "rule(source.grad)", "something here is None"),
    ("+= on None", 6, "tensor.grad = g if tensor.grad is None else tensor.grad + g",
     "tensor.grad += g", "the first pass finds None"),
    ("+= on an array", 6, "part = grads[source.number] + part",
     "grads[source.number] += part; part = grads[source.number]",
     "a sum sends one array to both inputs"),
    ("brackets", 6, "g / (2 * result)", "g / 2 * result", "divide by (2 * result)"),
    ("mean of all", 8, "count = self.data.size if dim is None else self.data.shape[dim]",
     "count = self.data.size", "divided by the number of all elements"),
    ("dimension gone", 8, "            g = np.expand_dims(g, dim)\n", "            pass\n",
     "put the dimension that a sum took away back first"),
    ("order kept", 8, "g.transpose(np.argsort(dims))", "g.transpose(dims)",
     "its dimensions are in another order"),
    ("not transposed", 9, "lambda g: g @ w.data.T", "lambda g: g @ w.data",
     "which has to be turned round"),
    ("transposed", 9, "lambda g: x.data.T @ g", "lambda g: g.T @ x.data", "it is transposed"),
    ("summed too early", 7, "unbroadcast(rule(g), x.data.shape)",
     "rule(unbroadcast(g, x.data.shape))", "summed, after the rule has had its turn"),
    ("equal", 7, "x.data >= y.data", "x.data > y.data", "where they are equal, x is chosen"),
    ("large power", 11, "g * np.exp(x - out)", "g * np.exp(x) / (1 + np.exp(x))",
     "e⁸⁰⁰ is too large for a float"),
    ("a Tensor within", 11, "np.maximum(x, 0) + np.log1p", "maximum(x, 0) + np.log1p",
     "everything is a plain array, not a Tensor"),
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
    verdict = check_source(catalogue.step(number), source.replace(old, new), "mine.py",
                           until_first=True)
    assert words in verdict.findings[0].text


def test_what_pythons_messages_mean():
    assert advice("NameError", "name 'g' is not defined") == (
        " (a rule is a function of g: `lambda g: …`)")
    assert "None" in advice("TypeError", "unsupported operand: 'NoneType' and 'float'")
    own = [("TypeError", "'NoneType'", "call zero_grad later")]
    assert advice("TypeError", "a 'NoneType'", own) == " (call zero_grad later)"
    assert advice("ValueError", "something else") == advice("KeyError", "'NoneType'") == ""


def test_the_element_that_differs_most_is_told():
    right = np.arange(1.0, 13.0).reshape(3, 4)
    found = right.copy()
    found[1, 2] = 0.5
    work = Work.__new__(Work)
    work.tree = ast.parse("")
    with pytest.raises(Wrong, match=r"^it is wrong, most of all at \[1, 2\]: 0.5, but should "
                                    r"be 7: halved$"):
        work.same("", "it", found, right, likely={"halved": found})
    with pytest.raises(Wrong, match=r"^it has the shape \(12,\), but should have \(3, 4\)$"):
        work.same("", "it", found.ravel(), right)
    with pytest.raises(Wrong, match=r"^it is nearly right, but differs by up to 3e-07$"):
        work.same("", "it", 2 + 3e-7, 2 + 1e-14)
