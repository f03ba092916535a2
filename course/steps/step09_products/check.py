"""Checks of step 9."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.records import check_record

CHECKS = Checks()
LIKELY = {
    "gᵀ @ x is the transposed one; it is xᵀ @ g": ("w", lambda x, w, g: g.T @ x),
    "w @ gᵀ is the transposed one; it is g @ wᵀ": ("x", lambda x, w, g: w @ g.T),
    "the rules of x and w are exchanged": ("x", lambda x, w, g: x.T @ g),
    "this is divided by the number of rows; each row is a use and counts fully":
        ("w", lambda x, w, g: x.T @ g / len(x)),
    "this is divided by the number of columns; each column is a use and counts fully":
        ("x", lambda x, w, g: g @ w.T / w.shape[1]),
    "g is passed on as it is": [("x", lambda x, w, g: g), ("w", lambda x, w, g: g)],
    "w stands there as it is; multiply g with it, g @ wᵀ": ("x", lambda x, w, g: w.T),
    "x stands there as it is; multiply it with g, xᵀ @ g": ("w", lambda x, w, g: x.T),
    "this is w itself": ("x", lambda x, w, g: w), "this is x itself": ("w", lambda x, w, g: x)}


@CHECKS("the product of two matrices",
        ("ValueError", "could not be broadcast", "`*` multiplies element by element; a matrix "
         "product is `@`"))
def product(work):
    check_record(work, "matmul", "x @ w", {"x": np.ones((2, 3)), "w": np.ones((3, 4))})
    for n, k, m in ((2, 3, 4), (3, 1, 2), (1, 4, 1), (3, 3, 3)):
        check_rules(work, "x @ w", {"x": work.random(n, k), "w": work.random(k, m)},
                    where="matmul", likely=LIKELY, values={
                        "the product is transposed": lambda x, w: (x @ w).T,
                        "this is divided by the number of summands": lambda x, w: x @ w / len(w)})


@CHECKS("a matrix used twice, and transposed")
def twice(work):
    check_rules(work, "x @ x", {"x": work.random(3, 3)}, where="matmul")
    check_rules(work, "x.permute(1, 0) @ x", {"x": work.random(3, 2)}, where="matmul",
                reference=lambda x: x.T @ x)


@CHECKS("a layer",
        ("ValueError", "matmul needs shapes", "here x is n × k and w is k × m already: nothing has "
         "to be turned round, and x stands on the left"),
        ("TypeError", "'NoneType'", "is the `return` missing?"))
def layer(work):
    inputs = {"x": work.random(4, 3), "w": work.random(3, 2), "b": work.random(2)}
    check_rules(work, "linear(x, w, b)", inputs, where="linear",
                reference=lambda x, w, b: x @ w + b, values={
                    "the product is multiplied with b; b is to be added": lambda x, w, b: x @ w * b,
                    "b is missing": lambda x, w, b: x @ w,
                    "b is subtracted; it is to be added": lambda x, w, b: x @ w - b,
                    "b is added twice": lambda x, w, b: x @ w + 2 * b,
                    "b is added to the weights; it is to be added to the product":
                        lambda x, w, b: x @ (w + b),
                    "b is summed to one number first": lambda x, w, b: x @ w + b.sum(),
                    "this is the mean over the rows; there is a result for each row":
                        lambda x, w, b: (x @ w + b).mean(0),
                    "this is the sum over the rows; there is a result for each row":
                        lambda x, w, b: (x @ w + b).sum(0),
                    "a layer has no tanh of its own": lambda x, w, b: np.tanh(x @ w + b),
                    "a layer is the product and b alone; this is cut off at 0":
                        lambda x, w, b: np.maximum(x @ w + b, 0)})
    check_rules(work, "tanh(linear(x, w, b)).sum(0)", inputs, where="linear",
                reference=lambda x, w, b: np.tanh(x @ w + b).sum(0))


@CHECKS("shapes that do not fit are refused")
def shapes(work):
    for one, two in (((2, 3), (2, 3)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3, 2))):
        if work.call("refused", one, two, doing=f"matmul of shapes {one} and {two}") is None:
            raise work.wrong("matmul", f"matmul takes the shapes {one} and {two}; leave the "
                                       f"ValueError at its beginning as it was")
