"""Checks of step 25."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


@CHECKS("a pass is recorded if that is asked for, and otherwise not")
def switch(work):
    x = np.abs(work.random(2, 3))
    for text, right in (("(x * x).sum()", 2 * x), ("(x * 5).sum() + tanh(x).sum()",
                                                   5 + 1 - np.tanh(x) ** 2),
                        ("(exp(x) / x).sum(0).sum()", np.exp(x) * (1 / x - 1 / x ** 2))):
        for asked in (False, True):
            found, requires, inputs, left = work.call("recorded", text, x, asked,
                                                      doing=f"gradients of {text}")
            work.same("gradients", f"the gradient of {text}", found, right)
            if (requires, bool(inputs)) != (asked, asked):
                told = "in a recorded pass `kept` stays as it is" if asked else (
                    "replace what is in `kept`, as long as the pass is not recorded")
                raise work.wrong("gradients", f"with recorded={asked} the gradient of {text} "
                                              f"should {'' if asked else 'not '}require a "
                                              f"gradient itself: {told}")
            if not left:
                raise work.wrong("gradients", "after the pass x does not require a gradient any "
                                              "more; make new Tensors instead of changing those")
        if not work.call("recorded_later", text, x, doing=f"gradients of {text}"):
            raise work.wrong("gradients", f"after an ordinary pass over the record of {text}, a "
                                          f"recorded pass is not recorded any more; make a new "
                                          f"`kept` instead of changing that of the Tensor")


@CHECKS("unbroadcast, and the gradient of it")
def unbroadcast(work):
    for shape, large in (((3,), (4, 3)), ((4, 1), (4, 3)), ((), (2, 3)), ((1,), (2, 3)),
                         ((2, 1, 1), (5, 2, 3, 4)), ((2, 3), (2, 3)), ((1, 3), (1, 3))):
        g, weights = work.random(*large), np.asarray(work.random(*shape))
        right = np.zeros(shape)
        for index in np.ndindex(*large):
            own = index[len(index) - len(shape):]
            right[tuple(0 if length == 1 else i for i, length in zip(own, shape))] += g[index]
        found, gradient = work.call("undone", g, list(shape), weights, doing="unbroadcast")
        what = f"from {large} to {shape}"
        lead = tuple(range(len(large) - len(shape)))
        ones = tuple(len(lead) + i for i, length in enumerate(shape) if length == 1)
        work.same("unbroadcast", f"unbroadcast {what}", found, right, likely={
            "nothing was summed": g,
            "the dimensions of length 1 are still to be summed": g.sum(lead),
            "the dimensions in front, which the array does not have, are still to be summed":
                g.sum(ones, keepdims=True),
            "a sum over a dimension of length 1 keeps that dimension: keepdim is True":
                g.sum(lead + ones),
            "the sum over the dimensions in front does not keep them":
                g.sum(lead + ones, keepdims=True),
            "these are means": right * np.size(right) / g.size})
        if gradient is None:
            raise work.wrong("unbroadcast", f"unbroadcast {what} has no gradient; let it be made "
                                            f"of `sum_over`, which records itself")
        work.same("unbroadcast", f"the gradient of unbroadcast {what}", gradient,
                  np.broadcast_to(weights, large))


@CHECKS("the rules of spread and put")
def rules_of_rules(work):
    for shape, dim, keepdim, large in (((3,), 0, False, (2, 3)), ((2,), 1, False, (2, 3)),
                                       ((2, 1), 1, True, (2, 3)), ((), None, False, (2, 3)),
                                       ((2,), (0, 2), False, (3, 2, 4))):
        x, g = np.asarray(work.random(*shape)), work.random(*large)
        right = np.asarray(g.sum(dim, keepdims=keepdim))
        text = f"spread(x, {large}, {dim}, {keepdim})"
        rule(work, "spread_rule", text, x, g, right, {
            "what the places receive is to be summed": g,
            "sum over `dim` alone": np.asarray(g.sum()), "hand `keepdim` on": np.asarray(
                g.sum(dim, keepdims=not keepdim)),
            "these are means; each place is a use, and uses add up":
                right * right.size / g.size})
        check_rules(work, text, {"x": x}, where="spread_rule",
                    reference=lambda x, dim=dim, keepdim=keepdim, large=large: np.broadcast_to(
                        x if dim is None or keepdim else np.expand_dims(x, dim), large).copy())
    for index in ([0, 2, 0], [1], [1, 1, 1]):
        def reference(x, index=index):
            result = np.zeros((3, 2))
            np.add.at(result, index, x)
            return result

        x, g = work.random(len(index), 2), work.random(3, 2)
        text = f"put(x, (3, 2), {index})"
        rule(work, "put_rule", text, x, g, g[index], {
            "the copies receive what stands at their index: take": g,
            "this puts once more; the rule of put is take": reference(g[:len(index)]),
            "this is for the first element of the index alone": g[index[0]]})
        check_rules(work, text, {"x": x}, where="put_rule", reference=reference)


def rule(work, where, text, x, g, right, likely):
    """The value of the rule of a rule, and whether it is recorded."""
    found, = work.call("pulled", text, {"x": x}, g, doing=f"the backward pass of {text}")
    if found is None:
        raise work.wrong(where, f"the rule of {text} returns None: is a `return` missing?")
    work.same(where, f"the gradient of {text} for x", found, right, likely=likely)
    _, requires, *_ = work.call("recorded", f"({text} ** 3).sum()", np.asarray(x), True,
                                doing=f"a recorded pass of {text}")
    if not requires:
        raise work.wrong(where, f"in a recorded pass, what the rule of {text} returns has no "
                                f"record; use an operation of the engine on g, not its data")


@CHECKS("second derivatives")
def second(work):
    x = np.abs(work.random(3, 2))
    for text, reference in (
            ("(x ** 3).sum()", lambda x: 3 * x ** 2),
            ("tanh(x).sum()", lambda x: 1 - np.tanh(x) ** 2),
            ("(x.sum(0) ** 2).sum()", lambda x: np.broadcast_to(2 * x.sum(0), x.shape).copy()),
            ("((x * x[0]) ** 2).sum()", lambda x: 2 * x * x[0] ** 2 + np.stack(
                [2 * (x ** 2).sum(0) * x[0], 0 * x[0], 0 * x[0]])),
            ("(x[[0, 2, 0]] ** 3).sum()", lambda x: 3 * x ** 2 * np.array([[2.0], [0], [1]]))):
        check_rules(work, f"gradients({text}, [x], recorded=True)[0]", {"x": x}, where="gradients",
                    reference=reference)


LOST = ("a pass found no way back to x: the first one has to be recorded, and x to be a leaf that "
        "requires a gradient")


@CHECKS("the Hessian times a direction",
        ("ValueError", "is needed to begin with", "the second pass begins with one number: add the "
                                                  "products with v up"),
        ("AttributeError", "'NoneType'", LOST), ("TypeError", "'NoneType'", LOST),
        ("AttributeError", "'memoryview'", "x is an array; make a leaf of it first, a Tensor that "
                                           "requires a gradient"))
def hessian(work):
    x, v = work.random(3), work.random(3)
    a = work.random(3, 3)
    square = a.T @ a
    mixed = np.array([[0, x[2], x[1]], [x[2], 0, x[0]], [x[1], x[0], 0]])
    products = f"((x.reshape(1, 3) @ np.array({a.T.tolist()})) ** 2).sum()"
    grown = np.exp(x.sum())
    slopes = {      # the gradient, the diagonal of the Hessian, and the sums of its rows
        "(x ** 3).sum()": (3 * x * x, 6 * x, 6 * x),
        "x[0] * x[1] * x[2]": (np.prod(x) / x, np.zeros(3), mixed.sum(1)),
        "exp(x.sum())": (grown * np.ones(3), grown * np.ones(3), 3 * grown * np.ones(3)),
        products: (2 * square @ x, 2 * np.diag(square), 2 * square.sum(1))}
    for text, right in (
            ("(x ** 3).sum()", 6 * x * v), ("x[0] * x[1] * x[2]", mixed @ v),
            ("exp(x.sum())", grown * v.sum() * np.ones(3)), (products, 2 * square @ v)):
        found = work.call("hessian", text, x, v, doing="hessian_times")
        name = text if len(text) < 40 else "the sum of squares of A·x"
        gradient, diagonal, ones = slopes[text]
        work.same("hessian_times", f"for f(x) = {name}, the Hessian times v", found, right, likely={
            "the second pass found no way back to x; the first one has to be recorded":
                np.zeros(3),
            "this is the gradient, not its change along v": gradient,
            "the gradient is multiplied with v; it is still to be added up and differentiated":
                gradient * v,
            "this is the gradient times v, a number; its gradient is wanted":
                np.asarray((gradient * v).sum()),
            "this is v itself; the gradient of f is to be multiplied with v, not x": v,
            "v is missing: this is the gradient of the sum of the gradient": ones,
            "v has to be multiplied in before the second pass, not behind it": ones * v,
            "only the diagonal of the Hessian counts here": diagonal * v,
            "v goes into the sum of f, not of its gradient": ones * v.sum()})
