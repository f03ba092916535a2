"""Checks of step 7."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()
# (shape, the shape that it is stretched to)
STRETCHES = (((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2, 3)), ((1, 3), (2, 3)), ((2, 3), (2, 3)),
             ((3, 1), (4, 2, 3, 5)), ((1, 1), (2, 3)), ((1,), (4,)), ((1,), (1,)), ((1, 3), (1, 3)),
             ((2, 1, 4), (2, 3, 4)), ((0,), (2, 0)), ((1, 1, 3), (5, 1, 3)))


def numbers(work, *shape):
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


def summed(g, shape):
    """The right answer, one element of g after the other."""
    result = np.zeros(shape)
    for index in np.ndindex(g.shape):
        own = index[len(index) - len(shape):]
        result[tuple(0 if length == 1 else i for i, length in zip(own, shape))] += g[index]
    return result


@CHECKS("the sum over what was stretched")
def undoing(work):
    for shape, large in STRETCHES:
        g = np.asarray(numbers(work, *large))
        found, kept = work.call("undone", g, shape, doing=f"unbroadcast from {large} to {shape}")
        right = summed(g, shape)
        mean = right * (right.size / g.size) if g.size else right
        work.same("unbroadcast", f"unbroadcast(g, {shape}) with g of shape {large}", found, right,
                  likely={"these are means; each use counts fully, so it is a sum": mean,
                          "the dimensions of length 1 are to stay; keepdims=True keeps them":
                              np.squeeze(right),
                          "nothing was summed": g})
        if not kept:
            raise work.wrong("unbroadcast", "unbroadcast changed g in place")


@CHECKS("sums and products of different shapes")
def operations(work):
    for one, two in (((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((4, 1, 3), (2, 1)),
                     ((3,), (3,))):
        inputs = {"x": numbers(work, *one), "y": numbers(work, *two)}
        check_rules(work, "x + y", inputs, where="elementwise")
        check_rules(work, "x * y", inputs, where="elementwise")


@CHECKS("the maximum and its rules")
def of_maximum(work):
    x, y = numbers(work, 2, 4), numbers(work, 4)
    check_rules(work, "maximum(x, y)", {"x": x, "y": y}, where="maximum", reference=np.maximum)
    found = work.call("pulled", "maximum(x, y)", {"x": [2.0, 3.0], "y": [2.0, 4.0]}, [1.0, 1.0],
                      doing="the backward pass of maximum")
    work.same("maximum", "where x = y, the pair of gradients of maximum(x, y)",
              [found[0][0], found[1][0]], [1.0, 0.0], likely={
                  "y gets the gradient there; where they are equal, x is chosen": [0.0, 1.0],
                  "both get the gradient there; x alone is to have it": [1.0, 1.0],
                  "none gets the gradient there; x is to have it": [0.0, 0.0]})


@CHECKS("formulas with rows, columns and numbers")
def formulas(work):
    inputs = {"x": np.abs(numbers(work, 3, 2)), "b": numbers(work, 2), "c": numbers(work, 3, 1)}
    names = {"tanh": np.tanh, "maximum": np.maximum}
    for text in ("x * b + c", "tanh(x + b) / (2 + c * c) - b", "maximum(x, 1) * c + b * 3"):
        check_rules(work, text, inputs, where="elementwise", reference=lambda x, b, c, text=text:
                    eval(text, {**names, "x": x, "b": b, "c": c}))
