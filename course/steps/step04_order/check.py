"""Checks of step 4."""

import math

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.verdict import Wrong
from course.grading.work import no_number

CHECKS = Checks()
DEPTH = 100_000
IN_THE_LIST = {"tuple": "put the Tensor of each pair (tensor, rule) there", "int": "it should hold "
               "the Tensors themselves, not their numbers", "float": "it should hold the Tensors"}


def compared(work, what, facts):
    """Say what is wrong with an order, in the terms of the order."""
    found, right, foreign, twins, leaves, own = facts
    if foreign:
        remedy = IN_THE_LIST.get(foreign.split()[-1], "it should be a list of Tensors")
        raise work.wrong("made_from", f"{what}: {foreign}; {remedy}")
    if found == right:
        return
    if len(found) != len(set(found)):
        raise work.wrong("made_from", f"{what} holds a Tensor more than once: note which ones you "
                                      f"have found already")
    missing = set(right) - set(found)
    if missing or set(found) - set(right):
        why = ""
        if twins and missing:
            why = (": of Tensors that hold the same number, one is lost. Tell them apart by their "
                   "`number`, not by their `data`")
        elif missing == {right[0]}:
            why = ": the end itself is missing"
        elif len(right) > 1 and found == right[:1]:
            why = ": only the end is there, and nothing that it was made from"
        elif set(found) <= {right[0], *own}:
            why = (": only the end's own inputs are there; their inputs, and those of these, are "
                   "missing")
        elif missing == set(leaves):
            why = ": the leaves, which have no inputs, are missing"
        elif missing == {right[0], *leaves}:
            why = ": the end itself, and the leaves, which have no inputs, are missing"
        elif missing:
            why = (": some are missing. Each Tensor that is found has to be looked at in its turn, "
                   "with all of its inputs")
        raise work.wrong("made_from", f"{what} holds {len(found)} Tensors, but {len(right)} went "
                                      f"into the end, which counts as one of them{why}")
    if found == right[::-1]:
        raise work.wrong("made_from", f"{what} is the oldest first: a gradient would arrive after "
                                      f"its Tensor had its turn")
    raise work.wrong("made_from", f"{what} is not sorted by numbers, the highest first")


@CHECKS("every Tensor that went into the end, each once, the youngest first",
        ("TypeError", "'NoneType' object is not iterable", "is the `return` missing?"))
def order(work):
    for text in ("x * y", "x", "tanh(x * y) + exp(x) * 2", "(x + y) * (x + y)", "x * x * x"):
        facts = work.call("order_of", text, {"x": 1.5, "y": 0.7}, doing=f"made_from({text})")
        compared(work, f"made_from({text})", facts)
    facts = work.call("order_of", "(x + y) * x", {"x": 0.5, "y": 0.5},
                      doing="made_from((x + y) * x)")
    compared(work, "made_from((x + y) * x), where x and y hold the same number,", facts)
    facts = work.call("order_where_data_look_like_numbers", doing="made_from(0 + n)")
    compared(work, "made_from(0 + n), where n is the number of the Tensor 0,", facts)


@CHECKS("also if a billion paths lead to it")
def paths(work):
    facts = work.call("order_of_doublings", 40, doing="made_from after 40 doublings")
    compared(work, "made_from after 40 doublings", facts)


def likely_along(x, y):
    """Gradients of tanh(x·y)·3, tanh(x·y), x·y, x and y by common mistakes."""
    inner, curve = x * y, math.tanh(x * y)
    slope = 1 - curve * curve
    return {
        "each rule is called with 1; it takes the gradient of its result, `tensor.grad`":
            [1.0, 3.0, slope, y, x],
        "g is handed on as it is; the rule has to be called with it, `rule(tensor.grad)`":
            [1.0] * 5,
        "a rule takes the gradient of its result, `tensor.grad`, and not its `data`":
            [1.0, 9 * curve, slope * curve, inner * y, inner * x],
        "a rule takes the gradient of its result, `tensor.grad`, and not the input's `data`":
            [1.0, 3 * curve, slope * inner, x * y, y * x],
        "the rule multiplies with g already; it is multiplied with it once more":
            [1.0, 3.0, 9 * slope, 81 * slope**2 * y, 81 * slope**2 * x],
        "g and what the rule makes of it are added; the rule alone is right":
            [1.0, 4.0, 4 + 4 * slope, (4 + 4 * slope) * (1 + y), (4 + 4 * slope) * (1 + x)]}


@CHECKS("what arrives at each Tensor on the way back")
def along(work):
    x, y = (float(value) for value in work.rng.uniform(0.3, 1.2, 2))
    found = work.call("along", x, y, doing="the backward pass of tanh(x * y) * 3")
    for name, gradient in zip(("the end", "tanh(x * y)", "x * y", "x", "y"), found):
        kind = no_number(gradient)
        why = {"None": "what the rule gives has to be stored in `source.grad`",
               "a function": "this is the rule itself; call it with `tensor.grad`",
               "a Tensor": "a rule takes a plain number, `tensor.grad`, not a Tensor"}.get(kind, "")
        if kind:
            raise work.wrong("Tensor.backward", f"after the backward pass of tanh(x * y) * 3 the "
                             f"grad of {name} is {kind}, but should be a number"
                             f"{why and ': ' + why}")
    t = math.tanh(x * y)
    g = 3 * (1 - t * t)
    work.same("Tensor.backward", f"in tanh(x * y) * 3 for x = {x:.4g}, y = {y:.4g} the list of "
              f"the gradients of the end, tanh(x * y), x * y, x and y", found,
              [1.0, 3.0, g, g * y, g * x], likely=likely_along(x, y))


@CHECKS("the gradients of formulas that use each input once")
def gradients(work):
    inputs = {name: work.rng.uniform(0.5, 1.5, 3) for name in ("x", "y", "z")}
    for text in ("x * y + z", "tanh(x * y) / z", "exp(x) * log(y) - 1 / z", "(x / y) ** 3 * z"):
        check_rules(work, text, inputs, where="Tensor.backward", numbers=True)


@CHECKS("a chain of 100,000 additions")
def depth(work):
    try:
        found = work.call("at_depth", DEPTH, doing="a chain of 100,000 additions")
    except Wrong as wrong:
        wrong.where = wrong.where or "made_from"
        if "not finished" in wrong.text and work.alive:
            work.call("at_depth", 300, doing="a chain of 300 additions")
            wrong.text = ("a chain of 100,000 additions takes too long, one of 300 does not: with "
                          "each Tensor something is done that looks at all others. To ask whether "
                          "one was found already, a set or a dictionary looks at one place, and a "
                          "list at each; and sorting once, at the end, is enough")
        raise
    work.same("Tensor.backward", "the gradient at the beginning of 100,000 additions", found, 1.0)
