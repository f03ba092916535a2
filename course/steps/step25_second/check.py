"""Checks of step 25."""

import numpy as np

from course.grading.checks import Checks
from course.grading.gradients import check_rules

CHECKS = Checks()


def numbers(work, *shape):
    return work.rng.uniform(0.4, 2, shape) * work.rng.choice([-1.0, 1.0], shape)


@CHECKS("a pass is recorded if that is asked for, and otherwise not")
def switch(work):
    x = np.abs(numbers(work, 2, 3))
    for text, right in (("(x * x).sum()", 2 * x), ("(x * 5).sum() + tanh(x).sum()",
                                                   5 + 1 - np.tanh(x) ** 2),
                        ("(exp(x) / x).sum(0).sum()", np.exp(x) * (1 / x - 1 / x ** 2))):
        for asked in (False, True):
            found, requires, inputs, left = work.call("recorded", text, x, asked,
                                                      doing=f"gradients of {text}")
            work.same("gradients", f"the gradient of {text}", found, right)
            if (requires, bool(inputs)) != (asked, asked):
                raise work.wrong("gradients", f"with recorded={asked} the gradient of {text} "
                                              f"should {'' if asked else 'not '}require a "
                                              f"gradient itself")
            if not left:
                raise work.wrong("gradients", "after the pass x does not require a gradient any "
                                              "more; make new Tensors instead of changing those")


@CHECKS("unbroadcast, and the gradient of it")
def unbroadcast(work):
    for shape, large in (((3,), (4, 3)), ((4, 1), (4, 3)), ((), (2, 3)), ((1,), (2, 3)),
                         ((2, 1, 1), (5, 2, 3, 4)), ((2, 3), (2, 3)), ((1, 3), (1, 3))):
        g, weights = numbers(work, *large), np.asarray(numbers(work, *shape))
        right = np.zeros(shape)
        for index in np.ndindex(*large):
            own = index[len(index) - len(shape):]
            right[tuple(0 if length == 1 else i for i, length in zip(own, shape))] += g[index]
        found, gradient = work.call("undone", g, list(shape), weights, doing="unbroadcast")
        what = f"from {large} to {shape}"
        work.same("unbroadcast", f"unbroadcast {what}", found, right)
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
        x = np.asarray(numbers(work, *shape))
        check_rules(work, f"spread(x, {large}, {dim}, {keepdim})", {"x": x}, where="spread_rule",
                    reference=lambda x, dim=dim, keepdim=keepdim, large=large: np.broadcast_to(
                        x if dim is None or keepdim else np.expand_dims(x, dim), large).copy())
    for index in ([0, 2, 0], [1], [1, 1, 1]):
        def reference(x, index=index):
            result = np.zeros((3, 2))
            np.add.at(result, index, x)
            return result

        check_rules(work, f"put(x, (3, 2), {index})", {"x": numbers(work, len(index), 2)},
                    where="put_rule", reference=reference)


@CHECKS("second derivatives")
def second(work):
    x = np.abs(numbers(work, 3, 2))
    for text, reference in (
            ("(x ** 3).sum()", lambda x: 3 * x ** 2),
            ("tanh(x).sum()", lambda x: 1 - np.tanh(x) ** 2),
            ("(x.sum(0) ** 2).sum()", lambda x: np.broadcast_to(2 * x.sum(0), x.shape).copy()),
            ("((x * x[0]) ** 2).sum()", lambda x: 2 * x * x[0] ** 2 + np.stack(
                [2 * (x ** 2).sum(0) * x[0], 0 * x[0], 0 * x[0]])),
            ("(x[[0, 2, 0]] ** 3).sum()", lambda x: 3 * x ** 2 * np.array([[2.0], [0], [1]]))):
        check_rules(work, f"gradients({text}, [x], recorded=True)[0]", {"x": x}, where="gradients",
                    reference=reference)


@CHECKS("the Hessian times a direction")
def hessian(work):
    x, v = numbers(work, 3), numbers(work, 3)
    a = numbers(work, 3, 3)
    square = a.T @ a
    for text, right in (
            ("(x ** 3).sum()", 6 * x * v), ("x[0] * x[1] * x[2]", np.array([
                [0, x[2], x[1]], [x[2], 0, x[0]], [x[1], x[0], 0]]) @ v),
            ("exp(x.sum())", np.exp(x.sum()) * v.sum() * np.ones(3)),
            (f"((x.reshape(1, 3) @ np.array({a.T.tolist()})) ** 2).sum()", 2 * square @ v)):
        found = work.call("hessian", text, x, v, doing="hessian_times")
        name = text if len(text) < 40 else "the sum of squares of A·x"
        work.same("hessian_times", f"for f(x) = {name}, the Hessian times v", found, right,
                  likely={"this is the gradient, not its change along v": right / v})
