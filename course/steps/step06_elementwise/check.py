"""Checks of step 6."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.work import close, shown

CHECKS = Checks()
BACKWARD = "Tensor.backward"


def numbers(work, *shape, signed=True):
    """Elements between 0.4 and 2 in size, of both signs if it may be."""
    sign = work.rng.choice([-1.0, 1.0], shape) if signed else 1.0
    return work.rng.uniform(0.4, 2, shape) * sign


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@CHECKS("sigmoid and its rule")
def of_sigmoid(work):
    check_rules(work, "sigmoid(x)", {"x": numbers(work, 2, 3) * 1.5}, where="sigmoid",
                reference=sigmoid)


@CHECKS("sqrt and its rule")
def of_sqrt(work):
    check_rules(work, "sqrt(x)", {"x": numbers(work, 2, 3, signed=False)}, where="sqrt",
                likely={"`g / 2 * result` multiplies with the result; divide by (2 * result)":
                        lambda x, g: g / 2 * np.sqrt(x)})


@CHECKS("absolute and its rule")
def of_absolute(work):
    check_rules(work, "absolute(x)", {"x": numbers(work, 2, 3)}, where="absolute",
                reference=np.abs)
    found = work.call("pulled", "absolute(x)", {"x": [0.0, 1.0]}, [1.0, 1.0],
                      doing="the backward pass of absolute")
    if not (close(found[0], [found[0][0], 1.0]) and -1 <= found[0][0] <= 1):
        raise work.wrong("absolute", f"the gradients of |x| at 0 and at 1 are {shown(found[0])}; "
                                     f"the second should be 1, and the first between the slopes "
                                     f"of both sides, -1 and 1")


@CHECKS("gradients add up in new arrays, never in old ones")
def new_arrays(work):
    x, y = numbers(work, 3), numbers(work, 3)
    found = work.call("aliased", x, y, doing="the backward pass of (x + y) + x")
    right = [np.full(3, 2.0), np.ones(3), np.ones(3)]
    work.same(BACKWARD, "after the backward pass of (x + y) + x the list of x.grad, y.grad and "
              "the gradient that it started from", found, right, likely={
                  "a sum sends one array to both inputs, so `+=` on it changes both":
                      [np.full(3, 2.0), np.full(3, 2.0), np.full(3, 2.0)],
                  "the gradient that it started from was changed in place":
                      [np.full(3, 2.0), np.ones(3), np.full(3, 2.0)],
                  "x is used twice, and one use is not counted": [np.ones(3)] * 3})
    total, first = work.call("passes", x, doing="two backward passes")
    work.same(BACKWARD, "the gradient of x after passes from 2x and 3x", total, np.full(3, 5.0))
    work.same(BACKWARD, "the array that was x.grad after the first pass", first, np.full(3, 2.0))
    work.same(BACKWARD, "the gradient of x·x, where x is an array of one element", work.call(
        "started", [1.5], doing="backward"), [3.0])


@CHECKS("formulas of arrays, in which each may be used several times")
def formulas(work):
    inputs = {"x": numbers(work, 2, 3), "y": numbers(work, 2, 3, signed=False)}
    for text in ("x * y + x", "x ** 3 - y ** -0.5", "exp(x) / y - log(y) * x",
                 "tanh(x * y) * (x * y) + x * x * y"):
        check_rules(work, text, inputs, where=BACKWARD)


@CHECKS("shapes that differ, and a start that is missing, are refused")
def refused(work):
    shapes, start = work.call("unequal", doing="adding arrays of shapes (3,) and (2,)")
    if not shapes:
        raise work.wrong("both", "arrays of the shapes (3,) and (2,) were added; raise a "
                                 "ValueError")
    if not start:
        raise work.wrong(BACKWARD, "a backward pass began at three elements without a gradient; "
                                   "raise a ValueError")
