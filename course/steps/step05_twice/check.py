"""Checks of step 5."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.passes import USES, likely_passes, likely_sums

CHECKS = Checks()
WHERE = "Tensor.backward"


def first(column):
    """The first number of a column; what is none, such as None, as it is."""
    return column[0] if isinstance(column, np.ndarray) else column


@CHECKS("a number used twice")
def sums(work):
    x, y, z = (float(value) for value in work.rng.uniform(1.5, 2, 3) * [1, 1, 0.5])
    found = [first(column) for column in work.call(
        "pulled", USES, {"x": [x], "y": [y], "z": [z]}, [1.0],
        doing=f"the backward pass of {USES}")]
    if found == [None] * 3:
        raise work.wrong(WHERE, "after a backward pass the leaves have no gradient: a leaf has to "
                                "store g in its `grad`, at the first pass as well")
    work.same(WHERE, f"in {USES} for x = {x:.4g}, y = {y:.4g} and z = {z:.4g} the list of x.grad, "
              f"y.grad and z.grad", found, [3 * (y + z), 3 * x, 3 * x],
              likely=likely_sums(x, y, z))


@CHECKS("a number used twice by one operation")
def squares(work):
    x = float(work.rng.uniform(1.5, 2))
    found = work.call("pulled", "x * x", {"x": [x]}, [1.0], doing="the backward pass of x * x")
    work.same(WHERE, f"for x = {x:.4g} the gradient of x * x", first(found[0]), 2 * x, likely={
        "x is used twice, and one use is not counted; add what each use sends": x})
    for text in ("x * x", "x + x", "x / x + x"):
        check_rules(work, text, {"x": work.rng.uniform(0.5, 2, 3)}, where=WHERE, numbers=True)


@CHECKS("a number used by several operations")
def diamonds(work):
    inputs = {name: work.rng.uniform(0.5, 1.5, 3) for name in ("x", "y")}
    for text in ("x * y + x", "tanh(x * y) * (x * y) - y", "(x * x) * (x * x) + exp(x) / y",
                 "(x + y) * (x - y) / (x * y)"):
        check_rules(work, text, inputs, where=WHERE, numbers=True)


@CHECKS("an inner result used by several operations, along a billion paths")
def paths(work):
    found = work.call("doubled", 30, doing="backward after 30 doublings")
    work.same(WHERE, "the gradient after 30 doublings", found, 2.0 ** 30)


@CHECKS("leaves add up over passes, inner results do not")
def passes(work):
    x = float(work.rng.uniform(1, 2))
    found, inner = work.call("passes", x, doing="three backward passes")
    work.same(WHERE, f"for x = {x:.4g} the gradient of x after passes from x², again x², and 5x",
              found, [2 * x, 4 * x, 4 * x + 5], likely=likely_passes(x))
    if inner is not None:
        raise work.wrong(WHERE, "the product x·x has a gradient after the pass, but only leaves "
                                "keep one")


@CHECKS("a leaf is its own end, and 100,000 uses of one")
def extremes(work):
    work.same(WHERE, "the gradient of x after x.backward()", work.call("trivial", doing="backward"),
              1.0)
    work.same(WHERE, "the gradient of a number that is added 100,000 times", work.call(
        "at_depth", 100_000, doing="100,000 additions"), 100_001.0)
