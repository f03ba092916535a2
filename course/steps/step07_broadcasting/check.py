"""Checks of step 7."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules
from course.grading.records import check_record

CHECKS = Checks()
# (shape, the shape that it is stretched to)
STRETCHES = (((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2, 3)), ((1, 3), (2, 3)), ((2, 3), (2, 3)),
             ((3, 1), (4, 2, 3, 5)), ((1, 1), (2, 3)), ((1,), (4,)), ((1,), (1,)), ((1, 3), (1, 3)),
             ((2, 1, 4), (2, 3, 4)), ((0,), (2, 0)), ((1, 1, 3), (5, 1, 3)))


def summed(g, shape):
    """The right answer, one element of g after the other."""
    result = np.zeros(shape)
    for index in np.ndindex(g.shape):
        own = index[len(index) - len(shape):]
        result[tuple(0 if length == 1 else i for i, length in zip(own, shape))] += g[index]
    return result


def likely_sums(g, shape, right):
    """What common mistakes make of g."""
    front = g.ndim - len(shape)
    ones = tuple(dim for dim, length in enumerate(shape) if length == 1)
    counted = len(g.shape) and right.size / max(g.size, 1)
    first = g[(0,) * front + tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)] \
        if g.size else g
    return {
        "nothing was summed": g,
        "these are means; each use counts fully, so it is a sum": right * counted,
        "the dimensions of length 1 are to stay; keepdims=True keeps them": np.squeeze(right),
        "the dimensions that were put in front are to go away; they are kept here":
            right.reshape((1,) * front + right.shape),
        "everything is summed to one number; only what was stretched is to be summed":
            np.full(shape, g.sum()),
        "everything is summed to one number: only what was stretched is to be summed": g.sum(),
        "the dimensions that are too many are summed at the back; NumPy puts them in front":
            g.sum(axis=tuple(range(len(shape), g.ndim))),
        "only the dimensions in front are summed; those of length 1 were stretched as well":
            g.sum(axis=tuple(range(front))),
        "only the dimensions of length 1 are summed, not those in front":
            g.sum(axis=tuple(front + dim for dim in ones), keepdims=True),
        "the numbers of the dimensions are those of the small shape; g has further ones in front":
            g.sum(axis=ones, keepdims=True).sum(axis=tuple(range(front))),
        "the numbers of the dimensions are those of the small shape; g has further ones before":
            g.sum(axis=ones, keepdims=True),
        "only one dimension in front is summed; there may be several":
            g.sum(axis=0) if front > 1 else g,
        "one copy alone counts; add up what all copies send": first,
        "the largest is taken, not the sum":
            g.max(axis=tuple(range(front))) if g.size else g,
        "the sign is flipped": -right}


@CHECKS("the sum over what was stretched",
        ("ValueError", "cannot reshape array", "a reshape adds nothing up; sum over what was "
         "stretched"),
        ("ValueError", "duplicate value in 'axis'", "each dimension is summed once"),
        ("AxisError", "", "of the dimensions of g, those that `shape` has not come first; after "
         "they are summed away, the others count from 0"))
def undoing(work):
    for shape, large in STRETCHES:
        g = np.asarray(work.random(*large))
        found, kept = work.call("undone", g, shape, doing=f"unbroadcast from {large} to {shape}")
        right = summed(g, shape)
        work.same("unbroadcast", f"unbroadcast(g, {shape}) with g of shape {large}", found, right,
                  likely=likely_sums(g, shape, right))
        if not kept:
            raise work.wrong("unbroadcast", "unbroadcast changed g in place")


def likely_wrapped():
    """Gradients of x * y if the rule is wrapped wrongly."""
    order = ("g is summed before the rule has its turn; the rule needs g in the shape of the "
             "result, and what it makes of it is summed")
    missing = ("what the rule makes of g is not brought back: it is to be summed to the shape of "
               "x.data, by `unbroadcast`")
    unused = "the rule is not applied; `unbroadcast` gets what `rule(g)` makes of g"
    likely = {order: [], missing: [], unused: []}
    for name, own, other in (("x", 0, 1), ("y", 1, 0)):
        def early(*given, own=own, other=other):
            return summed(given[2], given[own].shape) * given[other]

        def early_and_late(*given, own=own, early=early):
            return summed(early(*given), given[own].shape)

        likely[order] += [(name, early), (name, early_and_late)]
        likely[missing].append((name, lambda *given, other=other: given[2] * given[other]))
        likely[unused] += [(name, lambda *given, own=own: summed(given[2], given[own].shape)),
                           (name, lambda *given: given[2])]
    return likely


@CHECKS("sums and products of different shapes",
        ("TypeError", "'function'", "`unbroadcast` takes an array, what `rule(g)` gives; return a "
         "function of g, `lambda g: …`"),
        ("AttributeError", "'function'", "`unbroadcast` takes an array, what `rule(g)` gives; "
         "return a function of g, `lambda g: …`"),
        ("TypeError", "'numpy.ndarray' object is not callable", "a rule is a function of g: return "
         "`lambda g: …`"),
        ("TypeError", "'NoneType' object is not callable", "the hole has to `return` a function "
         "of g"))
def operations(work):
    for one, two in (((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((4, 1, 3), (2, 1)),
                     ((3,), (3,))):
        inputs = {"x": work.random(*one), "y": work.random(*two)}
        check_rules(work, "x * y", inputs, where="elementwise", likely=likely_wrapped())
        check_rules(work, "x + y", inputs, where="elementwise")


def masked(text, rule):
    """The same mistake in the rule of x, and in that of y."""
    return {text: [("x", lambda x, y, g: summed(rule(x, y, g), x.shape)),
                   ("y", lambda x, y, g: summed(rule(y, x, g), y.shape))]}


@CHECKS("the maximum and its rules")
def of_maximum(work):
    x, y = work.random(2, 4), work.random(4)
    check_record(work, "maximum", "maximum(x, y)", {"x": [2.0, 3.0], "y": [1.0, 4.0]})
    check_rules(
        work, "maximum(x, y)", {"x": x, "y": y}, where="maximum", reference=np.maximum,
        values={"this is the smaller of both": np.minimum, "this is the sum": np.add,
                "this is x alone": lambda x, y: np.broadcast_to(x, (2, 4)),
                "this is y alone": lambda x, y: np.broadcast_to(y, (2, 4)),
                "this is True or False, not the number itself": np.greater,
                "this is 1 or 0, not the number itself": np.greater_equal},
        likely={
            **masked("g arrives where the input was not chosen, too; only the one that was chosen "
                     "gets it", lambda own, other, g: g + 0 * own),
            **masked("the mask is the wrong way round: the gradient goes to the one that was not "
                     "chosen", lambda own, other, g: g * (own < other)),
            **masked("each gets half of the gradient; the one that was chosen gets all of it",
                     lambda own, other, g: g / 2 + 0 * own),
            **masked("the rule sends the numbers themselves, not g",
                     lambda own, other, g: own * (own > other)),
            **masked("g is multiplied with the number; the mask alone is the factor",
                     lambda own, other, g: g * own * (own > other)),
            **masked("the mask compares with 0; it is to compare x with y",
                     lambda own, other, g: g * (own > 0))})
    found = work.call("pulled", "maximum(x, y)", {"x": [2.0, 3.0], "y": [2.0, 4.0]}, [1.0, 1.0],
                      doing="the backward pass of maximum")
    work.same("maximum", "where x = y, the pair of gradients of maximum(x, y)",
              [found[0][0], found[1][0]], [1.0, 0.0], likely={
                  "y gets the gradient there; where they are equal, x is chosen": [0.0, 1.0],
                  "both get the gradient there; x alone is to have it": [1.0, 1.0],
                  "none gets the gradient there; x is to have it": [0.0, 0.0],
                  "each gets half of it; in this engine, x is to have all": [0.5, 0.5]})


@CHECKS("formulas with rows, columns and numbers")
def formulas(work):
    inputs = {"x": np.abs(work.random(3, 2)), "b": work.random(2), "c": work.random(3, 1)}
    names = {"tanh": np.tanh, "maximum": np.maximum}
    for text in ("x * b + c", "tanh(x + b) / (2 + c * c) - b", "maximum(x, 1) * c + b * 3"):
        check_rules(work, text, inputs, where="elementwise", reference=lambda x, b, c, text=text:
                    eval(text, {**names, "x": x, "b": b, "c": c}))
