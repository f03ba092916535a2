"""Checks of step 5."""

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()
WHERE = "Tensor.backward"


@CHECKS("a number used twice by one operation")
def squares(work):
    x = float(work.rng.uniform(1.5, 2))
    found = work.call("pulled", "x * x", {"x": [x]}, [1.0], doing="the backward pass of x * x")
    work.same(WHERE, f"for x = {x:.4g} the gradient of x * x", found, [[2 * x]], likely={
        "x is used twice, and one use is not counted; add what each use sends": [[x]]})
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
    work.same(WHERE, "the gradient of x after passes from x², again x², and 5x", found,
              [2 * x, 4 * x, 4 * x + 5], likely={
                  "a pass overwrites what earlier passes left": [2 * x, 2 * x, 5.0],
                  "the second pass starts from what the first left inside":
                      [2 * x, 6 * x, 6 * x + 5]})
    if inner is not None:
        raise work.wrong(WHERE, "the product x·x has a gradient after the pass, but only leaves "
                                "keep one")


@CHECKS("a leaf is its own end, and 100,000 uses of one")
def extremes(work):
    work.same(WHERE, "the gradient of x after x.backward()", work.call("trivial", doing="backward"),
              1.0)
    work.same(WHERE, "the gradient of a number that is added 100,000 times", work.call(
        "at_depth", 100_000, doing="100,000 additions"), 100_001.0)
