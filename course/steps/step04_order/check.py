"""Checks of step 4."""

import math

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.verdict import Wrong

CHECKS = Checks()
DEPTH = 100_000


def compared(work, found, right, what):
    """Say what is wrong with an order, in the terms of the order."""
    if found == right:
        return
    if len(found) != len(set(found)):
        raise work.wrong("made_from", f"{what} holds a Tensor more than once: note which ones you "
                                      f"have found already")
    missing, extra = len(set(right) - set(found)), len(set(found) - set(right))
    if missing or extra:
        raise work.wrong("made_from", f"{what} holds {len(found)} Tensors, but {len(right)} went "
                                      f"into the end, which counts as one of them")
    if found == right[::-1]:
        raise work.wrong("made_from", f"{what} is the oldest first: a gradient would arrive after "
                                      f"its Tensor had its turn")
    raise work.wrong("made_from", f"{what} is not sorted by numbers, the highest first")


@CHECKS("every Tensor that went into the end, each once, the youngest first")
def order(work):
    for text in ("x * y", "x", "tanh(x * y) + exp(x) * 2", "(x + y) * (x + y)", "x * x * x"):
        found, right = work.call("order_of", text, {"x": 1.5, "y": 0.5}, doing=f"made_from({text})")
        compared(work, found, right, f"made_from({text})")
    found, right = work.call("order_where_data_look_like_numbers", doing="made_from(0 + n)")
    compared(work, found, right, "made_from(0 + n), where n is the number of the Tensor 0,")


@CHECKS("also if a billion paths lead to it")
def paths(work):
    found, right = work.call("order_of_doublings", 40, doing="made_from after 40 doublings")
    compared(work, found, right, "made_from after 40 doublings")


@CHECKS("the gradients of formulas that use each input once")
def gradients(work):
    inputs = {name: work.rng.uniform(0.5, 1.5, 3) for name in ("x", "y", "z")}
    for text in ("x * y + z", "tanh(x * y) / z", "exp(x) * log(y) - 1 / z", "(x / y) ** 3 * z"):
        check_rules(work, text, inputs, where="Tensor.backward", numbers=True)


@CHECKS("inner Tensors have gradients, too")
def inner(work):
    x, y = (float(value) for value in work.rng.uniform(0.3, 1.2, 2))
    found, end = work.call("inner_gradient", x, y, doing="backward")
    work.same("Tensor.backward", "in tanh(x·y)·3 the gradient of x·y", found,
              3 * (1 - math.tanh(x * y) ** 2))
    work.same("Tensor.backward", "the gradient of the end itself", end, 1.0)


@CHECKS("a chain of 100,000 additions")
def depth(work):
    try:
        found = work.call("at_depth", DEPTH, doing="a chain of 100,000 additions")
    except Wrong as wrong:
        wrong.where = wrong.where or "made_from"
        raise
    work.same("Tensor.backward", "the gradient at the beginning of 100,000 additions", found, 1.0)
