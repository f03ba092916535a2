"""Checks of step 9."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def numbers(work, *shape):
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


@CHECKS("the product of two matrices")
def product(work):
    for n, k, m in ((2, 3, 4), (3, 1, 2), (1, 4, 1), (3, 3, 3)):
        check_rules(work, "x @ w", {"x": numbers(work, n, k), "w": numbers(work, k, m)},
                    where="matmul")


@CHECKS("a matrix used twice, and transposed")
def twice(work):
    check_rules(work, "x @ x", {"x": numbers(work, 3, 3)}, where="matmul")
    check_rules(work, "x.permute(1, 0) @ x", {"x": numbers(work, 3, 2)}, where="matmul",
                reference=lambda x: x.T @ x)


@CHECKS("a layer")
def layer(work):
    inputs = {"x": numbers(work, 4, 3), "w": numbers(work, 3, 2), "b": numbers(work, 2)}
    check_rules(work, "linear(x, w, b)", inputs, where="linear",
                reference=lambda x, w, b: x @ w + b)
    check_rules(work, "tanh(linear(x, w, b)).sum(0)", inputs, where="linear",
                reference=lambda x, w, b: np.tanh(x @ w + b).sum(0))


@CHECKS("shapes that do not fit are refused")
def shapes(work):
    for one, two in (((2, 3), (2, 3)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3, 2))):
        if work.call("refused", one, two, doing=f"matmul of shapes {one} and {two}") is None:
            raise work.wrong("matmul", f"matmul takes the shapes {one} and {two}; leave the "
                                       f"ValueError at its beginning as it was")
