"""Checks of step 6."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.passes import USES, likely_sums
from course.grading.records import check_record
from course.grading.work import close, shown

CHECKS = Checks()
BACKWARD = "Tensor.backward"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@CHECKS("gradients add up")
def sums(work):
    x, y, z = (work.random(2) for _ in range(3))
    found = work.call("pulled", USES, {"x": x, "y": y, "z": z}, [1.0, 1.0],
                      doing=f"the backward pass of {USES}")
    work.same(BACKWARD, f"in {USES} for x = {shown(x)}, y = {shown(y)} and z = {shown(z)} the list "
              f"of x.grad, y.grad and z.grad", found, [3 * (y + z), 3 * x, 3 * x],
              likely=likely_sums(x, y, z))


@CHECKS("gradients add up in new arrays, never in old ones")
def new_arrays(work):
    x, y = work.random(3), work.random(3)
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
    work.same(BACKWARD, "the gradient of x after passes from 2x and 3x", total, np.full(3, 5.0),
              likely={"a pass overwrites what earlier passes left; add to it": np.full(3, 3.0)})
    work.same(BACKWARD, "the array that was x.grad after the first pass", first, np.full(3, 2.0),
              likely={"a later pass changed it in place; make a new array": np.full(3, 5.0)})
    work.same(BACKWARD, "the gradient of x·x, where x is an array of one element", work.call(
        "started", [1.5], doing="backward"), [3.0])


@CHECKS("sigmoid and its rule")
def of_sigmoid(work):
    check_record(work, "sigmoid", "sigmoid(x)", {"x": [0.5, 1.5]})
    check_rules(work, "sigmoid(x)", {"x": work.random(2, 3) * 1.5}, where="sigmoid",
                reference=sigmoid, values={
                    "the exponent is −x, not x": lambda x: 1 / (1 + np.exp(x)),
                    "`1 / 1 + …` divides 1 by 1; what is below the line needs brackets":
                        lambda x: 1 + np.exp(-x),
                    "this is 1 − e⁻ˣ below the line; it is 1 + e⁻ˣ": lambda x: 1 / (1 - np.exp(-x)),
                    "this is e⁻ˣ alone": lambda x: np.exp(-x),
                    "this is eˣ": np.exp, "this is tanh": np.tanh,
                    "the line is upside down: this is e⁻ˣ / (1 + e⁻ˣ)":
                        lambda x: np.exp(-x) * sigmoid(x)},
                likely={
                    "brackets are missing: g · s · 1 − s is not g · s · (1 − s)":
                        lambda x, g: g * sigmoid(x) - sigmoid(x),
                    "the formula g · s · (1 − s) is one of the result s, but x stands in it":
                        lambda x, g: g * x * (1 - x),
                    "the factor 1 − s is missing": lambda x, g: g * sigmoid(x),
                    "the factor s is missing": lambda x, g: g * (1 - sigmoid(x)),
                    "this is the rule of tanh, 1 − s²; that of the sigmoid is s · (1 − s)":
                        lambda x, g: g * (1 - sigmoid(x) ** 2),
                    "the factor is 1 − s, not 1 + s":
                        lambda x, g: g * sigmoid(x) * (1 + sigmoid(x)),
                    "s · (1 − s) is squared once too often":
                        lambda x, g: g * (sigmoid(x) * (1 - sigmoid(x))) ** 2})


@CHECKS("sqrt and its rule")
def of_sqrt(work):
    check_record(work, "sqrt", "sqrt(x)", {"x": [0.5, 1.5]})
    check_rules(work, "sqrt(x)", {"x": np.abs(work.random(2, 3))}, where="sqrt", values={
        "this is the square; the root is `np.sqrt`": lambda x: x * x,
        "this is half of x; the root is `np.sqrt`": lambda x: x / 2,
        "this is 1/√x": lambda x: x ** -0.5},
        likely={
            "`g / 2 * result` multiplies with the result; divide by (2 * result)":
                lambda x, g: g / 2 * np.sqrt(x),
            "√x and 2 belong below the line": lambda x, g: g * 2 * np.sqrt(x),
            "the 2 is missing below the line": lambda x, g: g / np.sqrt(x),
            "the 2 belongs below the line": lambda x, g: g * 2 / np.sqrt(x),
            "x itself stands below the line, in place of its root": lambda x, g: g / (2 * x),
            "x itself stands below the line, in place of 2√x": lambda x, g: g / x,
            "the root is taken once more": lambda x, g: g / (2 * x ** 0.25),
            "√(2x) is not 2√x": lambda x, g: g / np.sqrt(2 * x)})


@CHECKS("absolute and its rule")
def of_absolute(work):
    check_record(work, "absolute", "absolute(x)", {"x": [0.5, 1.5]})
    check_rules(work, "absolute(x)", {"x": work.random(2, 3)}, where="absolute",
                reference=np.abs, values={
                    "this is the sign of x; |x| is `np.abs(x.data)`": np.sign,
                    "this is x as it is": lambda x: x,
                    "this is −x everywhere; only where x is negative it is": lambda x: -x,
                    "this is 0 where x is negative; |x| is −x there": lambda x: np.maximum(x, 0),
                    "this is the square of x": lambda x: x * x},
                likely={
                    "the rule sends g as it is, also where x is negative; there the slope is −1":
                        lambda x, g: g,
                    "the rule sends −g, also where x is positive; there the slope is 1":
                        lambda x, g: -g,
                    "the rule sends 0 where x is negative; the slope there is −1":
                        lambda x, g: g * (x > 0),
                    "g is multiplied with x; its sign alone is the slope": lambda x, g: g * x,
                    "g is multiplied with |x|; the slope is the sign of x":
                        lambda x, g: g * np.abs(x),
                    "the rule looks at the sign of g; the slope depends on that of x":
                        lambda x, g: np.abs(g)})
    found = work.call("pulled", "absolute(x)", {"x": [0.0, 1.0]}, [1.0, 1.0],
                      doing="the backward pass of absolute")
    if not (close(found[0], [found[0][0], 1.0]) and -1 <= found[0][0] <= 1):
        raise work.wrong("absolute", f"the gradients of |x| at 0 and at 1 are {shown(found[0])}; "
                                     f"the second should be 1, and the first between the slopes "
                                     f"of both sides, -1 and 1")


@CHECKS("formulas of arrays, in which each may be used several times")
def formulas(work):
    inputs = {"x": work.random(2, 3), "y": np.abs(work.random(2, 3))}
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
